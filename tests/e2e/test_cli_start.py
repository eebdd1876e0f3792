"""Proves what a newcomer meets first: help, version, wrong usage and the way every error is shown."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

PROGRAM = Path(sys.executable).with_name("carrythrough")
COMMANDS = (
    *(("demo",), ("serve",), ("ingest",), ("validate",), ("scores",), ("explain",), ("doctor",)),
    *(("quarantine", name) for name in ("list", "show", "export")),
    *(("deadletters", name) for name in ("list", "replay")),
    ("adapters", "list"),
    *(("credentials", name) for name in ("add", "list", "remove")),
)
Run = Callable[..., "subprocess.CompletedProcess[str]"]


@pytest.fixture
def run(tmp_path: Path) -> Run:
    def call(*arguments: object, **variables: str) -> subprocess.CompletedProcess[str]:
        clean = {name: value for name, value in os.environ.items() if not name.startswith("CARRYTHROUGH_")}
        return subprocess.run(
            [str(PROGRAM), *map(str, arguments)],
            cwd=tmp_path,
            env=clean | variables,
            capture_output=True,
            text=True,
            check=False,
            timeout=60,
        )

    return call


def test_help_names_every_command_and_says_where_to_begin(run: Run) -> None:
    done = run("--help")
    assert done.returncode == 0
    for name in {command[0] for command in COMMANDS}:
        assert f" {name} " in done.stdout
    assert "First steps" in done.stdout


def test_every_command_explains_itself_with_an_example_and_every_flag(run: Run) -> None:
    for command in COMMANDS:
        done = run(*command, "--help", COLUMNS="200")
        assert done.returncode == 0
        assert f"carrythrough {' '.join(command)}" in done.stdout.split("For example:")[1], command
        flags = [
            line.strip("│ ") for line in done.stdout.splitlines() if line.startswith("│") and "--" in line
        ]
        wordless = [line for line in flags if len(line.split("  ", 1)[-1].strip()) < 10]
        assert flags, command
        assert not wordless, command


def test_version(run: Run) -> None:
    from carrythrough import __version__

    done = run("--version")
    assert (done.returncode, done.stdout.strip()) == (0, __version__)


def test_help_answers_at_once(run: Run) -> None:
    began = time.monotonic()
    run("--help")
    assert time.monotonic() - began < 5.0  # a loaded machine included; alone it is 0.2 s


@pytest.mark.parametrize(
    ("arguments", "hint"),
    [
        (("ingst",), 'Did you mean "ingest"?'),
        (("scores", "--nope"), "Unknown option"),
        (("scores", "--stage", "sinking"), "carried-through"),
        (("scores", "--limit", "many"), "--limit"),
        (("ingest",), "no file is named"),
        (("validate",), "no file is named"),
        (("explain",), "EMPLOYEE"),
        (("scores", "--url", "http://127.0.0.1:1", "--data-dir", "x"), "leave one of the two out"),
        (("scores", "--url", "http://127.0.0.1:1"), "credentials"),
        (("scores", "--url", "ftp://x", "--key", "a", "--secret", "b"), "write http://host:port"),
        (("scores", "--key", "a"), "add --url"),
        (("explain", "e-1", "--skill", "s", "--at", "yesterday"), "2026-11-01T10:00:00Z"),
        (("deadletters", "replay"), "--all"),
        (("credentials", "add", "crm", "--scope", "events/wirte"), "did you mean 'events/write'?"),
        (("credentials", "add"), "NAME"),
        (("credentials", "add", "CRM", "--scope", "all"), "lower case"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, tuple) else "",
)
def test_wrong_usage_is_exit_code_2_with_a_way_out(run: Run, arguments: tuple[str, ...], hint: str) -> None:
    done = run(*arguments)
    assert done.returncode == 2
    assert done.stdout == ""
    assert done.stderr.startswith("error: ")
    assert hint in " ".join(done.stderr.split())
    assert "fix" in done.stderr


def test_a_folder_that_is_none_of_ours_is_said_to_be_so(run: Run) -> None:
    done = run("scores", "--data-dir", "nowhere")
    assert done.returncode == 1
    assert done.stdout == ""
    for part in ("error: ", "what  nowhere: it does not exist", "rule", "fix", "code  data-folder-empty"):
        assert part in done.stderr


def test_errors_are_one_line_of_json_for_a_script(run: Run) -> None:
    done = run("scores", "--data-dir", "nowhere", "--json")
    assert done.returncode == 1
    assert done.stdout == ""
    assert json.loads(done.stderr)["error"]["code"] == "data-folder-empty"


def test_a_wrong_settings_file_is_shown_with_its_key(run: Run, tmp_path: Path) -> None:
    (tmp_path / "c.toml").write_text('data_dri = "x"\n', "utf-8")
    done = run("doctor", "--config", "c.toml")
    assert done.returncode == 1
    assert "did you mean 'data_dir'?" in done.stdout
    done = run("serve", "--config", "c.toml")
    assert done.returncode == 1
    assert "did you mean 'data_dir'?" in done.stderr


def test_no_colour_and_no_control_character_where_no_terminal_is(run: Run) -> None:
    for arguments in (("--help",), ("scores",), ("doctor",), ("adapters", "list")):
        done = run(*arguments)
        assert "\x1b" not in done.stdout + done.stderr


def test_text_from_outside_cannot_steer_the_terminal(run: Run) -> None:
    done = run("scores", "\x1b[31mred\u202e[bold]x[/bold]", "--data-dir", "nowhere\x1b[2J")
    assert "\x1b" not in done.stdout + done.stderr
    assert "nowhere" in done.stderr


def test_a_reader_that_stops_reading_is_no_error(tmp_path: Path) -> None:
    command = f"{PROGRAM} --help | head -1"
    done = subprocess.run(
        ["bash", "-o", "pipefail", "-c", command], cwd=tmp_path, capture_output=True, text=True, check=False
    )
    assert "Traceback" not in done.stderr


def test_tables_fit_the_terminal_by_leaving_out_what_matters_less(run: Run, repository: Path) -> None:
    course = repository / "examples" / "tccc"
    inputs = ("--program", course / "program-map.yaml", "--roster", course / "roster.yaml")
    assert run("ingest", course / "statements.jsonl.gz", "--data-dir", "data", *inputs).returncode == 0
    wide = run("scores", "--data-dir", "data", COLUMNS="160").stdout
    narrow = run("scores", "--data-dir", "data", COLUMNS="80").stdout
    for heading in ("employee", "skill", "score", "stage"):
        assert heading in wide.splitlines()[0]
        assert heading in narrow.splitlines()[0]
    assert "last evidence" in wide.splitlines()[0]
    assert "last evidence" not in narrow
    assert max(len(line) for line in narrow.splitlines()) <= 80
    assert "Not enough evidence" in narrow
