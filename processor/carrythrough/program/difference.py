"""What a new version of a map changes, part by part, and what each change means for evidence, scores and actions.

Parts are told apart by their ids, so that moving one in the file is no change and renaming one is said as such.
Evidence is stamped once, with the map in force at its place in the log: a change speaks of what comes after it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, Literal

import msgspec

from carrythrough.program.types import ProgramMap

What = Literal["added", "removed", "renamed", "changed"]
SECTIONS = (
    "map",
    "goals",
    "kpis",
    "skills",
    "objectives",
    "activities",
    "events",
    "reinforcement",
    "programs",
    "needs",
    "items",
    "policy",
    "tests",
)
_WHOLE = ("needs", "policy")
_MAP_KEYS = ("id", "name", "owner", "version")
_NAMED = "evidence and decisions name it so from now on; nothing else changes"
_RENAMED = {
    "skills": "a new id is a new skill: its score begins anew, and that of the old id is no longer shown",
    "kpis": "readings that name the old id give no outcome from now on",
}
_STAMPED = "what is stamped already stays as it is"


class FieldChange(msgspec.Struct, frozen=True):
    """A value that differs. path: keys from the part, with dots. before, after: None where it is not given."""

    path: str
    before: Any
    after: Any


class Change(msgspec.Struct, frozen=True):
    """A part that differs, and what that means. was: its id before, where it was renamed."""

    section: str
    id: str
    what: What
    means: str
    fields: tuple[FieldChange, ...] = ()
    was: str = ""


def difference(old: ProgramMap, new: ProgramMap) -> list[Change]:
    """Return every change from `old` to `new`, in the order of SECTIONS and then of the files."""
    found: list[Change] = []
    for section in SECTIONS:
        before, after = _parts(old, section), _parts(new, section)
        found += _section(section, before, after)
    return found


def version_raised(old: ProgramMap, new: ProgramMap) -> bool:
    """Say whether the new map can be told from the old one by its version."""
    return new.version > old.version or new == old


def _parts(program: ProgramMap, section: str) -> dict[str, dict[str, Any]]:
    """Return the parts of a section by id, as plain values without defaults."""
    if section == "map":
        values = {"map" if key == "id" else key: getattr(program, key) for key in _MAP_KEYS}
        return {program.id: {key: value for key, value in values.items() if value not in ("", None)}}
    if section in _WHOLE:
        plain = msgspec.to_builtins(getattr(program, section))
        return {section: plain} if plain else {}
    if section == "kpis":
        return {
            kpi.id: msgspec.to_builtins(kpi) | {"goal": goal.id}
            for goal in program.goals
            for kpi in goal.kpis
        }
    parts = {part.id: msgspec.to_builtins(part) for part in getattr(program, section)}
    if section == "goals":
        for part in parts.values():
            part.pop("kpis", None)
    return parts


def _section(section: str, before: Mapping[str, Any], after: Mapping[str, Any]) -> Iterator[Change]:
    if section in ("map", *_WHOLE):
        one: dict[str, Any] = next(iter(before.values()), {})
        other: dict[str, Any] = next(iter(after.values()), {})
        fields = tuple(_fields(one, other))
        if fields:
            name = next(iter(after), next(iter(before), section))
            yield Change(section, name, "changed", _means(section, fields), fields)
        return
    renamed = _renamed(before, after)
    for name, part in after.items():
        if name in renamed:
            yield Change(section, name, "renamed", _RENAMED.get(section, _NAMED), was=renamed[name])
        elif name not in before:
            fields = tuple(_fields({}, part))
            yield Change(section, name, "added", _ADDED[section](part), fields)
        elif fields := tuple(_fields(before[name], part)):
            yield Change(section, name, "changed", _means(section, fields), fields)
    for name, part in before.items():
        if name not in after and name not in renamed.values():
            yield Change(section, name, "removed", _REMOVED[section](part), tuple(_fields(part, {})))


def _renamed(before: Mapping[str, Any], after: Mapping[str, Any]) -> dict[str, str]:
    """Return new id → old id of parts that differ in nothing but the id."""
    gone = [name for name in before if name not in after]
    found: dict[str, str] = {}
    for name in (name for name in after if name not in before):
        bare = _bare(after[name])
        twin = next((old for old in gone if old not in found.values() and _bare(before[old]) == bare), None)
        if twin is not None:
            found[name] = twin
    return found


def _bare(part: Mapping[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in part.items() if key != "id"}


def _fields(before: Any, after: Any, path: str = "") -> Iterator[FieldChange]:
    for key in dict.fromkeys((*before, *after)):
        if key == "id" and not path:
            continue
        one, other = before.get(key), after.get(key)
        if one == other:
            continue
        where = f"{path}.{key}" if path else key
        one, other = _keyed(one, other)
        if isinstance(one, dict) and isinstance(other, dict):
            yield from _fields(one, other, where)
        else:
            yield FieldChange(where, one, other)


def _keyed(one: Any, other: Any) -> tuple[Any, Any]:
    """Return two lists of parts as parts by their skill or id, so that one entry is compared with its like."""
    for key in ("skill", "id"):
        if all(isinstance(value, (list, tuple)) and _has_keys(value, key) for value in (one, other)):
            return {part[key]: part for part in one}, {part[key]: part for part in other}
    return one, other


def _has_keys(parts: Sequence[Any], key: str) -> bool:
    names = [part[key] for part in parts if isinstance(part, dict) and isinstance(part.get(key), str)]
    return bool(parts) and len(set(names)) == len(parts)


def _skills_of(part: Mapping[str, Any]) -> str:
    entries = part.get("evidence", ())
    words = [f"{entry['skill']} ({_reading(entry)})" for entry in entries]
    return ", ".join(words) or "no skill"


def _reading(entry: Mapping[str, Any]) -> str:
    channel: str = entry.get("channel", "job")
    outcome = entry.get("outcome", "none")
    return channel if outcome == "none" else f"{channel}, {outcome}"


_Means = Callable[[Mapping[str, Any]], str]
_ADDED: dict[str, _Means] = {
    "goals": lambda _: "the report can show what it moves",
    "kpis": lambda part: (
        "its readings are judged" + ("" if "target" in part else " only against a closed baseline")
    ),
    "skills": lambda _: "it has a score as soon as enough evidence has come",
    "objectives": lambda _: "evidence does not change",
    "activities": lambda part: f"statements that it matches give evidence of {_skills_of(part)} from now on",
    "events": lambda part: f"events that it matches give evidence of {_skills_of(part)} from now on",
    "reinforcement": lambda part: f"{part['action']} may be sent to the {part.get('to', 'employee')}",
    "programs": lambda _: "people are told by its cohorts from now on",
    "items": lambda part: f"it is asked in reviews of {part['skill']}, and answers are learn evidence of it",
    "tests": lambda _: "evidence does not change",
}
_REMOVED: dict[str, _Means] = {
    "goals": lambda _: "the report no longer shows it",
    "kpis": lambda _: f"its readings give no outcome from now on; {_STAMPED}",
    "skills": lambda _: "its scores are no longer shown; its evidence stays in the log",
    "objectives": lambda _: "evidence does not change",
    "activities": lambda part: (
        f"its statements give no evidence of {_skills_of(part)} from now on, unless another "
        f"activity matches them; {_STAMPED}"
    ),
    "events": lambda part: f"its events give no evidence of {_skills_of(part)} from now on; {_STAMPED}",
    "reinforcement": lambda part: f"this {part['action']} is no longer sent",
    "programs": lambda _: "people are no longer told by its cohorts",
    "items": lambda _: f"it is asked no more; {_STAMPED}",
    "tests": lambda _: "evidence does not change",
}
_FIELD_MEANS: dict[str, tuple[tuple[str, str], ...]] = {
    "map": (("map", "this is another map, not a version of the same one"),),
    "kpis": (
        ("target", f"readings from now on are judged by the new standard; {_STAMPED}"),
        ("direction", f"what was good is bad from now on; {_STAMPED}"),
        ("reliability", f"one reading weighs differently from now on; {_STAMPED}"),
        ("noise_sd", f"how sure a reading is changes from now on; {_STAMPED}"),
        ("grain", "whether readings count for a person changes from now on"),
        ("baseline", "the window that readings are held against changes when the baseline is closed"),
    ),
    "skills": (
        ("target", "stages and rules use the new target at once; scores stay"),
        ("roles", "overall scores and whom the skill concerns change at once"),
        ("volatile", "scores change at once: the other job sums are read"),
        ("half_life_days", "scores may change at once: the other job sums may be read"),
        ("dips", "the stage underperforming is suppressed in other weeks"),
        ("opportunity_days", "stages change at once: when a skill counts as unapplied"),
        ("job_aid_minutes", f"which successes count as assisted changes from now on; {_STAMPED}"),
        ("safety_critical", "reviews are planned for another retention"),
        ("requires", "whether it is left alone until others are learnt changes at once"),
    ),
    "activities": (
        ("match", f"other statements give its evidence from now on; {_STAMPED}"),
        ("evidence", f"its statements are read differently from now on; {_STAMPED}"),
    ),
    "events": (
        ("match", f"other events give its evidence from now on; {_STAMPED}"),
        ("evidence", f"its events are read differently from now on; {_STAMPED}"),
    ),
    "reinforcement": (
        ("when", "it acts in other situations from now on"),
        ("action", "something else is sent from now on"),
        ("to", "somebody else gets it from now on"),
        ("adapters", "it is delivered in another way from now on"),
        ("skills", "it acts for other skills from now on"),
    ),
    "policy": (("", "the guards on what is sent, and who is shown a score, change at once"),),
    "items": (
        ("skill", f"answers are evidence of another skill from now on; {_STAMPED}"),
        ("right", f"other answers are right from now on; {_STAMPED}"),
    ),
    "needs": (("", "priorities from the needs survey change at once"),),
    "programs": (("", "who belongs to which cohort may change at once"),),
}


def _means(section: str, fields: Sequence[FieldChange]) -> str:
    """Return what the changed fields mean, each meaning once."""
    known = _FIELD_MEANS.get(section, ())
    said = [
        text
        for key, text in known
        for field in fields
        if not key or field.path == key or field.path.startswith(f"{key}.")
    ]
    return "; ".join(dict.fromkeys(said)) or "words only: evidence, scores and actions do not change"
