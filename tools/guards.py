"""`make guards`: a million simulated decisions around changes of the clocks, each message judged by a calendar oracle.

Exit code 1 when one message broke a guard. What is simulated: carrythrough.testing.guard_trial.
"""

from __future__ import annotations

import argparse
import json
import sys
import time

from carrythrough.testing.guard_trial import run


def main() -> int:
    """Run the trial and print what came of it as JSON."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--decisions", type=int, default=1_000_000)
    parser.add_argument("--seed", type=int, default=1)
    asked = parser.parse_args()
    began = time.monotonic()
    verdict = run(asked.decisions, asked.seed)
    found = {
        "decisions": verdict.decisions,
        "messages": verdict.sent,
        "requests": verdict.requests,
        "guard_violations": sum(verdict.violations.values()),
        "violations": dict(verdict.violations),
        "held": dict(verdict.held.most_common()),
        "seconds": round(time.monotonic() - began, 1),
    }
    print(json.dumps(found, indent=2))
    return 1 if verdict.violations else 0


if __name__ == "__main__":
    sys.exit(main())
