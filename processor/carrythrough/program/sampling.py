"""Real statements as tests of a proposed map: one of each activity, with nothing of whom it was about."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import msgspec

from carrythrough.program.map_text import scalar
from carrythrough.program.matcher import Matcher
from carrythrough.program.natures import verb_word
from carrythrough.program.observed import Observed
from carrythrough.program.proposing import Proposal
from carrythrough.program.types import Activity as ActivityOfMap
from carrythrough.program.types import Given, MapTest
from carrythrough.xapi.extensions import extensions_at, value_at
from carrythrough.xapi.statement import Activity, Statement

TESTS_MAX = 12
RESPONSE_CHARACTERS_MAX = 100
"""Longer responses are left out: they may be about somebody."""


class Sample(msgspec.Struct, frozen=True):
    """A test without what it expects: an id, a name, and a statement."""

    id: str
    name: str
    given: Given


def samples_of(proposal: Proposal, observed: Observed) -> list[Sample]:
    """Return a statement for each proposed activity, score-bearing where there is one."""
    matcher = Matcher([part.activity.match for part in proposal.activities])
    chosen: dict[int, Statement] = {}
    for kind, st in sorted(observed.samples.items(), key=lambda pair: (not pair[0].bearing, pair[0])):
        taken = matcher.find(kind.key())
        if taken:
            chosen.setdefault(taken[0], st)
    found = []
    for number, st in sorted(chosen.items())[:TESTS_MAX]:
        activity = proposal.activities[number].activity
        entry = activity.evidence[0]
        read = entry.channel if entry.outcome == "none" else f"{entry.channel} by its {entry.outcome}"
        name = f"{activity.name}, {verb_word(st.verb.id)}, gives {read}"
        found.append(
            Sample(
                f"{activity.id}-{verb_word(st.verb.id) or 'statement'}",
                name,
                Given(statement=_bare(st, activity)),
            )
        )
    return found


def _bare(st: Statement, read: ActivityOfMap) -> dict[str, Any]:
    """Return what matchers and readings look at of a statement, as it was sent."""
    whole: dict[str, Any] = {"verb": st.verb.id}
    obj = st.object
    if type(obj) is Activity:
        whole["object"] = {"id": obj.id} | _definition(obj)
    context = st.context
    if context is not None and context.context_activities is not None:
        around = context.context_activities
        near = {"parent": around.parent, "grouping": around.grouping, "category": around.category}
        named = {member: [{"id": one.id} for one in ones] for member, ones in near.items() if ones}
        if named:
            whole["context"] = {"contextActivities": named}
    if st.result is not None:
        result = {
            key: value
            for key, value in msgspec.to_builtins(st.result).items()
            if key in ("score", "success", "completion")
            or (key == "response" and len(value) <= RESPONSE_CHARACTERS_MAX and _is_marked(obj))
        }
        extensions = _extensions(st, read)
        if extensions:
            result["extensions"] = extensions
        if result:
            whole["result"] = result
    return whole


def _extensions(st: Statement, read: ActivityOfMap) -> dict[str, Any]:
    """Return those extensions of the result that the activity takes its outcomes from, and nothing beside them."""
    found: dict[str, Any] = {}
    for entry in read.evidence:
        wanted = entry.extension
        value = None if wanted is None else value_at(extensions_at(st, "result"), wanted.iri, wanted.path)
        if wanted is not None and isinstance(value, (bool, int, float)):
            for step in reversed(wanted.path):
                value = {step: value}
            found[wanted.iri] = value
    return found


def _definition(activity: Activity) -> dict[str, Any]:
    definition = activity.definition
    if definition is None:
        return {}
    kept: dict[str, Any] = {}
    if definition.type:
        kept["type"] = definition.type
    if definition.interaction_type:
        kept["interactionType"] = definition.interaction_type
    if _is_marked(activity):
        kept["correctResponsesPattern"] = list(definition.correct_responses_pattern or ())
    return {"definition": kept} if kept else {}


def _is_marked(obj: Any) -> bool:
    """Say whether a response is held against a pattern short enough to stand in a test."""
    definition = obj.definition if type(obj) is Activity else None
    if definition is None or not definition.interaction_type:
        return False
    patterns = definition.correct_responses_pattern or ()
    return 0 < sum(map(len, patterns)) <= RESPONSE_CHARACTERS_MAX


def tests_text(tests: Sequence[MapTest]) -> str:
    """Return tests as the section of a map."""
    if not tests:
        return ""
    lines = [
        "",
        "# What real statements give today; carrythrough program test says when a change of the map changes it.",
    ]
    lines.append("tests:")
    for test in tests:
        lines += [f"  - id: {test.id}", f"    name: {scalar(test.name)}", "    given:"]
        for given in test.given:
            lines.append("      - statement:")
            lines += _block(given.statement or {}, "          ")
        lines += ["    expect:", "      evidence:"]
        for piece in test.expect.evidence or ():
            values = msgspec.to_builtins(piece)
            lines.append(
                f"        - {{{', '.join(f'{key}: {scalar(value)}' for key, value in values.items())}}}"
            )
    return "\n".join(lines) + "\n"


def _block(value: dict[str, Any], lead: str) -> Iterator[str]:
    """Yield a mapping as YAML, a key a line; lists of single ids in one line."""
    for key, part in value.items():
        if isinstance(part, dict):
            yield f"{lead}{scalar(key)}:"
            yield from _block(part, f"{lead}  ")
        elif isinstance(part, list):
            yield f"{lead}{key}:"
            for entry in part:
                text = (
                    ", ".join(f"{name}: {scalar(one)}" for name, one in entry.items())
                    if isinstance(entry, dict)
                    else ""
                )
                yield f"{lead}  - {text or scalar(entry)}"
        else:
            yield f"{lead}{scalar(key)}: {scalar(part)}"


def _entry(entry: Any) -> str:
    """Return an entry of a list; a mapping there is that of an id alone."""
    return f"id: {scalar(entry['id'])}" if isinstance(entry, dict) else scalar(entry)
