"""Proves that `ingest` takes every kind of file, loses nothing, counts nothing twice and says what it did.

The real command runs as a process on a real data folder; the statements are those of a real course.
"""

from __future__ import annotations

import gzip
import json
import os
import re
import signal
import stat
import subprocess
import sys
import uuid
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

PROGRAM = Path(sys.executable).with_name("carrythrough")
Run = Callable[..., "subprocess.CompletedProcess[str]"]


@pytest.fixture
def run(tmp_path: Path) -> Run:
    def call(*arguments: object, stdin: bytes | None = None) -> subprocess.CompletedProcess[str]:
        clean = {name: value for name, value in os.environ.items() if not name.startswith("CARRYTHROUGH_")}
        done = subprocess.run(
            [str(PROGRAM), *map(str, arguments)],
            cwd=tmp_path,
            env=clean,
            input=stdin,
            capture_output=True,
            check=False,
            timeout=100,
        )
        text = done.stdout.decode(), done.stderr.decode()
        return subprocess.CompletedProcess(done.args, done.returncode, *text)

    return call


@pytest.fixture(scope="module")
def course(repository: Path) -> Path:
    return repository / "examples" / "tccc"


@pytest.fixture(scope="module")
def statements(course: Path) -> list[dict[str, Any]]:
    with gzip.open(course / "statements.jsonl.gz", "rt", encoding="utf-8") as lines:
        return [json.loads(line) for line in lines]


@pytest.fixture
def into(run: Run, course: Path) -> Callable[..., dict[str, Any]]:
    """Bring files into ./data with the course's map and roster; returns the JSON that it prints."""

    def call(*files: object, code: int = 0, stdin: bytes | None = None) -> dict[str, Any]:
        inputs = ("--program", course / "program-map.yaml", "--roster", course / "roster.yaml")
        done = run("ingest", *files, "--data-dir", "data", *inputs, "--json", stdin=stdin)
        assert done.returncode == code, done.stderr + done.stdout
        found: dict[str, Any] = json.loads(done.stdout)
        return found

    return call


def write_lines(path: Path, records: list[Any]) -> Path:
    path.write_text("".join((r if isinstance(r, str) else json.dumps(r)) + "\n" for r in records), "utf-8")
    return path


def test_a_real_course_is_taken_scored_and_known_the_second_time(
    run: Run, course: Path, statements: list[dict[str, Any]]
) -> None:
    command = ("ingest", course / "statements.jsonl.gz", "--data-dir", "data")
    maps = ("--program", course / "program-map.yaml", "--roster", course / "roster.yaml")
    first = run(*command, *maps)
    assert first.returncode == 0, first.stderr
    assert re.search(rf"accepted +{len(statements)}\n +already known +0\n +quarantined +0\n", first.stdout)
    assert re.search(r"Scored: \d+ new pieces of evidence; evidence of 6 employees in all\.", first.stdout)
    again = run(*command)
    assert again.returncode == 0
    assert re.search(rf"accepted +0\n +already known +{len(statements)}\n", again.stdout)
    assert "Nothing new to score." in again.stdout


def test_every_layout_of_the_same_statements_is_the_same(
    into: Callable[..., dict[str, Any]], tmp_path: Path, statements: list[dict[str, Any]]
) -> None:
    some = statements[:60]
    (tmp_path / "array.json").write_text(json.dumps(some), "utf-8")
    assert into("array.json")["accepted"] == 60
    (tmp_path / "pretty.json").write_text("\ufeff" + json.dumps(some, indent=2, ensure_ascii=False), "utf-8")
    (tmp_path / "answer.json").write_text(json.dumps({"more": "", "statements": some}), "utf-8")
    (tmp_path / "objects").write_text("\n".join(json.dumps(one, indent=1) for one in some), "utf-8")
    (tmp_path / "one.json").write_text(json.dumps(some[7], indent=2), "utf-8")
    write_lines(tmp_path / "lines.txt", some)
    (tmp_path / "packed").write_bytes(gzip.compress((tmp_path / "array.json").read_bytes()))
    names = ("pretty.json", "answer.json", "objects", "one.json", "lines.txt", "packed")
    found = into(*names)
    assert [file["known"] for file in found["files"]] == [60, 60, 60, 1, 60, 60]
    assert found["accepted"] == 0
    assert into("-", stdin=(tmp_path / "packed").read_bytes())["known"] == 60


