"""Finds every error code by reading the source, so that none can be used without being documented.

A code is a literal that reaches the `code` of a `Problem` (what a caller, a sender or a terminal
sees), of a `Lint` (one finding in a program map or roster) or of a `Reason` (a part of a score):
directly, or through a function of ours that passes its parameter `code` on. A module may also say
what its codes mean in a dictionary
`ERROR_CODES: code -> meaning`; those are listed with their meaning.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import msgspec

KINDS = ("Problem", "Lint", "Reason")

Function = ast.FunctionDef | ast.AsyncFunctionDef


class Use(msgspec.Struct, frozen=True, kw_only=True):
    """One place where a code is used. kind: of `KINDS`; the texts are "" where not literal."""

    code: str
    kind: str
    module: str
    line: int
    status: str = ""
    title: str = ""
    rule: str = ""
    fix: str = ""
    text: str = ""


class _Carrier(msgspec.Struct, frozen=True):
    """A function that passes its parameter `code` on to a kind."""

    kind: str
    function: Function
    method: bool

    @property
    def parameters(self) -> list[str]:
        """Names of the positional parameters as the caller counts them."""
        names = [argument.arg for argument in (*self.function.args.posonlyargs, *self.function.args.args)]
        return names[1:] if self.method else names


class _Module(msgspec.Struct):
    """A parsed module: its carriers by name, and what its names mean (local name -> module, name)."""

    name: str
    tree: ast.Module
    imported: dict[str, tuple[str, str]]
    functions: dict[str, tuple[Function, bool]]
    carriers: dict[str, _Carrier]


def _parse(root: Path, path: Path) -> _Module:
    name = ".".join(path.relative_to(root).with_suffix("").parts).removesuffix(".__init__")
    tree = ast.parse(path.read_text("utf-8"), filename=str(path))
    imported: dict[str, tuple[str, str]] = {}
    functions: dict[str, tuple[Function, bool]] = {}
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom) and node.module:
            for alias in node.names:
                imported[alias.asname or alias.name] = (node.module, alias.name)
        if isinstance(node, Function):
            functions.setdefault(node.name, (node, False))
        if isinstance(node, ast.ClassDef):
            for inner in node.body:
                if isinstance(inner, Function):
                    decorators = {d.id for d in inner.decorator_list if isinstance(d, ast.Name)}
                    functions[inner.name] = (inner, "staticmethod" not in decorators)
    return _Module(name=name, tree=tree, imported=imported, functions=functions, carriers={})


def _parameter_names(function: Function) -> set[str]:
    arguments = function.args
    return {a.arg for a in (*arguments.posonlyargs, *arguments.args, *arguments.kwonlyargs)}


def _argument(call: ast.Call, name: str, positions: list[str]) -> ast.expr | None:
    for keyword in call.keywords:
        if keyword.arg == name:
            return keyword.value
    if name in positions and positions.index(name) < len(call.args):
        value = call.args[positions.index(name)]
        return None if isinstance(value, ast.Starred) else value
    return None


class ErrorCodes:
    """All uses of codes below some source roots; `meanings` are those of the ERROR_CODES dictionaries."""

    def __init__(self, roots: list[Path]) -> None:
        self.modules = {
            module.name: module
            for root in roots
            for module in (_parse(root, path) for path in sorted(root.rglob("*.py")))
        }
        self.meanings = dict(self._declared())
        self._find_carriers()
        self.uses = sorted(
            (use for module in self.modules.values() for use in self._uses(module)),
            key=lambda use: (use.code, use.module, use.line),
        )

    def _declared(self) -> Iterator[tuple[str, str]]:
        for module in self.modules.values():
            for node in module.tree.body:
                match node:
                    case ast.Assign(targets=[ast.Name(id="ERROR_CODES")], value=ast.Dict() as table):
                        pass
                    case ast.AnnAssign(target=ast.Name(id="ERROR_CODES"), value=ast.Dict() as table):
                        pass
                    case _:
                        continue
                for key, value in zip(table.keys, table.values, strict=True):
                    if key is not None and _text(key):
                        yield _text(key), _text(value)

    def _resolve(self, module: _Module, call: ast.Call) -> tuple[str, list[str]] | None:
        """Return (kind, positional parameters) when `call` builds something that carries a code."""
        match call.func:
            case ast.Name(id=name):
                pass
            case ast.Attribute(attr=name):
                carrier = module.carriers.get(name)
                return (carrier.kind, carrier.parameters) if carrier else None
            case _:
                return None
        home, original = module.imported.get(name, (module.name, name))
        if original in KINDS:
            return original, ["code"]
        carrier = self.modules[home].carriers.get(original) if home in self.modules else None
        return (carrier.kind, carrier.parameters) if carrier else None

    def _said(self, module: _Module, line: int, value: ast.expr | None) -> str:
        """Return what an argument says: of `a or b` b, of a name what was last assigned to it above `line`."""
        if isinstance(value, ast.BoolOp) and isinstance(value.op, ast.Or):
            value = value.values[-1]
        if isinstance(value, ast.Name):
            named = value.id
            above = [
                node
                for node in ast.walk(module.tree)
                if isinstance(node, ast.Assign) and node.lineno < line and _is_name(node.targets, named)
            ]
            value = max(above, key=lambda node: node.lineno).value if above else None
        return _text(value) if value is not None else ""

    def _find_carriers(self) -> None:
        """Spread from the kinds outwards until nothing new carries a code."""
        grown = True
        while grown:
            grown = False
            for module in self.modules.values():
                for name, (function, method) in module.functions.items():
                    if name not in module.carriers and (kind := self._carries(module, function)):
                        module.carriers[name] = _Carrier(kind, function, method)
                        grown = True

    def _carries(self, module: _Module, function: Function) -> str:
        if "code" not in _parameter_names(function):
            return ""
        for node in ast.walk(function):
            if isinstance(node, ast.Call) and (target := self._resolve(module, node)):
                value = _argument(node, "code", target[1])
                if isinstance(value, ast.Name) and value.id == "code":
                    return target[0]
        return ""

    def _uses(self, module: _Module) -> Iterator[Use]:
        for node in ast.walk(module.tree):
            if not isinstance(node, ast.Call) or not (target := self._resolve(module, node)):
                continue
            kind, positions = target
            value = _argument(node, "code", positions)
            for code in _literals(value):
                texts = {
                    name: self._said(module, node.lineno, _argument(node, name, positions))
                    for name in ("title", "rule", "fix", "status", "text")
                }
                yield Use(code=code, kind=kind, module=module.name, line=node.lineno, **texts)


def _is_name(targets: list[ast.expr], name: str) -> bool:
    return len(targets) == 1 and isinstance(targets[0], ast.Name) and targets[0].id == name


def _literals(value: ast.expr | None) -> list[str]:
    """Return the texts that an expression can be: a literal, or both sides of a conditional."""
    match value:
        case ast.Constant(value=str(text)):
            return [text]
        case ast.IfExp(body=body, orelse=other):
            return _literals(body) + _literals(other)
    return []


def _text(value: ast.expr) -> str:
    """Return a literal as text, with "…" for what an f-string fills in; "" for anything else."""
    match value:
        case ast.Constant(value=None | bool()):
            return ""
        case ast.Constant(value=constant):
            return str(constant)
        case ast.JoinedStr(values=parts):
            return "".join(_text(part) or "…" for part in parts)
        case ast.BinOp(left=left, op=ast.Add(), right=right):
            return (_text(left) or "…") + (_text(right) or "…")
    return ""
