"""`bench-science`: every format is read and played in its order, and a bad file is refused by line and column."""

from __future__ import annotations

import gzip
import json
import subprocess
import sys
from pathlib import Path

import pytest

from carrythrough.cli.bench_science import KEYS
from carrythrough.cli.science.answers import SYNTHETIC_START_MS, SYNTHETIC_UNIT_MS, Format, load_answers
from carrythrough.cli.science.costs import measure
from carrythrough.errors import PermanentError

ASSISTMENTS = """learner,item,skills,correct,split
a,i1,1|2,1,train
a,i2,1,0,train
b,i1,1,1,test
c,i3,,0,train
b,i9,2|3|4|5,0,test
"""
CLOZE = """user,t,kc,cluster,answer,outcome,latency_ms
u,1445553393.8,k1,c1,mean,INCORRECT,10826.0
v,1445553390.0,k1,c1,mean,STUDY,-1
u,1445553421.8,k2,c1,sd,CORRECT,2000
v,1445640000.0,k1,c1,mean,CORRECT,1000
"""


def write(folder: Path, text: str, name: str = "answers.csv") -> Path:
    path = folder / name
    path.write_bytes(gzip.compress(text.encode()) if name.endswith(".gz") else text.encode())
    return path


def test_assistments_are_played_in_turn_train_first(tmp_path: Path) -> None:
    for name in ("answers.csv", "answers.csv.gz"):
        file = load_answers(write(tmp_path, ASSISTMENTS, name), "assistments")
        assert [(a.person, a.item) for a in file.answers] == [
            ("a", "i1"),
            ("c", "i3"),
            ("a", "i2"),
            ("b", "i1"),
            ("b", "i9"),
        ]
        assert [a.judged for a in file.answers] == [False, False, False, True, True]
        assert file.answers[0].skills == ("1", "2")
        assert file.answers[1].skills == ("",)
        turns = [(a.t_ms - SYNTHETIC_START_MS) // SYNTHETIC_UNIT_MS for a in file.answers]
        assert turns == [0, 0, 1, 0, 1]
        assert file.split
        assert not file.timed


def test_cloze_is_played_in_order_of_time_and_read_when_asked(tmp_path: Path) -> None:
    file = load_answers(write(tmp_path, CLOZE), "cloze")
    assert [(a.person, a.y) for a in file.answers] == [("v", None), ("u", 0.0), ("u", 1.0), ("v", 1.0)]
    assert file.answers[1].skills == ("kc k1", "cluster c1", "answer mean")
    assert file.answers[2].t_ms - file.answers[2].asked_ms == 2_000
    assert all(a.judged for a in file.answers)


def test_csv_with_other_times_separators_and_a_split(tmp_path: Path) -> None:
    text = (
        "\ufefflearner,item,skills,correct,time,split,more\n"
        "a,1,x ; y,0.25,2026-01-02T00:00:00Z,test,-\n"
        "b,1,x,true,2026-01-03,train,-\n"
        "a,2,y,0,2026-01-01T05:00:00+02:00,test,-\n"
    )
    file = load_answers(write(tmp_path, text), "csv", ";")
    assert [(a.person, a.y, a.judged) for a in file.answers] == [
        ("b", 1.0, False),
        ("a", 0.0, True),
        ("a", 0.25, True),
    ]
    assert file.answers[2].skills == ("x", "y")
    untimed = load_answers(write(tmp_path, "learner,item,skills,correct\na,1,x,1\na,1,x,0\n"), "csv")
    assert untimed.answers[1].t_ms - untimed.answers[0].t_ms == SYNTHETIC_UNIT_MS
    assert all(a.judged for a in untimed.answers)


def test_a_file_of_train_rows_alone_is_judged_as_one_without_a_split(tmp_path: Path) -> None:
    text = "learner,item,skills,correct,split\na,1,x,1,train\na,2,x,0,train\n"
    file = load_answers(write(tmp_path, text), "csv")
    assert not file.split
    assert [answer.judged for answer in file.answers] == [True, True]


BAD: list[tuple[Format, str, str, str]] = [
    ("assistments", "learner,item,skills\na,1,x\n", ":1", "no column correct"),
    ("assistments", "learner,item,skills,correct\na,1,x,maybe\n", ":2, column correct", "'maybe'"),
    ("assistments", "learner,item,skills,correct\na,1,x,2\n", ":2, column correct", "'2'"),
    ("assistments", "learner,item,skills,correct\na,1,x,nan\n", ":2, column correct", "'nan'"),
    ("assistments", "learner,item,skills,correct\na,1,x,1\n,1,x,1\n", ":3, column learner", "empty"),
    ("assistments", "learner,item,skills,correct\na,1,x\n", ":2", "number of cells"),
    ("assistments", "learner,item,skills,correct\na,1,x,1,7\n", ":2", "number of cells"),
    ("assistments", "learner,item,skills,correct,split\na,1,x,1,dev\n", ":2, column split", "'dev'"),
    ("csv", "learner,item,skills,correct,time\na,1,x,1,yesterday\n", ":2, column time", "'yesterday'"),
    ("csv", "learner,item,skills,correct,time\na,1,x,1,-5\n", ":2, column time", "'-5'"),
    ("csv", "learner,item,skills,correct,time\na,1,x,1,\n", ":2, column time", "empty"),
    ("cloze", "user,t,kc,outcome\nu,1,k,WRONG\n", ":2, column outcome", "'WRONG'"),
    ("cloze", "user,t,kc,outcome\nu,1,k,STUDY\n", "", "no answer"),
    ("csv", "", "", "no column learner"),
]


@pytest.mark.parametrize(("form", "text", "where", "said"), BAD)
def test_a_bad_file_names_line_and_column(
    tmp_path: Path, form: Format, text: str, where: str, said: str
) -> None:
    path = write(tmp_path, text)
    with pytest.raises(PermanentError) as caught:
        load_answers(path, form)
    problem = caught.value.problem
    assert problem.code == "science-data"
    assert problem.where.startswith(f"{path}{where}")
    assert said in problem.detail


@pytest.mark.parametrize("content", [b"\x1f\x8bnot gzip", b"learner,item,skills,correct\n\xff\xfe,1,x,1\n"])
def test_bytes_that_are_no_text_are_refused(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "bad"
    path.write_bytes(content)
    with pytest.raises(PermanentError):
        load_answers(path, "csv")
    with pytest.raises(PermanentError):
        load_answers(tmp_path / "missing", "csv")


def command(*arguments: str) -> tuple[int, str, str]:
    line = [sys.executable, "-m", "carrythrough.cli.main", "bench-science", *arguments]
    done = subprocess.run(line, capture_output=True, check=False, text=True)
    return done.returncode, done.stdout, done.stderr


def test_the_command_ends_with_one_json_object(tmp_path: Path) -> None:
    a, c = write(tmp_path, ASSISTMENTS), write(tmp_path, CLOZE, "cloze.csv.gz")
    code, printed, _ = command(
        "--data", str(a), "--data", str(c), "--format", "assistments", "--format", "cloze"
    )
    assert code == 0
    said = printed.splitlines()
    figures = json.loads(said[-1])
    assert set(KEYS) <= set(figures)
    assert 0.0 <= figures["assist09_auc"] <= 1.0
    assert figures["assist09_frozen_auc"] is not None
    assert figures["lkt_logloss"] > 0.0
    assert figures["lkt_asked_logloss"] > 0.0
    assert figures["sim_coverage80"] is None
    assert any("Elo" in text for text in said)
    code, only, _ = command("--data", str(a), "--format", "csv", "--json")
    assert code == 0
    assert json.loads(only)["csv_auc"] is not None
    assert len(only.splitlines()) == 1


def test_a_command_line_that_does_not_fit_is_explained(tmp_path: Path) -> None:
    assert command()[0] == 2
    assert command("--data", "x")[0] == 2
    code, _, said = command("--data", str(tmp_path / "x"), "--format", "csv")
    assert code == 1
    assert "science-data" in said


def test_costs_are_measured_of_the_production_code() -> None:
    costs = measure(20, 1)
    assert 0.0 < costs.update_us < costs.fold_us
    assert costs.read_us > 0.0
    assert 500.0 < costs.pair_bytes < 2_048.0
