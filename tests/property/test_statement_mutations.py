"""Proves, for a share of what `make fuzz` runs, that a mutation of a statement gets statements or one clear refusal.

The grammar draws from a random generator that hypothesis drives, so a failure is shrunk and repeated. What must hold
(both versions, strict and lenient, the fast way against the rules of record) stands beside the grammar.
"""

from __future__ import annotations

import json
import random
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from carrythrough.testing.statement_mutations import LIMITS, RICH, check, mutated, written
from carrythrough.xapi import admission, fast_path

DATA = Path(__file__).resolve().parent.parent / "data"
SOURCES = [
    *(json.loads(line) for path in sorted(DATA.glob("*.jsonl")) for line in path.read_bytes().splitlines()),
    *RICH,
]


@settings(max_examples=300)
@given(
    source=st.sampled_from(SOURCES),
    chance=st.randoms(use_true_random=False, note_method_calls=False),
    warm=st.booleans(),
)
def test_a_mutation_gets_statements_or_one_clear_refusal(source: object, chance: random.Random, warm: bool):
    if not warm:
        fast_path.forget()
    check(written(mutated(source, chance), chance))


@pytest.mark.parametrize("seed", [1, 2])
def test_a_share_of_the_long_run(repository: Path, seed: int):
    command = [sys.executable, "tools/fuzz.py", "--statements", "1500", "--seed", str(seed)]
    command += [part for path in sorted(DATA.glob("*.jsonl")) for part in ("--file", str(path))]
    done = subprocess.run(command, cwd=repository, capture_output=True, text=True, check=False, timeout=100)
    assert done.returncode == 0, done.stderr
    figures = json.loads(done.stdout.splitlines()[-1])
    assert (figures["fuzz_statements"], figures["fuzz_failed"]) == (1500, 0)


def test_a_share_over_http(repository: Path):
    command = [sys.executable, "tools/fuzz.py", "--posts", "600"]
    command += [part for path in sorted(DATA.glob("*.jsonl")) for part in ("--file", str(path))]
    done = subprocess.run(command, cwd=repository, capture_output=True, text=True, check=False, timeout=100)
    assert done.returncode == 0, done.stderr
    figures = json.loads(done.stdout.splitlines()[-1])
    assert figures["fuzz_failed"] == 0
    assert figures["answers"]["lenient 200"] > 0


def test_the_sources_are_statements():
    for source in SOURCES:
        assert check(json.dumps(source).encode())[2] == "accepted"


def test_the_judge_notices_a_fast_way_that_lets_everything_in(monkeypatch: pytest.MonkeyPatch):
    good = admission.careful(json.dumps(RICH[3]).encode(), "", LIMITS, v2=True)
    monkeypatch.setattr("carrythrough.xapi.fast_path.read", lambda *_, **__: good)
    with pytest.raises(AssertionError, match="rules of record"):
        check(b'{"actor": {}}')
