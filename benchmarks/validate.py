"""`make bench-validate`: full strict validation of statements on one core, beside decoders that check nothing.

What is measured, how, and what the figures do not say: docs/benchmarks.md.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import time
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from itertools import islice
from pathlib import Path
from typing import Any

import msgspec
import orjson
import tincan
from measuring.figures import Table, core_speed, load_average, machine
from measuring.mix import Mix, read_real
from measuring.varied import varied

from carrythrough.xapi import fast_path
from carrythrough.xapi.admission import Limits, admit, careful, decode_statement

STATEMENTS_FILE = Path(__file__).resolve().parents[2] / "shared" / "data" / "mooc_video_statements.jsonl.gz"
BATCH = 50
COHORTS, WEEKS = 4, 6
PEOPLE, ACTIVITIES = 5_000, 2_000
LIMITS = Limits()


class Scale(msgspec.Struct, frozen=True):
    """How much is measured. statements: of each stream. slow: of them for what is slow. rounds: of each figure."""

    statements: int
    slow: int
    rounds: int


FULL = Scale(statements=100_000, slow=4_000, rounds=5)
QUICK = Scale(statements=5_000, slow=500, rounds=2)


class Stream(msgspec.Struct, frozen=True):
    """Statements of one kind: alone, and as the bodies of posts of BATCH."""

    name: str
    texts: list[bytes]
    posts: list[bytes]

    def mean_bytes(self) -> float:
        """Return the mean length of a statement."""
        return sum(map(len, self.texts)) / len(self.texts)


def stream(name: str, texts: Iterator[bytes], count: int) -> Stream:
    """Return a stream of `count` statements."""
    kept = list(islice(texts, count))
    posts = [b"[" + b",".join(kept[i : i + BATCH]) + b"]" for i in range(0, len(kept), BATCH)]
    return Stream(name, kept, posts)


def per_s(work: Callable[[], object], statements: int, rounds: int) -> float:
    """Return statements a second of CPU time of this process: the median of `rounds`."""
    found = []
    for _ in range(rounds):
        began = time.process_time()
        work()
        found.append(statements / (time.process_time() - began))
    return statistics.median(found)


def validate(posts: Sequence[bytes], version: str) -> None:
    """Validate each post, beginning without any memory of parts."""
    fast_path.forget()
    for body in posts:
        admit(body, LIMITS, version)


def validate_carefully(text: bytes) -> None:
    """Validate a statement by the rules of record alone."""
    careful(text, "", LIMITS, v2=False)


def each(function: Callable[[Any], object], texts: Sequence[Any]) -> Callable[[], object]:
    """Return the work of calling a function with every text."""

    def work() -> None:
        for text in texts:
            function(text)

    return work


def streams(scale: Scale, real: Path) -> list[Stream]:
    """Return the streams, the one that the headline is about first."""
    found = [
        stream("generated, whole model", varied(scale.statements, PEOPLE, ACTIVITIES), scale.statements),
        stream("no part twice", varied(scale.slow * 5, 0, 0), scale.slow * 5),
    ]
    if real.exists():
        mix = (made.body for made in Mix(read_real(real), COHORTS, WEEKS))
        found.insert(0, stream("real with scored ones", mix, scale.statements))
    return found


def run(scale: Scale, real: Path) -> dict[str, float]:
    """Measure everything, print the table, and return the figures of the last line."""
    table = Table()
    table.title(f"{machine()}, load {load_average()}, {core_speed()}")
    made = streams(scale, real)
    figures: dict[str, float] = {}
    for one in made:
        table.title(f"{one.name}: {len(one.texts):,} statements, mean {one.mean_bytes():,.0f} bytes")
        rounds = scale.rounds
        rate = per_s(partial(validate, one.posts, "1.0.3"), len(one.texts), rounds)
        table.add(f"strict validation, posts of {BATCH}, 1.0.3", f"{rate:>11,.0f} /s")
        figures.setdefault("validate_statements_per_s", rate)
        figures["validate_" + one.name.split(",")[0].replace(" ", "_") + "_per_s"] = rate
        rate = per_s(partial(validate, one.posts, "2.0.0"), len(one.texts), rounds)
        table.add(f"strict validation, posts of {BATCH}, 2.0", f"{rate:>11,.0f} /s")
        rate = per_s(partial(validate, one.texts, "1.0.3"), len(one.texts), rounds)
        table.add("strict validation, one a request, 1.0.3", f"{rate:>11,.0f} /s")
    first = made[0]
    table.title(
        f"beside it, on the first stream ({first.name}): they check nothing of what validation checks"
    )
    every, some = first.texts, first.texts[: scale.slow]
    beside: list[tuple[str, str, Callable[[Any], object], Sequence[Any]]] = [
        ("typed_decode_per_s", "msgspec, typed decode of all parts", decode_statement, every),
        ("msgspec_decode_per_s", "msgspec, into plain values", msgspec.json.decode, every),
        ("orjson_per_s", "orjson.loads", orjson.loads, every),
        ("json_per_s", "json.loads", json.loads, every),
        ("careful_per_s", "our rules of record alone, no fast way", validate_carefully, some),
        (
            "tincan_per_s",
            "tincan.Statement.from_json",
            tincan.Statement.from_json,
            [t.decode() for t in some],
        ),
    ]
    for key, what, function, texts in beside:
        figures[key] = per_s(each(function, texts), len(texts), scale.rounds)
        table.add(what, f"{figures[key]:>11,.0f} /s")
    table.print()
    return {key: round(value) for key, value in figures.items()}


def main() -> None:
    """Run the benchmark from the command line."""
    parser = argparse.ArgumentParser(prog="make bench-validate", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="a small run for development")
    default = Path(os.environ.get("BENCH_STATEMENTS", STATEMENTS_FILE))
    parser.add_argument("--statements", type=Path, default=default, help="real statements (.jsonl.gz)")
    arguments = parser.parse_args()
    if not arguments.statements.exists():
        print(
            f"{arguments.statements} is not there: generated statements only (name a file with --statements)"
        )
    print(json.dumps(run(QUICK if arguments.quick else FULL, arguments.statements)))


if __name__ == "__main__":
    main()
