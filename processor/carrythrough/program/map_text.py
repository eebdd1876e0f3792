"""A program map as text that a person will read and change: proposed parts with their reasons as comments.

Parts are written one by one and not through a YAML library, because a comment has to stand beside what it is
about. Each text is written so that the product's own reader gives back the same value.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import msgspec

from carrythrough.authoring.source import read_source
from carrythrough.program.activities import Activity, ActivityEvidence
from carrythrough.program.courses import slug, unique
from carrythrough.program.natures import verb_word
from carrythrough.program.proposing import UNNAMED, LeftOut, Proposal, ProposedActivity, ProposedSkill

COMMENT_CHARACTERS_MAX = 116
LEFT_OUT_SHOWN = 12
UNNAMED_PROGRAM = "New program"
_KEEP = "What is guessed says so: keep what is right and change what is not."
_TEACHING = ("learn", "practice", "exposure")
_USUAL = ActivityEvidence(skill="", channel="learn")
"""What is not written, because it is the default."""
_PLAIN = re.compile(r"[A-Za-z0-9(][A-Za-z0-9 ,./_()?=&;+~$%@#:'\u2019-]*\Z")
_UNSAFE = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff]+")


class Answers(msgspec.Struct, frozen=True, kw_only=True):
    """What the author said about the program; what is empty was not said.

    skills: what people need to be able to do. does: what one can see them do. kpi: the measure that shows the goal.
    """

    name: str = ""
    owner: str = ""
    goal: str = ""
    kpi: str = ""
    unit: str = ""
    direction: str = ""
    target: float | None = None
    skills: tuple[str, ...] = ()
    does: str = ""


def scalar(value: Any) -> str:
    """Return a value as YAML that reads back as the same value; texts are quoted where they must be."""
    if not isinstance(value, str):
        return f"{value:g}" if isinstance(value, float) else json.dumps(value)
    text = _UNSAFE.sub(" ", value)
    if (
        _PLAIN.match(text)
        and ": " not in text
        and " #" not in text
        and text == text.strip()
        and text[-1] != ":"
    ):
        node = read_source(f"a: {text}\n", "text.yaml").value["a"]
        if node.value == text:
            return text
    if '"' in text and "'" not in text:
        return f"'{text}'"
    return json.dumps(text, ensure_ascii=False)


def comment(text: str, indent: int) -> Iterator[str]:
    """Yield a text as lines of comment."""
    lead = " " * indent + "# "
    line = ""
    for word in _UNSAFE.sub(" ", text).split():
        if line and len(lead) + len(line) + len(word) >= COMMENT_CHARACTERS_MAX:
            yield lead + line
            line = ""
        line = f"{line} {word}" if line else word
    if line:
        yield lead + line


def activity_lines(part: ProposedActivity, indent: int = 2) -> Iterator[str]:
    """Yield a proposed activity as an entry of `activities`, its reasons above it."""
    if part.statements:
        yield from comment(_counts(part), indent)
    yield from comment(part.reason[:1].upper() + part.reason[1:] + ".", indent)
    yield from entry_lines(part.activity, indent)


def entry_lines(activity: Activity, indent: int = 2) -> Iterator[str]:
    """Yield an activity as an entry of `activities`."""
    lead = " " * indent
    yield f"{lead}- id: {activity.id}"
    yield f"{lead}  name: {scalar(activity.name)}"
    if activity.modality != "formal":
        yield f"{lead}  modality: {activity.modality}"
    yield f"{lead}  match:"
    yield from _matcher_lines(msgspec.to_builtins(activity.match), f"{lead}    ")
    yield f"{lead}  evidence:"
    for entry in activity.evidence:
        given = {
            key: value
            for key, value in msgspec.to_builtins(entry).items()
            if key == "channel" or value != getattr(_USUAL, key)
        }
        yield f"{lead}    - {{{', '.join(f'{key}: {_flow(value)}' for key, value in given.items())}}}"


def _flow(value: Any) -> str:
    """Return a value as YAML within one line."""
    if isinstance(value, dict):
        return f"{{{', '.join(f'{key}: {_flow(part)}' for key, part in value.items())}}}"
    if isinstance(value, list):
        return f"[{', '.join(map(_flow, value))}]"
    text = scalar(value)
    return json.dumps(value, ensure_ascii=False) if text == value and set(text) & set(",[]{}") else text


def _matcher_lines(members: Mapping[str, Any], lead: str) -> Iterator[str]:
    for member, values in members.items():
        if isinstance(values, dict):
            yield f"{lead}{member}:"
            yield from _matcher_lines(values, f"{lead}  ")
        elif len(values) > 1:
            yield f"{lead}{member}:"
            yield from (f"{lead}  - {scalar(value)}" for value in values)
        else:
            yield f"{lead}{member}: {scalar(values[0])}"


def _counts(part: ProposedActivity) -> str:
    verbs = ", ".join(f"{verb_word(verb)} {number:,}" for verb, number in part.verbs)
    bearing = "" if part.bearing == part.statements else f", {part.bearing:,} of them score-bearing"
    text = f"{part.statements:,} statement{'s' if part.statements != 1 else ''}{bearing}: {verbs}."
    if part.titles:
        text += " For example " + "; ".join(f'"{title}"' for title in part.titles) + "."
    return text


def map_text(proposal: Proposal, answers: Answers, source: str, schema: str = "") -> str:
    """Return the whole text of a proposed map. source: the files that it was guessed from, "" for none."""
    first = proposal.skills[0]
    alone = len(proposal.skills) == 1 and first.name != UNNAMED
    name = answers.name or (first.name if alone else UNNAMED_PROGRAM)
    lines = []
    if schema:
        lines.append(f"# yaml-language-server: $schema={schema}")
    if source:
        lines += comment(f"Proposed from the {proposal.statements:,} statements of {source}. {_KEEP}", 0)
    lines += [f"map: {slug(name, 'program')}", "version: 1"]
    lines.append(
        f"name: {scalar(name)}" + ("" if answers.name else _guessed("what do people call the program?"))
    )
    if answers.owner:
        lines.append(f"owner: {scalar(answers.owner)}")
    kpi = slug(answers.kpi, "kpi") if answers.kpi else ""
    lines += _goals(answers, kpi)
    lines += ["", "skills:"]
    for skill in proposal.skills:
        lines += _skill(skill, kpi, said=bool(answers.skills))
    lines += _objectives(proposal, answers)
    lines += ["", "activities:"] if proposal.activities else []
    for number, part in enumerate(proposal.activities):
        lines += [""] if number else []
        lines += activity_lines(part)
    lines += left_out_lines(proposal.left_out)
    if kpi:
        lines += _events(proposal.skills, kpi)
    return "\n".join(lines) + "\n"


def _guessed(question: str) -> str:
    return f"  # guessed: {question}"


def _goals(answers: Answers, kpi: str) -> list[str]:
    if not answers.goal and not kpi:
        return []
    goal = answers.goal or answers.kpi
    lines = ["", "goals:", f"  - id: {slug(goal, 'goal')}", f"    name: {scalar(goal)}"]
    if not kpi:
        return [*lines, "    kpis: []"]
    lines += ["    kpis:", f"      - id: {kpi}", f"        name: {scalar(answers.kpi)}"]
    if answers.unit:
        lines.append(f"        unit: {scalar(answers.unit)}")
    lines.append(f"        direction: {answers.direction or 'up'}")
    if answers.target is not None:
        lines.append(f"        target: {answers.target:g}")
    return lines


def _skill(skill: ProposedSkill, kpi: str, *, said: bool) -> list[str]:
    guessed = "" if said else _guessed("what do people do on the job, in a verb?")
    lines = [f"  - id: {skill.id}", f"    name: {scalar(skill.name)}{guessed}"]
    if kpi:
        lines.append(f"    kpis: [{kpi}]")
    return lines


def _objectives(proposal: Proposal, answers: Answers) -> list[str]:
    lines = ["", "objectives:"]
    taken: set[str] = set()
    for number, skill in enumerate(proposal.skills):
        does = answers.does if not number else ""
        taught = UNNAMED.lower() if skill.name == UNNAMED else f'what "{skill.name}" teaches'
        statement = does or f"On the job, does {taught}."
        guessed = "" if does else _guessed("what can one see people do?")
        lines += [
            f"  - id: {unique(slug(f'use-{skill.id}'), taken)}",
            f"    skill: {skill.id}",
            f"    statement: {scalar(statement)}{guessed}",
        ]
        teaching = [part.activity.id for part in proposal.activities if _teaches(part.activity, skill.id)]
        if teaching:
            lines.append(f"    activities: [{', '.join(teaching)}]")
    return lines


def _teaches(activity: Activity, skill: str) -> bool:
    return any(entry.skill == skill and entry.channel in _TEACHING for entry in activity.evidence)


def _events(skills: Sequence[ProposedSkill], kpi: str) -> list[str]:
    lines = ["", "events:", f"  - id: {slug(f'{kpi}-readings')}"]
    lines += [f"    match: {{kind: kpi-reading, kpi: {kpi}}}", "    evidence:"]
    return lines + [f"      - {{skill: {skill.id}, channel: job}}" for skill in skills]


_EVENT_CHANNELS = {"observation": "observed", "job-aid-use": "support", "self-report": "voice"}


def event_rule_lines(kind: str, source: str, skill: str) -> list[str]:
    """Return a rule for events of one kind from one source, as an entry of `events`."""
    match = f"kind: {kind}" + (f", source: {scalar(source)}" if source else "")
    return [
        f"  - id: {slug(f'{source} {kind}', 'event')}",
        f"    match: {{{match}}}",
        f"    evidence: [{{skill: {skill}, channel: {_EVENT_CHANNELS.get(kind, 'job')}}}]",
    ]


def left_out_lines(left_out: Sequence[LeftOut]) -> list[str]:
    """Return what is left out, as comment."""
    if not left_out:
        return []
    lines = ["", "  # Left out, since it says nothing more about anybody's skill:"]
    lines += [
        f"  #   {left.statements:>7,}  {verb_word(left.verb)} ({left.about}): {left.why}"
        for left in left_out[:LEFT_OUT_SHOWN]
    ]
    rest = left_out[LEFT_OUT_SHOWN:]
    if rest:
        lines.append(f"  #   {sum(left.statements for left in rest):>7,}  of {len(rest)} other kinds")
    return lines
