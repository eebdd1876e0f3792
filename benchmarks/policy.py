"""`make bench-policy`: whether the estimator of what pushes do is right about made-up people whose truth is known.

What is measured, how, and what the figures do not say: docs/benchmarks.md and docs/explanation/what-works.md.
"""

from __future__ import annotations

import argparse
import json
import os
import time
from math import sqrt
from typing import Any

os.environ.setdefault(
    "OPENBLAS_NUM_THREADS", "1"
)  # the matrices are small: more threads only wait for each other

from measuring.figures import Table, core_speed, load_average, machine

from carrythrough.testing.estimator_trial import examine

RUNS = 2_000
QUICK_RUNS = 100
Z95 = 1.96


def estimator(runs: int, table: Table) -> dict[str, Any]:
    """Return how often the intervals are right over `runs` trials: `uplift_coverage90` and `aa_anytime_claims`."""
    began = time.perf_counter()
    found = examine(runs)
    table.title(f"the estimator on its own, {runs:,} trials with an effect and as many without: {machine()}")
    table.add("90 % intervals that hold the true effect", _share(found.coverage, runs))
    table.add("trials without any effect in which one is ever claimed", _share(found.anytime_claims, runs))
    table.add(
        "trials with an effect in which the sequence ever leaves it out", _share(found.anytime_misses, runs)
    )
    table.add("true effect (mean difference of probabilities)", f"{found.truth:.4f}")
    table.add("mean error of the estimate", f"{found.bias:+.5f}")
    table.add("trials with an effect in which the sequence has found it by the end", f"{found.found:.1%}")
    table.add("time", f"{time.perf_counter() - began:.0f} s")
    return {"uplift_coverage90": found.coverage, "aa_anytime_claims": found.anytime_claims, "runs": runs}


def _share(share: float, runs: int) -> str:
    """Return a share with the 95 % interval of what chance does in so many trials."""
    return f"{share:.2%} ± {Z95 * sqrt(share * (1 - share) / runs):.2%}"


def main() -> None:
    """Run the benchmark from the command line."""
    parser = argparse.ArgumentParser(prog="make bench-policy", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="a small run for development")
    arguments = parser.parse_args()
    table = Table()
    figures = estimator(QUICK_RUNS if arguments.quick else RUNS, table)
    table.print()
    print(json.dumps(figures | {"core_speed": core_speed(), "load_average": load_average()}))


if __name__ == "__main__":
    main()
