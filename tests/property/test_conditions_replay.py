"""Rules with conditions decide the same however the log is cut, restarted or replayed, and count as a plain count."""

from __future__ import annotations

import msgspec
from hypothesis import HealthCheck, event, given, settings
from hypothesis import strategies as st

from carrythrough.events.performance import PerformanceEvent
from carrythrough.evidence.types import FLAG_OPPORTUNITY_ONLY, W_ONE, Y_ONE, Channel, Evidence
from carrythrough.identity.directory import RosterIndex
from carrythrough.identity.person import Roster
from carrythrough.pipeline.effects import ActionRequested, Effect
from carrythrough.pipeline.plan import InForce
from carrythrough.pipeline.rebuild import rebuild
from carrythrough.pipeline.records import Kind, Record
from carrythrough.pipeline.step import State, step
from carrythrough.program.compile import Program
from carrythrough.program.load import load_program
from carrythrough.program.types import Reinforcement, Seen, Unseen
from carrythrough.reinforcement.conditions import counted, is_unseen
from carrythrough.scoring.codec import decode_header, decode_pair, encode_header, encode_pair
from carrythrough.scoring.decay import DAY_MS
from carrythrough.scoring.model import SHIPPED
from carrythrough.scoring.state import NEWEST_KEPT, LearnerState, PairState
from carrythrough.xapi.admission import decode_statement

START = 20_000 * DAY_MS
HOUR_MS = 3_600_000
HEAD = """
map: m
version: 1
name: M
skills: [{id: calm, name: Calm, target: 0.75}, {id: fix, name: Fix, target: 0.6, job_aid_minutes: 60}]
activities:
  - {id: quiz, name: Quiz, match: {activity: "https://x.example/quiz"}, evidence: [{skill: calm, channel: learn, outcome: score}, {skill: fix, channel: learn, outcome: score}]}
  - {id: sim, name: Sim, match: {activity: "https://x.example/sim"}, evidence: [{skill: calm, channel: practice, outcome: score}]}
  - {id: film, name: Film, match: {activity: "https://x.example/film"}, evidence: [{skill: calm, channel: exposure}]}
events:
  - {id: qa, match: {kind: [qa-result, opportunity]}, evidence: [{skill: calm, channel: job}, {skill: fix, channel: job}]}
  - {id: aid, match: {kind: job-aid-use}, evidence: [{skill: fix, channel: support}]}
policy: {per_day: 10, per_week: 50, cooldown_h: 6, quiet: {from: "00:00", to: "00:00"}, days_off: [], holdout: 0.0, minimum_outcomes: 1, minimum_effective: 0.1}
"""  # noqa: E501
SITE = load_program(HEAD, "map.yaml")
CHANNELS = st.sampled_from(["learn", "practice", "job", "observed", "exposure", "support", "voice"])
SEEN = st.builds(
    lambda channel, days, least, more, result: {
        "channel": channel, "days": days, "result": result if channel in ("learn", "practice", "job") else "any",
        "at_least": least if channel in ("learn", "practice", "job") else 1,
        **({"at_most": least + more} if more is not None and channel in ("learn", "practice", "job") else {}),
    },
    CHANNELS, st.integers(1, 20), st.integers(0, 2), st.one_of(st.none(), st.integers(0, 3)),
    st.sampled_from(["any", "success", "failure"]),
)  # fmt: skip
UNSEEN = st.fixed_dictionaries({"channel": CHANNELS, "days": st.integers(1, 9)})
STAGES = st.sampled_from(["not-yet-learnt", "fading", "unpractised", "unapplied", "underperforming"])
WHENS = st.fixed_dictionaries(
    {
        "stage": st.one_of(st.just([]), st.lists(STAGES, max_size=4, unique=True)),
        "seen": st.one_of(st.just([]), st.lists(SEEN, max_size=1)),
        "unseen": st.one_of(st.just([]), st.lists(UNSEEN, max_size=2)),
        "falls_within_days": st.sampled_from([0, 0, 0, 5]),
    },
    optional={"score_from": st.just(0.3), "score_below": st.just(0.9)},
).filter(lambda when: any(when[name] for name in ("stage", "seen", "unseen")))
STEPS = st.lists(
    st.tuples(
        st.sampled_from(
            ["quiz", "sim", "film", "qa-result", "opportunity", "job-aid-use", "tick", "tick", "tick"]
        ),
        st.integers(0, 60),  # hours until it is said
        st.sampled_from([0, 0, 0, 1, 30, 400]),  # hours that it lies back
        st.integers(0, 4),
        st.integers(0, 1),
    ),
    min_size=5,
    max_size=40,
)


KNOWN = [
    (kind, 0, 0, n % 5, who) for who in (0, 1) for n, kind in enumerate(("quiz", "quiz", "sim", "qa-result"))
]
"""What is said of everybody first, so that there is a score to act on."""


