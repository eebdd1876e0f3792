"""Proves that the pure packages call no clock, no chance and no file.

`lint-imports` refuses whole modules (time, os, random, ...). What is left are impure corners of
modules that are welcome otherwise: `datetime.now`, `uuid4`, `numpy.random`, `urllib.request`,
the built-in `open`. This test walks the syntax trees for those.
"""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

PURE = (
    "authoring",
    "events",
    "evidence",
    "identity",
    "impact",
    "pipeline",
    "program",
    "reinforcement",
    "scoring",
    "xapi",
)

BUILTINS = {"open", "input", "print", "breakpoint", "exec", "eval", "__import__", "id", "hash"}
"""`hash` of a text and `id` differ between runs; the rest reaches outside."""

ATTRIBUTES = {
    "datetime": {"now", "today", "utcnow"},
    "date": {"today"},
    "uuid": {"uuid1", "uuid4", "getnode"},
    "np": {"random"},
    "numpy": {"random"},
    "urllib": {"request"},
}

MODULES = {
    "urllib.request",
    "numpy.random",
    "importlib.resources",
    "logging",
    "multiprocessing",
    "signal",
    "io",
}
NAMES_FROM = {("uuid", "uuid1"), ("uuid", "uuid4"), ("numpy", "random"), ("urllib", "request")}


def impurities(source: str) -> list[str]:
    """Return "line: what" for each impure thing in `source`."""
    tree = ast.parse(source)
    # Defining __hash__ in terms of hash() stays inside one process by its nature.
    exempt = {
        id(inner)
        for node in ast.walk(tree)
        if isinstance(node, ast.FunctionDef) and node.name == "__hash__"
        for inner in ast.walk(node)
    }
    found = []
    for node in ast.walk(tree):
        match node:
            case ast.Call(func=ast.Name(id=name)) if name in BUILTINS and id(node) not in exempt:
                found.append(f"{node.lineno}: {name}()")
            case ast.Attribute(value=ast.Name(id=base), attr=attr) if attr in ATTRIBUTES.get(base, ()):
                found.append(f"{node.lineno}: {base}.{attr}")
            case ast.Attribute(value=ast.Attribute(attr=base), attr=attr) if attr in ATTRIBUTES.get(base, ()):
                found.append(f"{node.lineno}: …{base}.{attr}")
            case ast.Import(names=names):
                found += [f"{node.lineno}: import {n.name}" for n in names if n.name in MODULES]
            case ast.ImportFrom(module=str(module), names=names):
                if module in MODULES:
                    found.append(f"{node.lineno}: from {module}")
                found += [
                    f"{node.lineno}: from {module} import {n.name}"
                    for n in names
                    if (module, n.name) in NAMES_FROM
                ]
    return found


def test_pure_packages_are_pure(repository: Path) -> None:
    package = repository / "processor" / "carrythrough"
    files = [path for name in PURE for path in sorted((package / name).rglob("*.py"))]
    assert len(files) > len(PURE), "the packages were not found: the rule would hold for nothing"
    found = [
        f"{path.relative_to(repository)}:{impurity}"
        for path in files
        for impurity in impurities(path.read_text("utf-8"))
    ]
    assert not found


@pytest.mark.parametrize(
    "source",
    [
        "from datetime import datetime\nx = datetime.now()",
        "import datetime\nx = datetime.datetime.now()",
        "import uuid\nx = uuid.uuid4()",
        "from uuid import uuid4",
        "import numpy as np\nx = np.random.default_rng()",
        "import urllib.request",
        "x = open('f')",
        "x = hash('text')",
        "from importlib.resources import files",
    ],
)
def test_the_rule_catches_what_it_should(source: str) -> None:
    assert impurities(source)


@pytest.mark.parametrize(
    "source",
    [
        "from datetime import datetime\nx = datetime.fromisoformat(t)",
        "from urllib.parse import urlsplit",
        "import uuid\nx = uuid.UUID(text)",
        "class A:\n    def __hash__(self):\n        return hash(self.x)",
    ],
)
def test_the_rule_lets_pure_code_pass(source: str) -> None:
    assert not impurities(source)
