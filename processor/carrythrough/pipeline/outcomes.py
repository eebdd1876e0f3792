"""What was known just before each job outcome: what a refit of the job layer learns from."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from carrythrough.evidence.types import W_ONE, Y_ONE, Channel, Evidence
from carrythrough.pipeline.assist import is_assisted
from carrythrough.program.compile import Program
from carrythrough.scoring.head import Model, features, prior
from carrythrough.scoring.refit import Term
from carrythrough.scoring.score import job_sums
from carrythrough.scoring.state import ASSISTED_SHIFT, LearnerState, PairState, apply


def terms_of(rows: Iterable[Evidence], program: Program, model: Model) -> Iterator[Term]:
    """Yield a term for each job outcome of one employee, in order of event time.

    rows: all evidence of the employee that counts. Skills that the map no longer has are passed over.
    """
    known = sorted(rows, key=lambda e: (e.t_ms, e.source, e.skill, e.channel))
    support: dict[str, list[Evidence]] = {}
    for e in known:
        if e.channel == Channel.SUPPORT:
            support.setdefault(e.skill, []).append(e)
    learner = LearnerState()
    for e in known:
        pair = learner.pairs.setdefault(e.skill, PairState())
        assisted = is_assisted(e, support.get(e.skill, ()))
        skill = program.skills.get(e.skill)
        if skill is not None and e.w and e.channel in (Channel.JOB, Channel.OBSERVED):
            n, a, _ = job_sums(pair, e.t_ms, volatile=skill.short_memory)
            pi = prior(features(learner, pair, e.t_ms, model), model)
            w = (e.w >> ASSISTED_SHIFT if assisted else e.w) / W_ONE
            yield Term(pi, a, n, e.y / Y_ONE, w)
        apply(learner, pair, e, assisted=assisted)
