"""`make bench-science`: the exam of the scoring: answer data, the simulator's truth, and what it costs.

What is measured, how, and what the figures do not say: docs/benchmarks.md and docs/explanation/science.md.
The answer files are not ours to ship: they are looked for in the folder that CARRYTHROUGH_DATA names,
in ../shared/data otherwise, and a missing one is skipped with a line that says so.
"""

from __future__ import annotations

import argparse
import os
import sys
from pathlib import Path
from typing import Literal

from measuring.figures import machine

from carrythrough.cli.bench_science import bench_science
from carrythrough.cli.terminal import say, show_problem
from carrythrough.errors import CarrythroughError

ROOT = Path(__file__).resolve().parents[1]
FILES: dict[Literal["assistments", "cloze", "csv"], str] = {
    "assistments": "assistments09.csv.gz",
    "cloze": "lkt_cloze.csv.gz",
}


def main() -> int:
    """Read the options, run, and print the figures as one JSON object on the last line."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    default = Path(os.environ.get("CARRYTHROUGH_DATA") or ROOT.parent / "shared" / "data")
    parser.add_argument("--data", type=Path, default=default, help="folder of the answer files")
    parser.add_argument("--employees", type=int, default=80, help="simulated people of each organisation")
    options = parser.parse_args()
    say(f"bench-science: {machine()}", "bold")
    found = {form: options.data / name for form, name in FILES.items()}
    for form, path in found.items():
        if not path.exists():
            say(f"{form}: skipped, there is no {path}")
    there = {form: path for form, path in found.items() if path.exists()}
    try:
        return bench_science(
            data=list(there.values()),
            format=list(there),
            simulator=True,
            employees=options.employees,
            costs=True,
        )
    except CarrythroughError as error:
        show_problem(error.problem)
        return 1


if __name__ == "__main__":
    sys.exit(main())
