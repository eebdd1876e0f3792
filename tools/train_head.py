"""Fit the shipped head on the known-truth simulator and print the lines for scoring/model.py.

Reproducible: the same seeds give the same weights. Training and held-out organisations have
different seeds; nothing but the simulator is read. The label is the simulator's truth, the
probability that the next opportunity on the job meets the standard. Signs are constrained so that
no explanation can say that success lowers a score (`_SIGNS`).

    .venv/bin/python tools/train_head.py
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Iterator
from importlib.resources import files

import msgspec
import numpy as np

from carrythrough.events.performance import admit_events
from carrythrough.identity.directory import RosterIndex
from carrythrough.identity.roster import load_roster
from carrythrough.pipeline.plan import Add, InForce, plan
from carrythrough.pipeline.records import Kind, Record
from carrythrough.program.compile import Program
from carrythrough.program.load import load_program
from carrythrough.scoring.decay import DAY_MS
from carrythrough.scoring.head import FEATURES, features, sigmoid
from carrythrough.scoring.model import SHIPPED
from carrythrough.scoring.score import job_sums
from carrythrough.scoring.state import LearnerState, PairState, apply
from carrythrough.testing.simulator import Simulator
from carrythrough.testing.simulator_people import load_organisation
from carrythrough.xapi.admission import Limits, admit

START_MS = 20_000 * DAY_MS
DAYS = 120
READ_EVERY_DAYS = 3
RIDGE = 800.0
STEPS = 6_000
STRENGTHS = (2.0, 4.0, 6.0, 8.0, 12.0, 16.0, 24.0)
_SIGNS = np.array([0, *[1] * 6, *[1] * 6, -1, 1, 1, 2])
"""1: not negative, -1: not positive, 0: free, 2: nought; in the order of FEATURES.

