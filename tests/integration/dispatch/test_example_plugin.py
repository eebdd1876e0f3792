"""Proves from outside that the plugin contract is enough: the example is installed apart and held to it."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

DISCOVER = "from carrythrough.dispatch import discover; print(sorted(discover().specs), discover().broken)"


def run(*command: str, path: Path | None = None, cwd: Path | None = None) -> str:
    """Run our Python with a folder put on its path; return what it printed, fail with what it said."""
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    if path is not None:
        environment["PYTHONPATH"] = str(path)
    done = subprocess.run(
        [sys.executable, *command],
        cwd=cwd,
        env=environment,
        capture_output=True,
        text=True,
        timeout=110,
        check=False,
    )
    assert done.returncode == 0, f"{done.stdout}\n{done.stderr}"
    return done.stdout


@pytest.fixture(scope="module")
def installed(repository: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Give a folder into which the example was installed, built by its own pyproject."""
    folder = tmp_path_factory.mktemp("example")
    source, target = folder / "source", folder / "site"
    shutil.copytree(repository / "plugins" / "carrythrough-example", source)
    options = ["--quiet", "--no-index", "--no-deps", "--no-build-isolation", "--disable-pip-version-check"]
    run("-m", "pip", "install", *options, "--target", str(target), str(source))
    assert (target / "carrythrough_example").is_dir()
    return target


def test_it_is_found_by_its_entry_point_and_only_where_it_is_installed(installed: Path) -> None:
    assert "'spool'" not in run("-c", DISCOVER)
    built_in = run("-c", DISCOVER).strip()
    assert "'webhook'" in built_in
    both = built_in.replace("'slack'", "'slack', 'spool'")
    assert run("-c", DISCOVER, path=installed).strip() == both


def test_it_keeps_the_public_contract(installed: Path, tmp_path: Path) -> None:
    tests = installed.parent / "source" / "tests"
    said = run("-m", "pytest", "-q", "-p", "no:cacheprovider", str(tests), path=installed, cwd=tmp_path)
    passed = re.search(r"^(\d+) passed", said, re.MULTILINE)
    assert passed, said
    assert int(passed[1]) >= 15


def test_it_uses_the_public_door_only(repository: Path) -> None:
    sources = (repository / "plugins" / "carrythrough-example").rglob("*.py")
    imported = {
        name
        for path in sources
        for name in re.findall(r"(?:from|import) (carrythrough\.[\w.]+)", path.read_text())
    }
    assert imported == {"carrythrough.plugin", "carrythrough.testing.adapters"}
