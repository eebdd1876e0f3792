"""Proves the commands about program maps as a person uses them: what they print, write, refuse and leave alone."""

from __future__ import annotations

import gzip
import hashlib
import io
import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from carrythrough.cli.main import main

PROGRAM = Path(sys.executable).with_name("carrythrough")
Run = Callable[..., "subprocess.CompletedProcess[str]"]
CLEAN = {name: value for name, value in os.environ.items() if not name.startswith("CARRYTHROUGH_")}
ADL = "http://adlnet.gov/expapi/verbs/"
OLD = """\
map: lifting
version: 1
name: Lifting
skills: [{id: lift, name: Lift with the hoist}]
activities:
  - id: quiz
    name: Quiz
    match: {activity_prefix: "https://l.example/quiz/"}
    evidence: [{skill: lift, channel: learn, outcome: score}]
reinforcement:
  - {id: again, when: {stage: not-yet-learnt}, action: spaced-review, title: Again, body: Again, adapters: [console]}
"""
SIMULATION = """\
  - id: sim
    name: Simulation
    match: {activity_prefix: "https://l.example/sim/"}
    evidence: [{skill: lift, channel: practice, outcome: success}]
"""
NEW = OLD.replace("version: 1", "version: 2").replace("reinforcement:", SIMULATION + "reinforcement:")