def log_of(steps: list[tuple[str, int, int, int, int]]) -> list[Record]:
    records, now = [], START
    for n, (kind, hours, back, share, who) in enumerate([*KNOWN, *steps], 1):
        now += hours * HOUR_MS
        actor = {"mbox": f"mailto:p{who}@x.example"}
        content: object = None
        if kind in ("quiz", "sim", "film"):
            result = {} if kind == "film" else {"result": {"score": {"scaled": share / 4}}}
            body = {"actor": actor, "verb": {"id": "http://adlnet.gov/expapi/verbs/answered"},
                    "object": {"id": f"https://x.example/{kind}"}, **result}  # fmt: skip
            content, which = decode_statement(msgspec.json.encode(body)), Kind.STATEMENT
        elif kind == "tick":
            which = Kind.TICK
        else:
            outcome = {"outcome": {"score": share / 4}} if kind == "qa-result" else {}
            event = {
                "id": str(n),
                "source": "s",
                "kind": kind,
                "time": "2024-01-01T00:00:00Z",
                "actor": actor,
                **outcome,
            }
            content, which = msgspec.convert(event, PerformanceEvent), Kind.EVENT
        records.append(Record(n, which, now, n.to_bytes(16, "big"), now - back * HOUR_MS, content))
    return records


def restarted(state: State) -> State:
    """Return a state whose employees were written down and read again."""
    learners = {}
    for subject, learner in state.learners.items():
        again: LearnerState = decode_header(encode_header(learner))
        again.pairs = {skill: decode_pair(encode_pair(pair)) for skill, pair in learner.pairs.items()}
        learners[subject] = again
    return msgspec.structs.replace(state, learners=learners)


@given(st.lists(WHENS, min_size=1, max_size=3), STEPS, st.data())
@settings(max_examples=120, deadline=None, suppress_health_check=[HealthCheck.too_slow])
def test_any_cut_and_any_restart_decides_the_same(whens, steps, data) -> None:
    actions = ["nudge", "spaced-review", "job-aid"]
    rules = [{"id": f"r-{n}", "when": when, "action": actions[n]} for n, when in enumerate(whens)]
    parsed = msgspec.convert(rules, tuple[Reinforcement, ...])
    choice, blast = data.draw(st.sampled_from(["first", "learnt"])), data.draw(st.sampled_from([1, 200]))
    policy = msgspec.structs.replace(SITE.policy, choice=choice, blast=blast)
    program = Program(msgspec.structs.replace(SITE, reinforcement=parsed, policy=policy))
    in_force = InForce(program, RosterIndex(Roster(people=()), b"k" * 32), SHIPPED)
    log = log_of(steps)
    whole, effects = step(State(), log, in_force)
    cuts = sorted(data.draw(st.sets(st.integers(0, len(log)), max_size=8)))
    state, pieces = State(), list[Effect]()
    for start, end in zip([0, *cuts], [*cuts, len(log)], strict=True):
        state, more = step(restarted(state), log[start:end], in_force)
        pieces += more
    assert state.all_bytes() == whole.all_bytes()
    assert pieces == effects
    assert state.rule_loads == whole.rule_loads
    asked = [e for e in effects if isinstance(e, ActionRequested)]
    assert all(action.why for action in asked)
    event(f"{min(len(asked), 3)} actions or more")


ROWS = st.lists(
    st.tuples(st.sampled_from(list(Channel)), st.integers(0, 30 * 24), st.sampled_from([-1, 0, 2, 4])),
    max_size=20,
)


@given(
    ROWS,
    st.permutations(range(20)),
    CHANNELS,
    st.integers(1, 30),
    st.sampled_from(["any", "success", "failure"]),
)
def test_counts_and_absence_are_those_of_the_evidence_in_any_order(rows, order, name, days, result) -> None:
    evidence = []
    for n, (channel, hours, share) in enumerate(rows):
        bare = share < 0 or channel >= Channel.EXPOSURE
        flags = FLAG_OPPORTUNITY_ONLY if bare and channel < Channel.EXPOSURE else 0
        y, w = (0, 0) if bare else (share * Y_ONE // 4, W_ONE)
        t_ms = START - hours * HOUR_MS
        evidence.append(Evidence(n.to_bytes(16, "big"), "calm", int(channel), t_ms, y, w, 0, flags))
    pair = rebuild([evidence[n] for n in order if n < len(evidence)]).pairs.get("calm", PairState())
    mine = [e for e in evidence if e.channel == Channel[name.upper()] and not e.flags & FLAG_OPPORTUNITY_ONLY]
    newest = sorted(mine, key=lambda e: (e.t_ms, e.source))[-NEWEST_KEPT:]
    since = max((e.t_ms for e in mine), default=min((e.t_ms for e in evidence), default=None))
    unseen = Unseen(channel=name, days=days)
    assert is_unseen(pair, unseen, START) is (since is not None and START - since >= days * DAY_MS)
    if name in ("learn", "practice", "job", "observed"):
        wanted = {"any": (0, 1), "success": (1,), "failure": (0,)}[result]
        plain = sum(START - e.t_ms < days * DAY_MS and (e.y >= Y_ONE // 2) in wanted for e in newest)
        assert counted(pair, Seen(channel=name, days=days, result=result), START) == plain