def test_one_bad_statement_stops_no_other_and_nothing_is_lost(
    into: Callable[..., dict[str, Any]], run: Run, tmp_path: Path, statements: list[dict[str, Any]]
) -> None:
    twice = json.dumps(statements[550]).replace('"verb"', '"verb": {"id": "http://a.b/c"}, "verb"')
    bad = {
        10: (json.dumps(statements[10] | {"timestamp": "yesterday"}), "timestamp-invalid"),
        11: (json.dumps(statements[11])[:-9], "json-malformed"),
        200: (json.dumps(statements[200] | {"verb": {"id": "passed"}}), "iri-invalid"),
        201: ("NaN", "json-not-finite"),
        202: ("[" * 3000 + "]" * 3000, "json-too-deep"),
        203: (json.dumps(statements[203]) + " " + json.dumps(statements[204]), "json-malformed"),
        550: (twice, "json-duplicate-key"),
        600: (json.dumps(statements[5] | {"timestamp": "2020-01-01T00:00:00Z"}), "statement-conflict"),
    }
    lines: list[Any] = [bad[n][0] if n in bad else one for n, one in enumerate(statements)]
    write_lines(tmp_path / "mixed.jsonl", [*lines, json.dumps(statements[0])])
    found = into("mixed.jsonl", code=1)
    reasons: dict[str, int] = {}
    for _, code in bad.values():
        reasons[code] = reasons.get(code, 0) + 1
    assert found["quarantined"] == reasons
    assert found["accepted"] == len(statements) - len(bad)
    assert found["known"] == 1

    kept = [json.loads(line) for line in (tmp_path / "data.quarantine.jsonl").read_text("utf-8").splitlines()]
    assert {(entry["line"], entry["problem"]["code"]) for entry in kept} == {
        (number + 1, code) for number, (_, code) in bad.items()
    }
    assert {entry["record"] for entry in kept} == {text for text, _ in bad.values()}
    assert all(entry["problem"]["fix"] and entry["problem"]["rule"] for entry in kept)
    assert stat.S_IMODE((tmp_path / "data.quarantine.jsonl").stat().st_mode) == 0o600

    assert into("mixed.jsonl", code=1)["known"] == len(statements) - len(bad) + 1
    assert len((tmp_path / "data.quarantine.jsonl").read_text("utf-8").splitlines()) == len(bad)
    shown = run("ingest", "mixed.jsonl", "--data-dir", "data")
    assert "mixed.jsonl:11 /timestamp: 'yesterday'" in shown.stdout


def test_what_was_refused_comes_in_once_it_is_mended(
    into: Callable[..., dict[str, Any]], run: Run, tmp_path: Path, statements: list[dict[str, Any]]
) -> None:
    broken = [one | {"timestamp": "soon"} for one in statements[:3]]
    write_lines(tmp_path / "in.jsonl", [*statements[3:6], *broken])
    into("in.jsonl", code=1)
    listed = run("quarantine", "list", "--data-dir", "data")
    assert "f1" in listed.stdout
    assert "timestamp-invalid" in listed.stdout
    shown = run("quarantine", "show", "f2", "--data-dir", "data", "--json")
    assert json.loads(json.loads(shown.stdout)["record"]) == broken[1]
    assert run("quarantine", "export", "--data-dir", "data", "--out", "mend.jsonl").returncode == 0
    assert run("quarantine", "export", "--data-dir", "data", "--out", "mend.jsonl").returncode == 2
    mended = (tmp_path / "mend.jsonl").read_text("utf-8").replace('"soon"', '"2026-11-01T10:00:00Z"')
    (tmp_path / "mended.jsonl").write_text(mended, "utf-8")
    assert into("mended.jsonl")["accepted"] == 3
    wrong = run("ingest", "data.quarantine.jsonl", "--data-dir", "data")
    assert wrong.returncode == 1
    assert "carrythrough quarantine export" in " ".join(wrong.stderr.split())


