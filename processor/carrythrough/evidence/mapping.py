"""Statements and performance events to stamped evidence: where "it happened" becomes "how well".

Rules that hold whatever the map says: what nobody measured is exposure, never an outcome; an
opinion (a Likert answer, a self-report) informs and never counts; using a job aid is support;
a team's number says nothing about one person. Everything is fixed point and free of libm.
"""

from __future__ import annotations

from typing import NamedTuple

from carrythrough.events.types import PerformanceEvent
from carrythrough.evidence.baselines import NONE as NO_BASELINES
from carrythrough.evidence.baselines import Baselines, weight_of
from carrythrough.evidence.interactions import LIKERT, place_on_scale
from carrythrough.evidence.outcome import item_named, outcome_of, share_of
from carrythrough.evidence.standard import is_fallback, outcome_of_reading
from carrythrough.evidence.types import (
    FLAG_ASSISTED,
    FLAG_CLAMPED,
    FLAG_FALLBACK_STANDARD,
    FLAG_OPPORTUNITY_ONLY,
    FLAG_STATED,
    SUPPORT_WINDOW_S_MAX,
    W_ONE,
    Y_ONE,
    Channel,
    Evidence,
)
from carrythrough.program.compile import EvidenceRule, Program
from carrythrough.program.event_matcher import EventEvidenceRule
from carrythrough.program.types import DIFFICULTY_DEFAULT
from carrythrough.xapi.statement import Activity, Statement

SKEW_MS_MAX = 5 * 60_000
"""How far an event time may lie after the log time before it is clamped to it."""
W_MAX = 8 * W_ONE
P_ITEM_DEFAULT = int(DIFFICULTY_DEFAULT * Y_ONE + 0.5)
MANAGER_WEIGHT = 0.5
PEER_WEIGHT = 0.3
"""Also for an observer who is not named: the lesser of the two."""
RELIABILITY_DEFAULT = 0.3
"""Weight of a KPI reading whose reliability neither the map declares nor a baseline has measured."""

_PASSED_OVER = frozenset({"http://id.tincanapi.com/verb/skipped"})
"""A question that was passed over says nothing of how sure somebody is, whatever score the sender writes (often 0)."""
_JOB, _OBSERVED, _EXPOSURE, _SUPPORT, _VOICE = (
    int(Channel.JOB),
    int(Channel.OBSERVED),
    int(Channel.EXPOSURE),
    int(Channel.SUPPORT),
    int(Channel.VOICE),
)
_FORCED_CHANNEL = {
    "observation": _OBSERVED,
    "job-aid-use": _SUPPORT,
    "self-report": _VOICE,
    "opportunity": _JOB,
}
"""Kinds that say themselves which channel they belong to, whatever the map says."""


def evidence_of_statement(
    program: Program, st: Statement, source: bytes, event_ms: int, stored_ms: int
) -> tuple[Evidence, ...]:
    """Return what a statement says, at most one piece of evidence a skill; () when unmapped.

    source: 16-byte statement id. event_ms: its timestamp in ms since the epoch, -1 when it has
    none. stored_ms: log append time; an event time more than SKEW_MS_MAX later is clamped to it.
    """
    rules = program.match_statement(st)
    if not rules:
        return ()
    t_ms, flags = event_ms, 0
    if event_ms > stored_ms + SKEW_MS_MAX:
        t_ms, flags = stored_ms, FLAG_CLAMPED
    elif event_ms == -1:
        t_ms = stored_ms
    version = program.version
    if len(rules) == 1:
        return (_statement_evidence(program, rules[0], st, source, t_ms, flags, version),)
    return tuple([_statement_evidence(program, rule, st, source, t_ms, flags, version) for rule in rules])


def _statement_evidence(
    program: Program, rule: EvidenceRule, st: Statement, source: bytes, t_ms: int, flags: int, version: int
) -> Evidence:
    channel = rule.channel
    if channel < _EXPOSURE:
        obj = st.object
        if type(obj) is Activity and obj.definition is not None and obj.definition.interaction_type == LIKERT:
            channel = _VOICE
        else:
            y = outcome_of(rule, st) if rule.w and rule.outcome else None
            if y is not None:
                item = obj.id if rule.item and type(obj) is Activity else ""
                if rule.named is not None:
                    item = item_named(rule.named, st)
                return Evidence(
                    source, rule.skill, channel, t_ms, y, rule.w, rule.p_item, flags, item, rule.rule, version
                )
            channel = _EXPOSURE
    window_s = _window_s(program, rule.skill) if channel == _SUPPORT else 0
    y = 0
    # A question of opinion amid a quiz may be about anything; only what the map calls voice is about the skill,
    # and of that what it gives a weight: an opinion of the course (weight 0) is counted and states nothing.
    if rule.channel == _VOICE and rule.w and (stated := _stated(st)) is not None:
        y, flags = stated, flags | FLAG_STATED
    return Evidence(source, rule.skill, channel, t_ms, y, 0, 0, flags, "", rule.rule, version, window_s)


def _stated(st: Statement) -> int | None:
    """Return how sure somebody said to be, 0..Y_ONE: the score, else the place of a Likert answer on its scale."""
    result = st.result
    if result is None or st.verb.id in _PASSED_OVER:
        return None
    if result.score is not None:
        return share_of(result.score)
    return place_on_scale(st)


