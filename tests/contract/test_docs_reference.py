"""Proves that the reference pages are current, and that nothing a user can meet is missing from them.

The first test compares with what the generator writes. The others look from the code's side, without
the generator, so that a fault in it cannot hide what it leaves out.
"""

from __future__ import annotations

import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from prometheus_client import generate_latest

from carrythrough.settings import Settings, load_settings
from carrythrough.telemetry.metrics import Telemetry


@pytest.fixture(scope="module")
def page(repository: Path) -> Any:
    def read(name: str) -> str:
        return (repository / "docs" / "reference" / name).read_text("utf-8")

    return read


def test_the_generated_pages_are_current(repository: Path) -> None:
    command = [sys.executable, "tools/reference.py", "--check"]
    done = subprocess.run(command, cwd=repository, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


def test_every_setting_is_documented_with_its_meaning(page: Any) -> None:
    rows = dict(re.findall(r"^\| `([\w.]+)` \|.*\| ([^|]*) \|$", page("settings.md"), re.MULTILINE))
    assert set(Settings.__struct_fields__) <= set(rows)
    assert not [name for name, meaning in rows.items() if len(meaning) < 10]


def test_every_documented_variable_sets_its_key(page: Any) -> None:
    pairs = re.findall(r"^- `(CARRYTHROUGH_\w+)` sets `(\w+)`$", page("settings.md"), re.MULTILINE)
    assert pairs
    for variable, key in pairs:
        value = "4711" if key.endswith("port") else "warning"
        settings = load_settings(None, {variable: value})
        assert str(getattr(settings, key)) == value, variable


def test_every_metric_is_documented(page: Any) -> None:
    text = page("metrics.md")
    exposed = generate_latest(Telemetry().registry).decode()
    names = {
        name for name in re.findall(r"^# TYPE (\S+) ", exposed, re.MULTILINE) if not name.endswith("_created")
    }
    ours = {name for name in names if name.startswith("carrythrough_")}
    assert ours
    assert not [name for name in sorted(ours) if f"| `{name}` |" not in text]
    assert not [name for name in names - ours if not re.match(r"process_|python_", name)]


def problem_codes(repository: Path) -> Iterator[tuple[str, str]]:
    """Yield (place, code) of each literal `code="..."`, by plain text search."""
    for root in ("processor", "plugins"):
        for path in sorted((repository / root).rglob("*.py")):
            for code in re.findall(r"""\bcode=["']([a-z0-9-]+)["']""", path.read_text("utf-8")):
                yield str(path.relative_to(repository)), code


def test_every_error_code_is_documented(repository: Path, page: Any) -> None:
    text = page("errors.md") + page("reasons.md")
    codes = list(problem_codes(repository))
    assert codes
    undocumented = [(place, code) for place, code in codes if f"`{code}`" not in text]
    assert not undocumented


def commands(app: Any, path: tuple[str, ...] = ()) -> Iterator[tuple[tuple[str, ...], Any]]:
    """Yield every command of a cyclopts app with its path, groups included."""
    for name in app:
        if name.startswith("-"):
            continue
        command = app[name]
        yield (*path, name), command
        yield from commands(command, (*path, name))


def test_every_command_and_flag_is_documented(page: Any) -> None:
    from carrythrough.cli.main import app

    text = page("cli.md")
    found = list(commands(app))
    assert found
    missing = []
    for path, command in found:
        if f"carrythrough {' '.join(path)}" not in text:
            missing.append(" ".join(path))
        if command.default_command is None:
            continue
        for argument in command.assemble_argument_collection(default_parameter=app.default_parameter):
            if argument.parameter.show is False:
                continue
            missing += [f"{' '.join(path)} {name}" for name in argument.names if name not in text]
    assert not missing


def test_every_built_in_adapter_is_documented(repository: Path, page: Any) -> None:
    pyproject = (repository / "pyproject.toml").read_text("utf-8")
    section = pyproject.split('[project.entry-points."carrythrough.adapters"]')[1].split("\n[")[0]
    names = re.findall(r"^(\w+) = ", section, re.MULTILINE)
    assert names
    assert not [name for name in names if f"## `{name}`" not in page("adapters.md")]