Exposure is kept out of the head: to watch more must never be a way to score more.
"""

_NOUGHT = 2

Sample = tuple[list[float], float, float, float]
"""(features, truth, weight of job outcomes, weighted successes)."""


def samples(seed: int, employees: int) -> Iterator[Sample]:
    """Yield readings of every pair that has evidence, every READ_EVERY_DAYS, with the truth beside them."""
    organisation = load_organisation(employees)
    program = files("carrythrough").joinpath("testing/demo_organisation/program.yaml")
    in_force = InForce(
        Program(load_program(program.read_text(encoding="utf-8"), "program.yaml")),
        RosterIndex(load_roster(organisation.roster_json(), "roster.json"), b"t" * 32),
        SHIPPED,
    )
    subjects = {p.id: in_force.directory.subject_of_employee(p.id) for p in organisation.people}
    employee_of = {subject: employee for employee, subject in subjects.items()}
    learners: dict[str, LearnerState] = {}
    seen: set[tuple[bytes, str]] = set()
    simulator = Simulator(organisation, seed, START_MS)
    for day in range(READ_EVERY_DAYS, DAYS, READ_EVERY_DAYS):
        now_ms = START_MS + day * DAY_MS
        records = [r for d in simulator.advance(now_ms) for r in _records(d.kind, d.payload, d.delivery_ms)]
        for operation in plan(records, in_force):
            if isinstance(operation, Add):
                learner = learners.setdefault(operation.subject, LearnerState())
                for e in operation.evidence:
                    if (e.source, e.skill) not in seen:
                        seen.add((e.source, e.skill))
                        apply(learner, learner.pairs.setdefault(e.skill, PairState()), e, assisted=False)
        for subject, learner in learners.items():
            for skill, pair in learner.pairs.items():
                if pair.outcomes() >= 3 and subject in employee_of:
                    trials, successes, _ = job_sums(pair, now_ms, volatile=False)
                    truth = simulator.truth(employee_of[subject], skill, now_ms)
                    yield features(learner, pair, now_ms, SHIPPED), truth, trials, successes


def _records(kind: str, payload: dict[str, object], at_ms: int) -> list[Record]:
    body = json.dumps(payload).encode()
    if kind == "statement":
        made = admit(body, Limits(), "1.0.3")
        return [Record(1, Kind.STATEMENT, at_ms, a.id or body[:16], a.t_ms, a.statement) for a in made]
    return [
        Record(1, Kind.EVENT, at_ms, a.id, a.t_ms, a.event) for a in admit_events(body, "application/json")
    ]


def fit(x: np.ndarray, y: np.ndarray) -> np.ndarray:
    """Return ridge-penalised logistic weights under the sign constraints, by projected gradient."""
    weights = np.zeros(x.shape[1])
    weights[0] = np.log(y.mean() / (1 - y.mean()))
    spread = np.maximum(x.std(axis=0), 1e-3)
    spread[0] = 1.0
    scaled, w = x / spread, weights * spread
    rate = 4.0 / np.linalg.eigvalsh(scaled.T @ scaled / len(x)).max()
    for _ in range(STEPS):
        p = 1 / (1 + np.exp(-scaled @ w))
        penalty = RIDGE / len(x) * w
        penalty[0] = 0.0
        w = w - rate * (scaled.T @ (p - y) / len(x) + penalty)
        w = np.where(_SIGNS == 1, np.maximum(w, 0), np.where(_SIGNS == -1, np.minimum(w, 0), w))
        w = np.where(_SIGNS == _NOUGHT, 0.0, w)
    result: np.ndarray = w / spread
    return result


def loss(p: np.ndarray, y: np.ndarray) -> float:
    """Return the mean log-loss of p for the true probabilities y (its floor is the entropy of y)."""
    p = np.clip(p, 1e-6, 1 - 1e-6)
    return float(-(y * np.log(p) + (1 - y) * np.log(1 - p)).mean())


def main() -> None:
    """Train, choose m on the training organisations, and report on held-out ones."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--employees", type=int, default=80)
    arguments = parser.parse_args()
    train = [s for seed in (11, 12, 13, 14) for s in samples(seed, arguments.employees)]
    held = [s for seed in (91, 92) for s in samples(seed, arguments.employees)]
    x, y = np.array([s[0] for s in train]), np.array([s[1] for s in train])
    weights = np.round(fit(x, y), 3)
    print(f"{len(train)} training readings, {len(held)} held out; mean truth {y.mean():.3f}")
    for name, weight, mean in zip(FEATURES, weights, x.mean(axis=0), strict=True):
        print(f"  {name:22} {weight:8.3f}   (mean {mean:6.3f})")
    for label, rows in (("training", train), ("held-out", held)):
        _report(label, rows, weights)
    model = msgspec.structs.replace(SHIPPED, weights=tuple(map(float, weights)))
    print(msgspec.json.encode(model).decode())


def _report(label: str, rows: list[Sample], weights: np.ndarray) -> None:
    x, truth = np.array([s[0] for s in rows]), np.array([s[1] for s in rows])
    pi = 1 / (1 + np.exp(-x @ weights))
    old = np.array([sigmoid(float(np.dot(SHIPPED.weights, row))) for row in x])
    floor = loss(truth, truth)
    print(f"{label}: log-loss head {loss(pi, truth):.4f}, shipped {loss(old, truth):.4f}, floor {floor:.4f}")
    trials, successes = np.array([s[2] for s in rows]), np.array([s[3] for s in rows])
    for m in STRENGTHS:
        t = (m * pi + successes) / (m + trials)
        print(f"  m={m:4.0f}: log-loss {loss(t, truth):.4f}, mean error {np.abs(t - truth).mean():.3f}")
    order = np.argsort(pi)
    for part in np.array_split(order, 10):
        print(f"    predicted {pi[part].mean():.3f}  true {truth[part].mean():.3f}  n={len(part)}")


if __name__ == "__main__":
    main()
