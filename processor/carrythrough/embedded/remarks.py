"""What a sender is told beside the receipt of an event: it is stored, and yet may not do what was meant."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence

from carrythrough.authoring.reading import did_you_mean
from carrythrough.events.needs import NeedsSurvey
from carrythrough.events.performance import AdmittedEvent, PerformanceEvent
from carrythrough.evidence.mapping import SKEW_MS_MAX
from carrythrough.pipeline.noting import unknown_name
from carrythrough.pipeline.plan import InForce
from carrythrough.ports import Clock, Remark
from carrythrough.program.compile import Program

REMARKS_MAX = 20
"""Remarks in one answer; more of the same help nobody."""


_NO_EVIDENCE = frozenset({"needs-survey", "retraction"})
"""Kinds that are never evidence, whatever the map says."""


class Remarks:
    """Looks at events under the map and the roster in force; safe to use from several threads."""

    def __init__(self, in_force: Callable[[], InForce], clock: Clock) -> None:
        self._in_force = in_force
        self._clock = clock

    def of(self, events: Sequence[AdmittedEvent]) -> list[Remark]:
        """Return remarks on the events of a request, in its order, at most REMARKS_MAX."""
        in_force, latest_ms = self._in_force(), self._clock.now_ms() + SKEW_MS_MAX
        found: list[Remark] = []
        for number, one in enumerate(events):
            found += [
                Remark(where=f"/{number}{where}", detail=detail, fix=fix)
                for where, detail, fix in _on(one, in_force, latest_ms)
            ]
            if len(found) >= REMARKS_MAX:
                break
        return found[:REMARKS_MAX]


def _on(one: AdmittedEvent, in_force: InForce, latest_ms: int) -> Iterable[tuple[str, str, str]]:
    event = one.event
    waits_for = unknown_name(event, in_force.program)
    if waits_for:
        what, _, identity = waits_for.partition(":")
        known = in_force.program.skills if what == "skill" else in_force.program.kpis
        fix = did_you_mean(identity, known) or f"add {identity} to the program map"
        detail = f'the program map has no {what} "{identity}": the event waits, and counts when a map has it'
        yield f"/{what}", detail, fix
    elif event.kind not in _NO_EVIDENCE and event.grain != "team":
        yield from _on_evidence(event, in_force.program)
    if event.needs is not None:
        yield from _on_survey(event.needs, in_force.program)
    if one.t_ms > latest_ms:
        fix = "set the clock of the sender right; send what is right as a correction"
        yield "/time", "the time lies in the future: the event counts as of now", fix
    if event.employee and not in_force.directory.knows(event.employee):
        detail = (
            "the roster does not know this employee: the event counts, for a pseudonym until the roster does"
        )
        yield "/employee", detail, "add the person to the roster, or correct the id"


def _on_evidence(event: PerformanceEvent, program: Program) -> Iterable[tuple[str, str, str]]:
    """Tell of an event that is evidence of nothing under this map."""
    kpi = program.kpis.get(event.kpi) if event.kind == "kpi-reading" else None
    if kpi is not None and kpi.grain == "team":
        detail = f'"{event.kpi}" is a KPI of whole teams: its reading is no evidence about one person'
        yield "/grain", detail, 'send the team\'s own reading, with "grain": "team" and "team"'
    elif not program.match_event(event):
        detail = "it names no skill, and no event rule of the map covers it: it is kept, and is evidence of nothing"
        yield "/skill", detail, 'name the "skill", or add a rule to "events" of the program map'


def _on_survey(survey: NeedsSurvey, program: Program) -> Iterable[tuple[str, str, str]]:
    """Tell of the skills of a needs survey that the map does not have; the answers about the others count."""
    for number, need in enumerate(survey.skills):
        if need.skill not in program.skills:
            fix = did_you_mean(need.skill, program.skills) or f"add {need.skill} to the program map"
            detail = f'the program map has no skill "{need.skill}": the answers about it are kept until a map has it'
            yield f"/needs/skills/{number}/skill", detail, fix
