"""Names in the words of an action, put in just before it leaves: nothing that is kept or published has any."""

from __future__ import annotations

import msgspec

from carrythrough.pipeline.effects import ActionRequested
from carrythrough.plugin import one_line
from carrythrough.ports import Directory, Recipient
from carrythrough.program.wording import addressed

NAME_CHARACTERS_MAX = 100
"""A longer name is cut: it would push the rest of a title out of sight."""


def addressed_to(
    action: ActionRequested, recipient: Recipient | None, directory: Directory
) -> tuple[ActionRequested, str]:
    """Return (the action with names in its words, "" or why it must not leave).

    A text is refused when the roster has no name for somebody whom it names and it says nothing in place of the
    name. Raises what `directory` raises.
    """
    if "{" not in action.title and "{" not in action.body:
        return action, ""
    names = {"name": _name(recipient)}
    if action.subject != action.recipient:
        names["person"] = _name(directory.recipient(action.subject))
    title, missing_in_title = addressed(action.title, names)
    body, missing_in_body = addressed(action.body, names)
    if missing := missing_in_title or missing_in_body:
        return (
            action,
            f"the text names {missing}, the roster has no name for that, and no other words are given",
        )
    return msgspec.structs.replace(action, title=title, body=body), ""


def _name(known: Recipient | None) -> str:
    return "" if known is None else one_line(known.name, NAME_CHARACTERS_MAX)
