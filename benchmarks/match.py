"""`make bench-match`: from a statement to its stamped evidence, in maps of two sizes, beside asking every matcher.

What is measured, how, and what the figures do not say: docs/benchmarks.md.
"""

from __future__ import annotations

import argparse
import json
import statistics
import time
from collections.abc import Callable, Sequence

import msgspec
from measuring.figures import Table, core_speed, load_average, machine
from measuring.mapped import program_map, statements

from carrythrough.evidence.mapping import evidence_of_statement
from carrythrough.program.compile import Program
from carrythrough.program.load import load_program
from carrythrough.program.match_key import MatchKey, key_of, read_extension
from carrythrough.program.precedence import in_profile, precedence
from carrythrough.program.types import Match, ProgramMap
from carrythrough.xapi.admission import decode_statement
from carrythrough.xapi.statement import Statement

CHUNK = 1_000
"""Statements that are decoded before they are timed: strings that nobody has hashed yet, as in a server."""
SOURCE = bytes(16)
STORED_MS = 1_790_000_000_000


class Size(msgspec.Struct, frozen=True):
    """A map: so many activities named one by one, so many general rules."""

    activities: int
    rules: int


class Scale(msgspec.Struct, frozen=True):
    """How much is measured. statements: of each stream. slow: of them for the scan. rounds: the median counts."""

    statements: int
    slow: int
    rounds: int


SMALL, LARGE = Size(50, 10), Size(5_000, 1_000)
FULL = Scale(statements=30_000, slow=300, rounds=7)
QUICK = Scale(statements=3_000, slow=50, rounds=2)
Work = Callable[[Statement], object]
EVIDENCE = "matching and evidence"
FRESH = "the same, nothing repeats"
SCAN = "asking every matcher in turn, matching alone"


def us_each(texts: Sequence[bytes], work: Work) -> float:
    """Return microseconds of CPU time that `work` takes for one of the statements."""
    spent = 0.0
    for start in range(0, len(texts), CHUNK):
        chunk = [decode_statement(text) for text in texts[start : start + CHUNK]]
        began = time.process_time()
        for one in chunk:
            work(one)
        spent += time.process_time() - began
    return spent / len(texts) * 1e6


def evidenced(program: Program) -> Work:
    """Return the work of matching and reading the evidence."""
    return lambda st: evidence_of_statement(program, st, SOURCE, STORED_MS, STORED_MS)


class Scan:
    """Every matcher asked in turn, on the plain statement: what the compiled map must agree with."""

    def __init__(self, program: Program) -> None:
        activities = program.map.activities
        order = sorted(range(len(activities)), key=lambda n: precedence(activities[n].match, n))
        self._activities = [activities[n] for n in order]

    def __call__(self, st: Statement) -> list[tuple[str, str]]:
        """Return (rule, skill) of a statement, the most specific of each skill."""
        key, taken = key_of(st), dict[str, str]()
        for activity in self._activities:
            if _holds(activity.match, key):
                for entry in activity.evidence:
                    taken.setdefault(entry.skill, activity.id)
        return [(rule, skill) for skill, rule in taken.items()]


def _holds(match: Match, key: MatchKey) -> bool:
    """Say whether a matcher holds, one member after the other."""
    for member in ("activity", "activity_type", "verb", "registration"):
        wanted = getattr(match, member)
        if wanted and getattr(key, member) not in wanted:
            return False
    if match.activity_prefix and not key.activity.startswith(match.activity_prefix):
        return False
    for member in ("parent", "grouping", "category"):
        wanted = getattr(match, member)
        if wanted and not set(wanted) & set(getattr(key, member)):
            return False
    if match.profile and not any(in_profile(c, one) for c in key.category for one in match.profile):
        return False
    for wanted in match.extension:
        if read_extension(key, wanted.at, wanted.iri, wanted.path) not in wanted.equals:
            return False
    return key.verb not in match.except_.verb