def call(folder: Path, *arguments: object, stdin: bytes = b"") -> subprocess.CompletedProcess[str]:
    done = subprocess.run(
        [str(PROGRAM), *map(str, arguments)],
        cwd=folder,
        env=CLEAN,
        input=stdin,
        capture_output=True,
        check=False,
        timeout=60,
    )
    return subprocess.CompletedProcess(done.args, done.returncode, done.stdout.decode(), done.stderr.decode())


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Run:
    """Run a command in this process, as the program does: a process of its own costs half a second each."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "stdin", io.StringIO())
    for name in os.environ.keys() - CLEAN.keys():
        monkeypatch.delenv(name)

    def inside(*arguments: object) -> subprocess.CompletedProcess[str]:
        capsys.readouterr()
        code = main(["program", *map(str, arguments)])
        printed = capsys.readouterr()
        return subprocess.CompletedProcess(arguments, code, printed.out, printed.err)

    return inside


def write_statements(path: Path) -> Path:
    """Write what two people answered (badly) and how their simulations went (well)."""
    lines = []
    for person in ("ada", "ben"):
        for day in range(1, 9):
            for verb, obj, result in (
                ("answered", "quiz/1", {"score": {"scaled": 0.1}}),
                ("passed", "sim/1", {"success": True}),
            ):
                lines.append(
                    {
                        "id": f"00000000-0000-4000-8000-{len(lines):012d}",
                        "actor": {"mbox": f"mailto:{person}@example.com"},
                        "verb": {"id": ADL + verb},
                        "object": {"id": f"https://l.example/{obj}"},
                        "result": result,
                        "timestamp": f"2026-11-{day:02d}T10:00:00Z",
                    }
                )
    path.write_text("".join(json.dumps(line) + "\n" for line in lines), "utf-8")
    return path


@pytest.fixture
def statements(tmp_path: Path) -> Path:
    return write_statements(tmp_path / "statements.jsonl")


def test_init_from_options_gives_a_map_that_says_what_was_said(run: Run, tmp_path: Path) -> None:
    said: tuple[str, ...] = (
        "--name",
        "Safe lifting",
        "--skill",
        "Lift with the hoist",
        "--owner",
        "Ward 3",
        "--goal",
        "Fewer injuries",
    )
    said += ("--kpi", "Injuries a month", "--direction", "down", "--target", "2", "--does", "Uses the hoist.")
    done = run(
        "init", *said, "--activity", "https://l.example/quiz/", "--activity", "https://l.example/sim/1"
    )
    assert done.returncode == 0, done.stderr
    text = (tmp_path / "program-map.yaml").read_text("utf-8")
    assert all(word in text for word in said if not word.startswith("--") and word not in ("2", "down"))
    assert "channel: practice" in text
    lint = run("lint", "program-map.yaml", "--strict")
    assert lint.returncode == 0, lint.stdout
    # What a person wrote is not written over unasked.
    again = run("init", "--name", "Another")
    assert again.returncode == 1
    assert "--force" in again.stderr
    assert (tmp_path / "program-map.yaml").read_text("utf-8") == text
    assert run("init", "--name", "Another", "--force").returncode == 0


def test_init_from_statements_as_json_and_on_stdout(run: Run, statements: Path) -> None:
    packed = statements.with_suffix(".gz")
    packed.write_bytes(gzip.compress(statements.read_bytes()))
    found = json.loads(run("init", "--from", packed, "--to", "a.yaml", "--json").stdout)
    assert (found["statements"], found["score_bearing"], found["score_bearing_with_evidence"]) == (32, 32, 32)
    channels = {part["activity"]["evidence"][0]["channel"] for part in found["activities"]}
    assert channels == {"learn", "practice"}
    pipe = ("program", "init", "--from", "-", "--to", "-", "--yes")
    printed = call(statements.parent, *pipe, stdin=statements.read_bytes())
    assert printed.returncode == 0, printed.stderr
    assert "map: " in printed.stdout
    assert printed.stderr == ""


@pytest.mark.parametrize(
    ("name", "content", "code"),
    [
        ("empty.jsonl", "", "no-statements"),
        ("broken.jsonl", '{"actor": {}, "verb": {"id": "x"}, "object": {}}\n', "no-statements"),
        ("roster.yaml", "people: [{id: a}]\n", "file-content-unknown"),
        (
            "events.csv",
            "id,source,kind,employee,time\n1,s,opportunity,e,2026-11-01T10:00:00Z\n",
            "file-content-unknown",
        ),
        ("other.json", '{"hello": "world"}', "file-content-unknown"),
    ],
)
def test_init_names_what_is_no_file_of_statements(
    run: Run, tmp_path: Path, name: str, content: str, code: str
) -> None:
    (tmp_path / name).write_text(content, "utf-8")
    done = run("init", "--from", name, "--yes", "--json")
    assert done.returncode == 1, done.stdout
    problem = json.loads(done.stderr)["error"]
    assert problem["code"] == code
    assert problem["fix"]
    assert not (tmp_path / "program-map.yaml").exists()


def test_lint_in_every_form(run: Run, tmp_path: Path) -> None:
    (tmp_path / "m.yaml").write_text(OLD.replace("skill: lift,", "skill: lft,"), "utf-8")
    done = run("lint", "m.yaml")
    assert done.returncode == 1
    assert 'did you mean "lift"?' in done.stdout
    github = run("lint", "m.yaml", "--format", "github").stdout.splitlines()
    errors = [line for line in github if line.startswith("::error file=m.yaml,line=9,col=")]
    assert len(errors) == 1
    assert "%0Afix: did you mean" in errors[0]
    found = json.loads(run("lint", "m.yaml", "--json").stdout)
    assert found["errors"] == 1
    assert run("lint", "none.yaml").returncode == 1


def test_schema_for_an_editor(run: Run, tmp_path: Path) -> None:
    assert run("schema", "--to", "program-map.schema.json").returncode == 0
    written = json.loads((tmp_path / "program-map.schema.json").read_text("utf-8"))
    assert written == json.loads(run("schema").stdout)
    assert "activities" in written["properties"]


def test_coverage_names_what_is_missing_and_writes_it(run: Run, tmp_path: Path, statements: Path) -> None:
    (tmp_path / "m.yaml").write_text("# mine\n" + OLD, "utf-8")
    done = run("coverage", "m.yaml", statements)
    assert done.returncode == 0, done.stderr
    assert "16 of 32 score-bearing statements give evidence (50 %)." in done.stdout
    assert "Score-bearing: its result has a score, success, completion or response" in done.stdout
    assert "match:" in done.stdout
    assert run("coverage", "m.yaml", statements, "--require", "0.8").returncode == 1
    assert (tmp_path / "m.yaml").read_text("utf-8") == "# mine\n" + OLD
    assert run("coverage", "m.yaml", statements, "--write").returncode == 0
    assert (tmp_path / "m.yaml").read_text("utf-8").startswith("# mine\n")
    found = json.loads(run("coverage", "m.yaml", statements, "--json", "--require", "0.8").stdout)
    assert (found["share"], found["score_bearing_with_outcome"], found["suggested"]) == (1.0, 32, [])


def test_coverage_counts_what_is_no_record_and_goes_on(run: Run, tmp_path: Path, statements: Path) -> None:
    (tmp_path / "m.yaml").write_text(OLD, "utf-8")
    with statements.open("a", encoding="utf-8") as lines:
        lines.write('{"broken\n{"actor": 1}\n')
    done = run("coverage", "m.yaml", statements)
    assert done.returncode == 0
    assert "16 of 32" in done.stdout
    assert "2 records could not be read" in done.stderr
    assert "statements.jsonl:33" in done.stderr


def test_coverage_of_events_proposes_the_rule_that_they_lack(run: Run, tmp_path: Path) -> None:
    (tmp_path / "m.yaml").write_text(OLD, "utf-8")
    (tmp_path / "events.csv").write_text(
        "id,source,kind,employee,time,met\n1,crm,task-outcome,e-1,2026-11-01T10:00:00Z,true\n", "utf-8"
    )
    done = run("coverage", "m.yaml", "events.csv")
    assert "0 of 1 events give evidence." in done.stdout
    rule = [line[4:] for line in done.stdout.splitlines() if line.startswith("  | ")]
    (tmp_path / "m.yaml").write_text(OLD + "events:\n" + "\n".join(rule) + "\n", "utf-8")
    assert "1 of 1 events give evidence." in run("coverage", "m.yaml", "events.csv").stdout


def test_tests_of_a_map_pass_or_say_what_differs(run: Run, tmp_path: Path) -> None:
    answer = f'verb: "{ADL}answered", object: "https://l.example/quiz/1", result: {{score: {{scaled: 1}}}}'
    one = f"tests:\n  - {{id: one, name: One, given: [{{statement: {{{answer}}}}}], expect: {{evidence: "
    test = one.replace("{", "{{").replace("}", "}}") + "[{{skill: lift, channel: learn, outcome: {0}}}]}}}}\n"
    (tmp_path / "good.yaml").write_text(OLD + test.format(1), "utf-8")
    (tmp_path / "bad.yaml").write_text(OLD + test.format(0.5), "utf-8")
    assert run("test", "good.yaml").returncode == 0
    bad = run("test", "bad.yaml")
    assert bad.returncode == 1
    assert "- evidence: learn 0.5 of lift" in bad.stdout
    assert "+ evidence: learn 1 of lift by quiz" in bad.stdout
    found = json.loads(run("test", "bad.yaml", "--json").stdout)
    assert (found["tests"], found["failed"]) == (1, 1)
    assert run("test", "good.yaml", "--only", "on").returncode == 2


def test_diff_says_what_changes_and_what_it_means(run: Run, tmp_path: Path) -> None:
    (tmp_path / "old.yaml").write_text(OLD, "utf-8")
    (tmp_path / "new.yaml").write_text(NEW, "utf-8")
    done = run("diff", "old.yaml", "new.yaml")
    assert done.returncode == 0
    assert "+ sim" in done.stdout
    assert "lift (practice, success)" in done.stdout
    changes = json.loads(run("diff", "old.yaml", "new.yaml", "--json").stdout)["changes"]
    assert [(c["section"], c["id"], c["what"]) for c in changes if c["section"] != "map"] == [
        ("activities", "sim", "added")
    ]
    assert "mean the same" in run("diff", "old.yaml", "old.yaml").stdout


def digest(folder: Path) -> dict[str, str]:
    files = [
        path for path in folder.rglob("*") if path.is_file() and not path.name.endswith(("-wal", "-shm"))
    ]
    return {str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest() for path in files}


def test_a_dry_run_over_files_shows_who_would_move(run: Run, tmp_path: Path, statements: Path) -> None:
    (tmp_path / "old.yaml").write_text(OLD, "utf-8")
    (tmp_path / "new.yaml").write_text(NEW, "utf-8")
    done = run("dry-run", "new.yaml", statements, "--old", "old.yaml")
    assert done.returncode == 0, done.stderr
    assert "Evidence: 16 → 32 pieces." in done.stdout
    assert "2 people would move" in done.stdout
    assert "ada" not in done.stdout
    found = json.loads(run("dry-run", "new.yaml", statements, "--old", "old.yaml", "--json").stdout)
    assert [mover["moves"] > 0.2 for mover in found["movers"]] == [True, True]
    same = run("dry-run", "old.yaml", statements, "--old", "old.yaml")
    assert "Nobody's score or stage would change." in same.stdout


def test_a_dry_run_beside_a_running_server_agrees_with_its_scores_and_writes_nothing(
    tmp_path_factory: pytest.TempPathFactory,
) -> None:
    folder = tmp_path_factory.mktemp("dry")
    (folder / "old.yaml").write_text(OLD, "utf-8")
    (folder / "new.yaml").write_text(NEW, "utf-8")
    write_statements(folder / "statements.jsonl")
    data = ("--data-dir", "data")
    assert call(folder, "ingest", "statements.jsonl", *data, "--program", "old.yaml").returncode == 0
    command = [
        str(PROGRAM),
        "serve",
        "--json",
        *data,
        "--port",
        "0",
        "--metrics-port",
        "0",
        "--program",
        "old.yaml",
    ]
    server = subprocess.Popen(
        command, cwd=folder, env=CLEAN, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
    )
    try:
        assert server.stdout is not None
        assert json.loads(server.stdout.readline())["url"]
        before = digest(folder / "data")
        done = call(folder, "program", "dry-run", "new.yaml", *data, "--json")
        assert done.returncode == 0, done.stderr
        assert digest(folder / "data") == before
        found: dict[str, Any] = json.loads(done.stdout)
        assert found["old"] == {"map": "lifting", "version": 1}
        (skill,) = found["skills"]
        assert (skill["scored_before"], skill["scored_after"]) == (2, 2)
        assert skill["mean_after"] > skill["mean_before"]
        same = json.loads(call(folder, "program", "dry-run", "old.yaml", *data, "--json").stdout)
        assert same["movers"] == []
        scores = json.loads(call(folder, "scores", *data, "--json").stdout)
        shown = [row["score"] for row in scores["scores"]]
        assert [round(mover["before"]["score"], 2) for mover in found["movers"]] == [
            round(s, 2) for s in shown
        ]
    finally:
        server.send_signal(signal.SIGINT)
        server.wait(30)
