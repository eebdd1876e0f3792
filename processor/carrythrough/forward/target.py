"""Where statements are forwarded to: the settings `forward.NAME`, checked before anything runs."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from typing import Annotated, Literal

import msgspec
from msgspec import Meta

from carrythrough.errors import wrong_setting

NAME = re.compile(r"[a-z0-9][a-z0-9-]{0,39}")
"""Names of targets are metric labels and keys of the positions."""
TARGETS_MAX = 20
"""Each has a thread and metrics of its own."""


class ForwardTarget(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One store to send to; filters narrow what is sent, and all of them hold together."""

    endpoint: Annotated[str, Meta(description="Address of the store's xAPI, without `statements`.")]
    key: Annotated[str, Meta(description="Key (user name) for Basic authentication.")] = ""
    secret_env: Annotated[
        str, Meta(description="Name of the environment variable that holds the secret.")
    ] = ""
    version: Annotated[
        Literal["", "1.0.3", "2.0.0"],
        Meta(
            description='Version of xAPI to speak; "" is that under which each statement was taken in here.'
        ),
    ] = ""
    statements: Annotated[
        bool, Meta(description="Send what was taken in here; off for a store that only gets our own.")
    ] = True
    verbs: Annotated[
        tuple[str, ...], Meta(description="Only statements with one of these verbs (IRIs).")
    ] = ()
    activities: Annotated[
        tuple[str, ...],
        Meta(description="Only statements whose object is an activity that begins with one of these."),
    ] = ()
    credentials: Annotated[tuple[str, ...], Meta(description="Only what these credentials stored.")] = ()
    not_from: Annotated[
        tuple[str, ...],
        Meta(
            description="Nothing that these credentials stored; a pull source of the same name as the target "
            "is always among them, so that nothing goes round in a circle."
        ),
    ] = ()
    history: Annotated[
        bool, Meta(description="Begin with what is stored already; off: with what comes from now on.")
    ] = True
    write_back: Annotated[
        bool,
        Meta(
            description="Send our own statements too: skills carried through, targets reached, actions sent."
        ),
    ] = False
    identified: Annotated[
        bool,
        Meta(
            description="Name people in our own statements as the roster does; off: by pseudonym (how-to/forward.md)."
        ),
    ] = False
    batch: Annotated[int, Meta(ge=1, le=500, description="Statements in one request.")] = 50
    timeout_s: Annotated[
        float, Meta(gt=0, le=600, description="Seconds after which a silent store counts as away.")
    ] = 30.0
    attachments: Annotated[
        bool, Meta(description="Send the data of attachments along, where it is stored here.")
    ] = True

    def excluded(self, name: str) -> frozenset[str]:
        """Return the credentials whose statements are not sent to this target, which is called `name`."""
        return frozenset((*self.not_from, name, f"pull:{name}"))


def secrets_of(
    targets: Mapping[str, ForwardTarget], environment: Mapping[str, str] | None = None
) -> dict[str, str]:
    """Return the secret of each target, "" where it has none.

    Raises PermanentError (settings-invalid) naming the setting that cannot work.
    """
    _check(targets)
    held = os.environ if environment is None else environment
    return {name: _secret_of(name, target, held) for name, target in targets.items()}


def _check(targets: Mapping[str, ForwardTarget]) -> None:
    if len(targets) > TARGETS_MAX:
        raise wrong_setting("forward", f"{len(targets)} targets; at most {TARGETS_MAX}")
    for name, target in targets.items():
        if not NAME.fullmatch(name):
            raise wrong_setting(
                f"forward.{name[:40]}", "the name of a target is lower-case letters, digits and hyphens"
            )
        if not target.endpoint.startswith(("http://", "https://")):
            raise wrong_setting(
                f"forward.{name}.endpoint", f"{target.endpoint[:80]!r} is not an http or https address"
            )
        if not target.statements and not target.write_back:
            raise wrong_setting(
                f"forward.{name}", "statements and write_back are both off: nothing would be sent"
            )


def _secret_of(name: str, target: ForwardTarget, environment: Mapping[str, str]) -> str:
    if not target.secret_env:
        return ""
    found = environment.get(target.secret_env)
    if not found:
        raise wrong_setting(
            f"forward.{name}.secret_env",
            f"the environment variable {target.secret_env[:80]!r} is not set or empty",
        )
    return found