def test_damaged_files_give_what_stands_before_the_damage(
    into: Callable[..., dict[str, Any]], course: Path, tmp_path: Path, statements: list[dict[str, Any]]
) -> None:
    packed = (course / "statements.jsonl.gz").read_bytes()
    (tmp_path / "cut.jsonl.gz").write_bytes(packed[: len(packed) // 2])
    write_lines(tmp_path / "good.jsonl", statements[-5:])
    (tmp_path / "open.json").write_text(json.dumps(statements[:20])[:-30], "utf-8")
    found = into("cut.jsonl.gz", "good.jsonl", "open.json", code=1)
    cut, good, unfinished = found["files"]
    assert cut["failure"]["code"] == "file-damaged"
    assert 100 < cut["accepted"] < len(statements)
    assert good["accepted"] == 5
    assert unfinished["quarantined"] == {"json-malformed": 1}
    assert unfinished["known"] == 19


def test_performance_events_from_csv_and_from_json(
    into: Callable[..., dict[str, Any]], run: Run, tmp_path: Path
) -> None:
    (tmp_path / "qa.csv").write_text(
        "id,source,kind,employee,time,skill,met\n"
        "1,qa,qa-result,tccc-01,2026-11-01T10:00:00Z,airway,true\n"
        "2,qa,qa-result,tccc-01,2026-11-02T10:00:00Z,airway,perhaps\n"
        "3,qa,qa-result,tccc-01,2026-11-03,airway,true\n"
        "4,qa,qa-result,tccc-01,2026-11-04T10:00:00Z,airway,no\n",
        "utf-8",
    )
    found = into("qa.csv", code=1)
    assert (found["accepted"], found["quarantined"]) == (2, {"bad-cell": 1, "event-time-invalid": 1})
    shown = run("ingest", "qa.csv", "--data-dir", "data").stdout
    assert 'qa.csv:3: column "met": "perhaps" is neither yes nor no' in shown

    (tmp_path / "tickets.csv").write_text(
        'ticket;agent;closed;ok;remark\n9;tccc-02;2026-11-05T10:00:00Z;yes;"a; b"\n'
        '10;tccc-02;2026-11-06T10:00:00Z;no;"two\nlines"\n11;tccc-02;2026-11-07T10:00:00Z;si;\n',
        "utf-8",
    )
    (tmp_path / "m.yaml").write_text(
        "columns: {id: ticket, employee: agent, time: closed, met: ok}\n"
        "constants: {source: desk, kind: task-outcome, skill: airway}\n",
        "utf-8",
    )
    mapped = json.loads(
        run("ingest", "tickets.csv", "--mapping", "m.yaml", "--data-dir", "data", "--json").stdout
    )
    assert (mapped["accepted"], mapped["quarantined"]) == (2, {"bad-cell": 1})
    kept = [json.loads(line) for line in (tmp_path / "data.quarantine.jsonl").read_text("utf-8").splitlines()]
    assert [entry["line"] for entry in kept] == [3, 4, 5]
    again = run("quarantine", "export", "f3", "f1", "--data-dir", "data", "--out", "again.jsonl")
    assert again.returncode == 0, again.stderr
    with (tmp_path / "m.yaml").open("a") as mapping:
        mapping.write("values: {met: {si: true, no: false}}\n")
    mended = json.loads(
        run("ingest", "again.jsonl", "--mapping", "m.yaml", "--data-dir", "data", "--json").stdout
    )
    assert (mended["accepted"], mended["quarantined"]) == (1, {"bad-event-file": 1})
    (tmp_path / "m.yaml").write_text("columns: {id: ticket, emploee: agent}\n", "utf-8")
    wrong = run("ingest", "tickets.csv", "--mapping", "m.yaml", "--data-dir", "data")
    assert wrong.returncode == 1
    assert "m.yaml:1:" in wrong.stderr
    assert 'did you mean "employee"?' in wrong.stderr

    event = {"id": "7", "source": "crm", "kind": "task-outcome", "employee": "tccc-03", "skill": "airway"}
    event |= {"time": "2026-11-01T10:00:00Z", "outcome": {"met": True}}
    write_lines(tmp_path / "events.ndjson", [event, event, event | {"outcome": {"met": False}}])
    found = into("events.ndjson", code=1)
    assert (found["accepted"], found["known"], found["quarantined"]) == (1, 1, {"event-conflict": 1})


def test_files_that_hold_something_else_are_told_apart(run: Run, course: Path, tmp_path: Path) -> None:
    (tmp_path / "book.xlsx").write_bytes(b"PK\x03\x04" + b"\0" * 100)
    (tmp_path / "other.json").write_text('{"a": 1}', "utf-8")
    (tmp_path / "map.json").write_text('{"map": "m", "skills": []}', "utf-8")
    (tmp_path / "empty.jsonl").write_text("", "utf-8")
    start = ("--data-dir", "data", "--program", course / "program-map.yaml")
    for name, words in (
        ("book.xlsx", "save it as UTF-8 CSV or JSON"),
        ("other.json", "--kind statements"),
        ("map.json", "--program map.json"),
        ("missing.json", "correct the path"),
        ("", "correct the path"),
    ):
        done = run("ingest", tmp_path / name, *start)
        assert done.returncode == 1, name
        assert words in done.stderr.replace(f"{tmp_path}/", ""), name
    done = run("ingest", "empty.jsonl", *start)
    assert done.returncode == 0
    assert "empty.jsonl is empty" in done.stderr


def test_a_new_folder_needs_a_program_map_and_is_not_made_without(
    run: Run, tmp_path: Path, course: Path
) -> None:
    done = run("ingest", course / "statements.jsonl.gz", "--data-dir", "data")
    assert done.returncode == 1
    assert "code  program-missing" in done.stderr
    assert not (tmp_path / "data").exists()
    (tmp_path / "bad.yaml").write_text("map: m\nversion: 1\nname: M\nskills: [{id: a-b, nmae: x}]\n", "utf-8")
    done = run("ingest", course / "statements.jsonl.gz", "--data-dir", "data", "--program", "bad.yaml")
    assert done.returncode == 1
    assert re.search(r"bad\.yaml:4:\d+", done.stderr)
    assert 'did you mean "name"?' in done.stderr
    assert not (tmp_path / "data").exists()


def test_an_interrupted_import_goes_on_where_it_stopped(
    into: Callable[..., dict[str, Any]], course: Path, tmp_path: Path, statements: list[dict[str, Any]]
) -> None:
    many = 60_000
    with (tmp_path / "many.jsonl").open("w", encoding="utf-8") as file:
        for number in range(many):
            one = statements[number % len(statements)] | {"id": str(uuid.UUID(int=number + 1))}
            file.write(json.dumps(one) + "\n")
    command = [str(PROGRAM), "ingest", "many.jsonl", "--data-dir", "data", "--json"]
    command += ["--program", str(course / "program-map.yaml"), "--roster", str(course / "roster.yaml")]
    process = subprocess.Popen(
        command, cwd=tmp_path, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    log = tmp_path / "data" / "log.sqlite-wal"
    while process.poll() is None and not (log.exists() and log.stat().st_size > 1 << 20):
        pass
    process.send_signal(signal.SIGINT)
    out, err = process.communicate(timeout=60)
    assert process.returncode == 130, err
    assert "the same command goes on" in err
    first = json.loads(out)
    assert first["interrupted"]
    assert 0 < first["accepted"] < many
    second = into("many.jsonl")
    assert second["known"] == first["accepted"]
    assert second["accepted"] == many - first["accepted"]
    assert second["records_per_s"] > 1_000


def test_progress_is_lines_without_a_terminal_and_a_bar_on_one(
    course: Path, tmp_path: Path, run: Run, require: Callable[[object, str, str], None]
) -> None:
    import shutil

    require(shutil.which("script"), "script", "sudo apt-get install bsdutils")
    maps = ("--program", str(course / "program-map.yaml"))
    plain = run("ingest", course / "statements.jsonl.gz", "--data-dir", "data", *maps)
    assert "\r" not in plain.stderr + plain.stdout
    command = " ".join(
        [str(PROGRAM), "ingest", str(course / "statements.jsonl.gz"), "--data-dir", "other", *maps]
    )
    done = subprocess.run(
        ["script", "-qec", command, "/dev/null"],
        cwd=tmp_path,
        env={**os.environ, "TERM": "xterm-256color"},  # a bar is drawn only where the terminal can
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0
    assert "reading" in done.stdout
    assert "accepted" in done.stdout
