"""What the xAPI specifications demand, and which tests prove it, read from the sources.

The catalogue in tests/contract/xapi_requirements says what is demanded; the markers
`pytest.mark.requirement(version, section)` say which test proves it. They are read without running anything, so
version and section must be literal texts.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import msgspec
import yaml

VERSIONS = ("1.0.3", "2.0.0")
CATALOGUE = Path("tests/contract/xapi_requirements/catalogue")
MARKER = "requirement"


class Requirement(msgspec.Struct, frozen=True, order=True):
    """One requirement: the version, its section as tests cite it ("Data 2.4.1.s1"), what it says."""

    version: str
    section: str
    says: str


class Proof(msgspec.Struct, frozen=True, order=True):
    """One marker: which requirement, and where it stands (path from the root of the repository)."""

    version: str
    section: str
    path: str
    line: int


class _File(msgspec.Struct, forbid_unknown_fields=True):
    version: str
    document: str
    requirements: dict[str, str]


def requirements(root: Path) -> list[Requirement]:
    """Return the requirements of the catalogue in the order of the files; raises ValueError naming a bad file."""
    found = []
    for path in sorted((root / CATALOGUE).glob("*.yaml")):
        try:
            file = msgspec.convert(yaml.safe_load(path.read_text("utf-8")), _File)
        except (msgspec.ValidationError, yaml.YAMLError) as error:
            raise ValueError(f"{path}: {error}") from error
        if file.version not in VERSIONS:
            raise ValueError(f"{path}: its version is {file.version}, not one of {', '.join(VERSIONS)}")
        for section, says in file.requirements.items():
            found.append(Requirement(file.version, f"{file.document} {section}", says))
    return found


def proofs(root: Path) -> list[Proof]:
    """Return all markers of the tests; raises ValueError for one whose arguments are not literal."""
    found: list[Proof] = []
    for path in sorted((root / "tests").rglob("*.py")):
        text = path.read_text("utf-8")
        if MARKER in text:
            found += _markers(ast.parse(text), str(path.relative_to(root)))
    return sorted(found)


def _markers(tree: ast.AST, path: str) -> Iterator[Proof]:
    for node in ast.walk(tree):
        if not isinstance(node, ast.Call) or _name(node.func) != MARKER:
            continue
        texts = [arg.value for arg in node.args if isinstance(arg, ast.Constant)]
        if len(node.args) != 2 or len(texts) != 2:
            raise ValueError(f"{path}:{node.lineno}: version and section must be two literal texts")
        yield Proof(str(texts[0]), str(texts[1]), path, node.lineno)


def _name(function: ast.expr) -> str:
    if isinstance(function, ast.Attribute):
        return function.attr
    return function.id if isinstance(function, ast.Name) else ""
