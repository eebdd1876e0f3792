"""Findings of a program map on the screen, as JSON, and as annotations of a pull request."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import msgspec

from carrythrough.authoring.source import Lint
from carrythrough.cli.terminal import hanging, out, styled
from carrythrough.program.edits import Edit

Findings = list[tuple[Lint, Edit | None]]


def show_finding(lint: Lint, edit: Edit | None = None) -> None:
    """Print one finding: where and what, then rule, fix and the lines to write."""
    style = "red" if lint.severity == "error" else "yellow"
    out().print(styled(f"{lint.where}: {lint.severity}: {lint.message}", style), soft_wrap=True)
    for label, text in (("rule", lint.rule), ("why", lint.why), ("fix", lint.fix)):
        for line in hanging(label, text, 2) if text else ():
            out().print(styled(line), soft_wrap=True)
    if edit is not None:
        show_edit(edit)
    for line in hanging("code", lint.code, 2):
        out().print(styled(line, "dim"), soft_wrap=True)


def show_edit(edit: Edit) -> None:
    """Print the lines to write, each as it is to stand in the file behind a bar."""
    out().print(styled(f"  edit  {edit.instruction()}:", "bold"), soft_wrap=True)
    show_lines(edit.text.splitlines())


def show_lines(lines: Iterable[str]) -> None:
    """Print lines of YAML behind a bar, never wrapped, so that they can be copied."""
    for line in lines:
        out().print(styled(f"  | {line}".rstrip(), "cyan"), soft_wrap=True)


def show_github(findings: Findings) -> None:
    """Print workflow commands, which a pull request shows beside the lines (GitHub Actions)."""
    for lint, _ in findings:
        place = f"file={_property(lint.file)},line={lint.line},col={lint.column},title={_property(lint.code)}"
        text = (
            lint.message
            + (f"\nrule: {lint.rule}" if lint.rule else "")
            + (f"\nwhy: {lint.why}" if lint.why else "")
            + (f"\nfix: {lint.fix}" if lint.fix else "")
        )
        out().print(styled(f"::{lint.severity} {place}::{_data(text)}"), soft_wrap=True)


def findings_json(findings: Findings) -> list[dict[str, Any]]:
    """Return findings as JSON values."""
    return [
        msgspec.structs.asdict(lint) | {"edit": None if edit is None else msgspec.structs.asdict(edit)}
        for lint, edit in findings
    ]


def _data(text: str) -> str:
    return text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def _property(text: str) -> str:
    return _data(text).replace(":", "%3A").replace(",", "%2C")
