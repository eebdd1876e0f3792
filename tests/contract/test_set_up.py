"""Proves that the set-up scripts say what a machine lacks, and do nothing when nothing has changed."""

from __future__ import annotations

import os
import shutil
import subprocess
import time
from collections.abc import Callable
from pathlib import Path

import pytest

Run = Callable[..., subprocess.CompletedProcess[str]]


@pytest.fixture
def bare_path(tmp_path: Path) -> Path:
    """Give a folder to use as PATH that has the shell's tools and no Python, no browser, no apt-get."""
    folder = tmp_path / "bin"
    folder.mkdir()
    for tool in ("bash", "cat", "dirname", "env", "grep", "id", "ls", "rm", "sh"):
        found = shutil.which(tool)
        assert found, tool
        (folder / tool).symlink_to(found)
    return folder


@pytest.fixture
def run(repository: Path, bare_path: Path) -> Run:
    def start(script: str, *arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [shutil.which("bash") or "bash", str(repository / "tools" / script), *arguments],
            env={"PATH": str(bare_path), **environment},
            capture_output=True,
            text=True,
            check=False,
        )

    return start


def fake_python(folder: Path, name: str, version: str, *, new_enough: bool) -> None:
    """Write a program that answers the two questions which tools/find_python.sh asks."""
    program = folder / name
    status = 0 if new_enough else 1
    program.write_text(f'#!/bin/sh\ncase "$2" in *version_info*) exit {status} ;; esac\necho {version}\n')
    program.chmod(0o755)


def test_without_any_python_the_message_names_what_to_install(run: Run) -> None:
    done = run("find_python.sh")
    assert done.returncode == 1
    assert "needs Python 3.11 or newer; found: no Python at all" in done.stderr
    assert "apt-get install python3 python3-venv" in done.stderr


def test_an_old_python_is_named_with_its_version(run: Run, bare_path: Path) -> None:
    fake_python(bare_path, "python3", "3.9.2", new_enough=False)
    done = run("find_python.sh")
    assert done.returncode == 1
    assert "found: python3=3.9.2" in done.stderr


def test_a_newer_python_beside_an_old_one_is_taken(run: Run, bare_path: Path) -> None:
    fake_python(bare_path, "python3", "3.9.2", new_enough=False)
    fake_python(bare_path, "python3.12", "3.12.1", new_enough=True)
    done = run("find_python.sh")
    assert done.stdout.strip() == str(bare_path / "python3.12")


def test_a_python_that_was_asked_for_comes_first(run: Run, bare_path: Path) -> None:
    fake_python(bare_path, "python3", "3.11.2", new_enough=True)
    fake_python(bare_path, "mine", "3.13.0", new_enough=True)
    assert run("find_python.sh", PYTHON=str(bare_path / "mine")).stdout.strip() == str(bare_path / "mine")


def test_a_python_without_venv_names_the_package(
    run: Run, repository: Path, bare_path: Path, tmp_path: Path
) -> None:
    # A Debian python3 without python3-venv: new enough, and `import ensurepip` fails.
    program = bare_path / "python3"
    program.write_text(
        "#!/bin/sh\n"
        'case "$2" in *ensurepip*) exit 1 ;; *%d.%d*) echo 3.11 ;; *platform*) echo 3.11.2 ;; esac\n'
    )
    program.chmod(0o755)
    shutil.copytree(repository / "tools", tmp_path / "tools", ignore=shutil.ignore_patterns("__pycache__"))
    for name in ("requirements.lock", "pyproject.toml"):
        shutil.copy(repository / name, tmp_path)
    done = subprocess.run(
        [shutil.which("bash") or "bash", str(tmp_path / "tools" / "set_up.sh"), "run"],
        env={"PATH": str(bare_path)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 1
    assert "sudo apt-get install python3.11-venv" in done.stderr
    assert not (tmp_path / ".venv").exists()


def test_a_missing_browser_fails_ci_and_only_informs_elsewhere(run: Run) -> None:
    elsewhere = run("system_packages.sh")
    assert elsewhere.returncode == 0
    assert "sudo apt-get install chromium" in elsewhere.stdout
    assert run("system_packages.sh", CI="true").returncode == 1


def test_set_up_is_quick_when_nothing_has_changed(repository: Path) -> None:
    command = ["bash", str(repository / "tools" / "set_up.sh"), "run"]
    subprocess.run(command, check=True, capture_output=True, env=os.environ)
    began = time.monotonic()
    done = subprocess.run(command, check=True, capture_output=True, text=True, env=os.environ)
    assert not done.stdout, "it said something, so it did something"
    assert time.monotonic() - began < 5
