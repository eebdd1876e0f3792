"""Mutates statements of real senders and checks what admission makes of them: `make fuzz ARGS="--statements 1000000"`.

Each statement has a number, and its mutation is drawn from the seed and that number alone: a failure prints
both, and `--only NUMBER` repeats it. What is checked stands in `carrythrough.testing.statement_mutations`.
"""

from __future__ import annotations

import argparse
import gzip
import json
import random
import sys
import time
import traceback
from collections import Counter
from pathlib import Path
from typing import Any

from carrythrough.testing.statement_mutations import RICH, check, mutated, written
from fuzz_server import post

ROOT = Path(__file__).resolve().parent.parent
WHOLE = ROOT.parent / "shared" / "data"
SAMPLES = ROOT / "tests" / "data"
REPORT_EVERY = 50_000
NAMES = ("strict 1.0.3", "lenient 1.0.3", "strict 2.0", "lenient 2.0")
FAILURES_MAX = 10
RICH_EVERY = 6
"""One mutation in so many is of a statement that uses the whole model."""


def sources(given: list[Path]) -> list[Any]:
    """Return the statements to mutate: of the files given, else of the whole sample files, else of their excerpts."""
    files = given or sorted(WHOLE.glob("*_statements.jsonl.gz")) or sorted(SAMPLES.glob("*.jsonl"))
    found = []
    for path in files:
        text = gzip.decompress(path.read_bytes()) if path.suffix == ".gz" else path.read_bytes()
        found += [json.loads(line) for line in text.splitlines() if line.strip()]
    if not found:
        raise SystemExit("there are no statements to mutate")
    return found


def body(statements: list[Any], seed: int, number: int) -> bytes:
    """Return the text of mutation `number`."""
    chance = random.Random(f"{seed}/{number}")  # noqa: S311 - a run is repeated by its seed
    source = chance.choice(statements if chance.randrange(RICH_EVERY) else RICH)
    return written(mutated(source, chance), chance)


def run(statements: list[Any], seed: int, numbers: range) -> int:
    """Check every number; print counts and failures; return how many failed."""
    counts: Counter[str] = Counter()
    codes: Counter[str] = Counter()
    failed, began = 0, time.perf_counter()
    for done, number in enumerate(numbers, 1):
        text = body(statements, seed, number)
        try:
            outcomes = check(text)
        except Exception:  # noqa: BLE001 - whatever it is, it is what we look for
            failed += 1
            print(f"\nnumber {number} of seed {seed}: {text!r}", file=sys.stderr)
            traceback.print_exc()
            if failed >= FAILURES_MAX:
                break
            continue
        for name, outcome in zip(
            ("strict 1.0.3", "lenient 1.0.3", "strict 2.0", "lenient 2.0"), outcomes, strict=True
        ):
            word = outcome if outcome in {"accepted", "repaired", "set aside"} else "refused"
            counts[f"{name}: {word}"] += 1
            codes[outcome] += 1
        if done % REPORT_EVERY == 0:
            print(
                f"{done:,} statements, {done / (time.perf_counter() - began):,.0f} /s, {failed} failed",
                flush=True,
            )
    seconds = time.perf_counter() - began
    for name in sorted(counts):
        print(f"  {name:<26}{counts[name]:>12,}")
    print(f"  codes met: {len([code for code in codes if '-' in code])}")
    figures = {
        "fuzz_statements": done,
        "fuzz_failed": failed,
        "fuzz_seconds": round(seconds, 1),
        "seed": seed,
    }
    print(json.dumps(figures))
    return failed


def main() -> int:
    """Run from the command line; returns 1 when something did not hold."""
    parser = argparse.ArgumentParser(prog="make fuzz", description=__doc__)
    parser.add_argument("--statements", type=int, default=100_000, help="how many mutations")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--posts", type=int, default=0, help="send so many to a real server instead")
    parser.add_argument("--only", type=int, help="repeat one number")
    parser.add_argument(
        "--file", type=Path, action="append", default=[], help="statements to mutate (.jsonl, .jsonl.gz)"
    )
    arguments = parser.parse_args()
    found = sources(arguments.file)
    if arguments.only is not None:
        text = body(found, arguments.seed, arguments.only)
        print(text.decode(errors="backslashreplace"))
        print(check(text))
        return 0
    if arguments.posts:
        texts = (body(found, arguments.seed, number) for number in range(arguments.posts))
        counts, failed = post(texts)
        print(json.dumps({"fuzz_posted": arguments.posts, "fuzz_failed": failed, "answers": counts}))
        return 1 if failed else 0
    return 1 if run(found, arguments.seed, range(arguments.statements)) else 0


if __name__ == "__main__":
    sys.exit(main())