def _window_s(program: Program, skill: str) -> int:
    known = program.skills.get(skill)
    return 0 if known is None else min(known.job_aid_minutes * 60, SUPPORT_WINDOW_S_MAX)


class Standing(NamedTuple):
    """What a reading is held against beside its target: the closed baselines, and who the person's peers are."""

    baselines: Baselines = NO_BASELINES
    role: str = ""
    site: str = ""


ALONE = Standing()


def evidence_of_event(
    program: Program,
    ev: PerformanceEvent,
    source: bytes,
    event_ms: int,
    stored_ms: int,
    standing: Standing = ALONE,
) -> tuple[Evidence, ...]:
    """Return what a performance event says, at most one piece of evidence a skill; () when unmapped.

    Team readings and rules of weight 0 give no outcome; a reading of a KPI without a target gives one only
    against a closed baseline, and is flagged FLAG_FALLBACK_STANDARD.
    """
    rules = program.match_event(ev)
    if not rules or _is_team(program, ev):
        return ()
    t_ms, flags = event_ms, 0
    if event_ms > stored_ms + SKEW_MS_MAX:
        t_ms, flags = stored_ms, FLAG_CLAMPED
    elif event_ms == -1:
        t_ms = stored_ms
    y, fallback = _event_outcome(program, ev, standing)
    if fallback:
        flags |= FLAG_FALLBACK_STANDARD
    weight = _event_weight(program, ev, standing)
    return tuple([_event_evidence(program, ev, rule, source, t_ms, flags, y, weight) for rule in rules])


def evidence_of_word(
    program: Program, ev: PerformanceEvent, source: bytes, t_ms: int
) -> tuple[Evidence, ...]:
    """Return what somebody's word that they applied a skill is: voice, which is counted and is no outcome.

    How it went by their own word stands in the event for people; it is neither an outcome nor how sure they
    are, so y stays 0. () for a skill that the map does not have.
    """
    if ev.skill not in program.skills:
        return ()
    return (Evidence(source, ev.skill, _VOICE, t_ms, 0, 0, 0, 0, "", ev.kind, program.version),)


def _is_team(program: Program, ev: PerformanceEvent) -> bool:
    kpi = program.kpis.get(ev.kpi)
    return ev.grain == "team" or (ev.kind == "kpi-reading" and kpi is not None and kpi.grain == "team")


def _event_outcome(program: Program, ev: PerformanceEvent, standing: Standing) -> tuple[int | None, bool]:
    """Return the outcome in 0..Y_ONE (None without one), and whether it is only a rank."""
    outcome = ev.outcome
    if outcome is None:
        return None, False
    if outcome.met is not None:
        return (Y_ONE if outcome.met else 0), False
    if outcome.score is not None:
        return int(min(max(outcome.score, 0.0), 1.0) * Y_ONE + 0.5), False
    kpi = program.kpis.get(ev.kpi)
    if kpi is None or outcome.value is None:
        return None, False
    baseline = standing.baselines.kpis.get(ev.kpi)
    y = outcome_of_reading(kpi, outcome.value, baseline, standing.role, standing.site)
    return y, y is not None and is_fallback(kpi, standing.role, standing.site)


def _event_weight(program: Program, ev: PerformanceEvent, standing: Standing) -> float:
    if ev.kind == "observation":
        manager = ev.observer is not None and ev.observer.role == "manager"
        return MANAGER_WEIGHT if manager else PEER_WEIGHT
    if ev.kind == "kpi-reading":
        kpi = program.kpis.get(ev.kpi)
        if kpi is not None and kpi.reliability is not None:
            return kpi.reliability
        baseline = standing.baselines.kpis.get(ev.kpi)
        measured = baseline is not None and baseline.reliability > 0.0
        return weight_of(baseline.reliability) if baseline and measured else RELIABILITY_DEFAULT
    return 1.0


def _event_evidence(
    program: Program,
    ev: PerformanceEvent,
    rule: EventEvidenceRule,
    source: bytes,
    t_ms: int,
    flags: int,
    y: int | None,
    weight: float,
) -> Evidence:
    channel = _FORCED_CHANNEL.get(ev.kind, rule.channel)
    name, version = rule.rule or ev.kind, program.version
    if channel >= _EXPOSURE:
        window_s = _window_s(program, rule.skill) if channel == _SUPPORT else 0
        stated = y if channel == _VOICE else None
        flags = flags & ~FLAG_FALLBACK_STANDARD | (0 if stated is None else FLAG_STATED)
        return Evidence(
            source, rule.skill, channel, t_ms, stated or 0, 0, 0, flags, "", name, version, window_s
        )
    w = min(int(weight * rule.weight * W_ONE + 0.5), W_MAX)
    if y is None or w == 0 or ev.kind == "opportunity":
        flags |= FLAG_OPPORTUNITY_ONLY
        return Evidence(source, rule.skill, channel, t_ms, 0, 0, 0, flags, "", name, version)
    if _is_assisted(program, ev, rule.skill):
        flags |= FLAG_ASSISTED
    return Evidence(source, rule.skill, channel, t_ms, y, w, P_ITEM_DEFAULT, flags, "", name, version)


def _is_assisted(program: Program, ev: PerformanceEvent, skill: str) -> bool:
    if ev.assisted:
        return True
    minutes = ev.minutes_of_support
    return minutes is not None and minutes * 60 <= _window_s(program, skill)
