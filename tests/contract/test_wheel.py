"""Proves that the wheel holds all that the program reads at run time, and works away from a checkout."""

from __future__ import annotations

import subprocess
import sys
import tomllib
import zipfile
from pathlib import Path

import pytest


@pytest.fixture(scope="module")
def wheel(repository: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("dist")
    command = [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(folder)]
    done = subprocess.run(command, cwd=repository, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    (built,) = folder.glob("*.whl")
    return built


def test_it_holds_every_file_of_both_packages_and_the_schemas(repository: Path, wheel: Path) -> None:
    held = set(zipfile.ZipFile(wheel).namelist())
    expected = {
        str(path.relative_to(repository / root))
        for root, package in (("processor", "carrythrough"), ("plugins", "carrythrough_adapters"))
        for path in (repository / root / package).rglob("*")
        if path.is_file() and "__pycache__" not in path.parts
    } | {f"carrythrough/schemas/{path.name}" for path in (repository / "schemas").iterdir()}
    assert {"carrythrough/py.typed", "carrythrough/schemas/program-map.schema.json"} <= expected
    assert not expected - held


def test_it_holds_nothing_else(wheel: Path) -> None:
    tops = {name.split("/")[0] for name in zipfile.ZipFile(wheel).namelist()}
    assert {top for top in tops if not top.endswith(".dist-info")} == {
        "carrythrough",
        "carrythrough_adapters",
    }


def test_it_declares_the_command_and_the_adapters(repository: Path, wheel: Path) -> None:
    project = tomllib.loads((repository / "pyproject.toml").read_text("utf-8"))["project"]
    archive = zipfile.ZipFile(wheel)
    (name,) = [name for name in archive.namelist() if name.endswith("entry_points.txt")]
    text = archive.read(name).decode()
    for point, value in project["entry-points"]["carrythrough.adapters"].items():
        assert f"{point} = {value}" in text
    assert "carrythrough = carrythrough.cli.main:main" in text


def test_it_finds_its_files_away_from_the_checkout(wheel: Path, tmp_path: Path) -> None:
    zipfile.ZipFile(wheel).extractall(tmp_path / "site")
    code = (
        "import sys; sys.path.insert(0, sys.argv[1])\n"
        "from importlib.resources import files\n"
        "import carrythrough, carrythrough_adapters\n"
        "assert carrythrough.__file__.startswith(sys.argv[1]), carrythrough.__file__\n"
        "for name in ('program-map', 'roster', 'performance-event'):\n"
        "    assert (files('carrythrough') / 'schemas' / f'{name}.schema.json').read_text('utf-8')\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, str(tmp_path / "site")],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr


def test_the_schemas_are_found_in_the_checkout_too(repository: Path) -> None:
    link = repository / "processor" / "carrythrough" / "schemas"
    assert link.is_symlink()
    assert link.resolve() == (repository / "schemas").resolve()
