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
from carrythrough.cli.science.exam import LEARNER, SOURCES, sit
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


def test_columns_in_any_case_order_and_delimiter_with_a_byte_order_mark(tmp_path: Path) -> None:
    plain = load_answers(write(tmp_path, "learner,item,skills,correct\na,1,x,1\nb,2,y,0.5\n\n"), "csv")
    for text in (
        "\ufefflearner;item;skills;correct\na;1;x;1\nb;2;y;0.5\n",
        'skills\t"Correct"\t Learner \tITEM\r\nx\tTRUE\ta\t1\r\ny\t.5\tb\t2\r\n',
    ):
        for name in ("other.csv", "other.csv.gz"):
            assert load_answers(write(tmp_path, text, name), "csv").answers == plain.answers


@pytest.mark.parametrize(
    ("times", "name"),
    [
        (("1760000001", "1760000000.5"), "seconds"),
        (("1760000001000", "1760000000500"), "milliseconds"),
        (("1760000001000000", "1760000000500000"), "microseconds"),
        (("1760000001000000000", "1760000000500000000"), "nanoseconds"),
        (("2025-10-09T08:53:21Z", "2025-10-09 08:53:20.5"), "dates and times of day"),
        (("2025-10-09T10:53:21+02:00", "2025-10-09T08:53:20.500 UTC"), "dates and times of day"),
    ],
)
def test_times_of_any_unit_are_told_by_their_size(tmp_path: Path, times: tuple[str, str], name: str) -> None:
    rows = "".join(f"a,{n},x,1,{time}\n" for n, time in enumerate(times))
    file = load_answers(write(tmp_path, "learner,item,skills,correct,time\n" + rows), "csv")
    assert [(a.item, a.t_ms) for a in file.answers] == [("1", 1_760_000_000_500), ("0", 1_760_000_001_000)]
    assert file.read_as.endswith(f"times as {name}")


def test_answers_at_the_same_time_are_played_in_the_order_of_the_file(tmp_path: Path) -> None:
    rows = "".join(f"{'ab'[n % 2]},{n},x,1,2026-01-01\n" for n in range(6))
    file = load_answers(write(tmp_path, "learner,item,skills,correct,time\n" + rows), "csv")
    assert [a.item for a in file.answers] == ["0", "1", "2", "3", "4", "5"]
    start = file.answers[0].t_ms
    assert [a.t_ms - start for a in file.answers] == [0, 0, 1, 1, 2, 2]
    assert all(a.asked_ms == a.t_ms for a in file.answers), (
        "where nobody says when it was asked there is no such line"
    )


@pytest.mark.parametrize(
    ("cells", "separator", "found"),
    [
        (("x|y", "x"), "|", [("x", "y"), ("x",)]),
        (("x ~~ y", ""), "~~", [("x", "y"), ("",)]),
        (("x;y;x", "a, b"), ";", [("x", "y"), ("a, b",)]),
        (('"x,y"', "x"), ",", [("x", "y"), ("x",)]),
        (('"Area, circle"', '"Area, square"'), "", [("Area, circle",), ("Area, square",)]),
        (("", " "), "", [("",), ("",)]),
    ],
)
def test_what_separates_skills_is_found_out(
    tmp_path: Path, cells: tuple[str, str], separator: str, found: list[tuple[str, ...]]
) -> None:
    rows = "".join(
        f"a,1,{cell if cell.startswith(chr(34)) else f'{chr(34)}{cell}{chr(34)}'},1\n" for cell in cells
    )
    file = load_answers(write(tmp_path, "learner,item,skills,correct\n" + rows), "csv")
    assert [a.skills for a in file.answers] == found
    assert (f"skills apart at {separator!r}" if separator else "one skill a row") in file.read_as


def test_huge_gaps_one_person_one_item_and_one_outcome_are_played(tmp_path: Path) -> None:
    gaps = "".join(f"a,1,x,1,{seconds}\n" for seconds in (0, 1, 90_000_000_000, 5, 90_000_000_000))
    result = sit(load_answers(write(tmp_path, "learner,item,skills,correct,time\n" + gaps), "csv"))
    learner = result.of(LEARNER)
    assert learner is not None
    assert learner.rows == 5
    assert learner.auc == 0.5
    assert learner.log_loss < 0.7


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
    ("assistments", "learner,item,skills,correct,split\na,1,x,1,later\n", ":2, column split", "'later'"),
    ("csv", "learner,item,skills,correct,time\na,1,x,1,yesterday\n", ":2, column time", "'yesterday'"),
    ("csv", "learner,item,skills,correct,time\na,1,x,1,-5\n", ":2, column time", "'-5'"),
    ("csv", "learner,item,skills,correct,time\na,1,x,1,\n", ":2, column time", "empty"),
    ("cloze", "user,t,kc,outcome\nu,1,k,WRONG\n", ":2, column outcome", "'WRONG'"),
    ("cloze", "user,t,kc,outcome\nu,1,k,STUDY\n", "", "no answer"),
    ("csv", "learner,item,skills,correct,time\na,1,x,1,03/04/2020\n", ":2, column time", "'03/04/2020'"),
    ("csv", "learner,item,skills,correct,time\na,1,x,1,1e300\n", ":2, column time", "'1e300'"),
    ("csv", 'learner,item,skills,correct\na,1,x,1\nb,"1,x,1\n', ":3", "number of cells"),
    ("csv", f'learner,item,skills,correct\na,"{"x" * 140_000},x,1\n', ":1", "quotation mark"),
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


@pytest.mark.parametrize(
    "content",
    [
        b"\x1f\x8bnot gzip",
        gzip.compress(b"learner,item,skills,correct\na,1,x,1\n")[:-9],
        b"learner,item,skills,correct\n\xff\xfe,1,x,1\n",
        "learner,item,skills,correct\na,1,x,1\n".encode("utf-16"),
    ],
)
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
    assert any(SOURCES[LEARNER] in text for text in said)
    code, only, _ = command("--data", str(a), "--format", "csv", "--json")
    assert code == 0
    assert json.loads(only)["csv_auc"] is not None
    one_row = write(tmp_path, "learner,item,skills,correct\na,1,x,1\n", "one.csv")
    code, both, _ = command("--data", str(a), "--data", str(one_row), "--format", "csv", "--json")
    assert code == 0
    assert json.loads(both)["csv_auc"] == json.loads(only)["csv_auc"]
    assert json.loads(both)["csv2_auc"] == 0.5
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