class Site:
    """A map of one size with its streams of statements."""

    def __init__(self, size: Size, scale: Scale, table: Table) -> None:
        text = program_map(size.activities, size.rules)
        began = time.process_time()
        self.map = Program(load_program(text, "map.json")).map
        load_s = time.process_time() - began
        self.popular, self.fresh = (
            list(statements(size.activities, size.rules, scale.statements, fresh=fresh))
            for fresh in (False, True)
        )
        table.title(
            f"{size.activities:,} activities and {size.rules:,} rules ({len(text) / 1e6:.1f} MB of map)"
        )
        table.add("reading, checking and compiling the map", f"{load_s:>9.2f} s")
        _shares(table, "as people do", self.popular, Program(self.map))
        _shares(table, "nothing repeats", self.fresh, Program(self.map))
        _check(self.map, [*self.popular[: scale.slow], *self.fresh[: scale.slow]])

    def figures(self, scale: Scale) -> dict[str, float]:
        """Return microseconds a statement of each kind of work, everything measured once."""
        return {
            "matching alone": us_each(self.popular, Program(self.map).match_statement),
            EVIDENCE: us_each(self.popular, evidenced(Program(self.map))),
            FRESH: us_each(self.fresh, evidenced(Program(self.map))),
            SCAN: us_each(self.popular[: scale.slow], Scan(Program(self.map))),
        }


def _shares(table: Table, name: str, texts: Sequence[bytes], program: Program) -> None:
    """Say how much of a stream repeats, and how much of it gives evidence."""
    keys = [key_of(decode_statement(text)) for text in texts]
    ids, kinds = len({key.activity for key in keys}), len({msgspec.json.encode(key) for key in keys})
    classes = len({program.matcher.signature(decode_statement(text)) for text in texts})
    some = sum(bool(program.match_key(key)) for key in keys)
    seen = {"object": ids, "all that matchers read": kinds, "all that the map can tell apart": classes}
    table.add(f"statements, {name}", f"{len(texts):>9,}    {some / len(texts):.0%} matched; seen before:")
    for what, different in seen.items():
        table.add("", f"{what} {1 - different / len(texts):.0%}")


def _check(map_: ProgramMap, texts: Sequence[bytes]) -> None:
    """Stop when the compiled map and the scan disagree on any of the statements."""
    program = Program(map_)
    scan = Scan(program)
    for text in texts:
        st = decode_statement(text)
        fast = [(rule.rule, rule.skill) for rule in program.match_statement(st)]
        if fast != scan(st):
            raise SystemExit(f"the compiled map and the scan disagree on {text.decode()}")


def run(scale: Scale) -> dict[str, float]:
    """Measure both maps in turn, print the table, and return the figures of the last line."""
    table = Table()
    table.title(f"{machine()}, load {load_average()}, {core_speed()}")
    small, large = Site(SMALL, scale, table), Site(LARGE, scale, table)
    rounds = [(small.figures(scale), large.figures(scale)) for _ in range(scale.rounds)]
    few, many, growth = {}, {}, {}
    table.title(
        f"microseconds a statement on one core: small map, large map, growth (medians of {scale.rounds})"
    )
    for name in rounds[0][0]:
        few[name] = statistics.median(one[name] for one, _ in rounds)
        many[name] = statistics.median(other[name] for _, other in rounds)
        growth[name] = statistics.median(other[name] / one[name] for one, other in rounds)
        table.add(name, f"{few[name]:>9.2f} {many[name]:>9.2f} {growth[name]:>9.2f}")
    table.print()
    return {
        "match_us_1000_rules": round(max(many[EVIDENCE], many[FRESH]), 2),
        "match_growth_ratio": round(max(ratio for name, ratio in growth.items() if name != SCAN), 2),
        "match_us_50_10": round(max(few[EVIDENCE], few[FRESH]), 2),
        "scan_us_1000_rules": round(many[SCAN], 2),
        "scan_growth_ratio": round(growth[SCAN], 2),
    }


def main() -> None:
    """Run the benchmark from the command line."""
    parser = argparse.ArgumentParser(prog="make bench-match", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="a small run for development")
    arguments = parser.parse_args()
    print(json.dumps(run(QUICK if arguments.quick else FULL)))


if __name__ == "__main__":
    main()
