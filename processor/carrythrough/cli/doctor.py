"""`carrythrough doctor`: looks at every part of an installation and says what to do about each fault."""

from __future__ import annotations

import platform
import socket
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import msgspec
from cyclopts import Parameter

from carrythrough import __version__
from carrythrough.cli.target import Target
from carrythrough.cli.terminal import hanging, out, plural, say, say_json, styled
from carrythrough.errors import CarrythroughError

if TYPE_CHECKING:
    from carrythrough.cli.checks.result import Result

_MARKS = {"ok": ("ok", "green"), "warning": ("warning", "yellow"), "failed": ("FAILED", "bold red")}


def doctor(
    *,
    json: Annotated[bool, Parameter(help="Print every check as JSON.")] = False,
    program: Annotated[
        str | None, Parameter(help="Check this program map in place of that of the settings.")
    ] = None,
    roster: Annotated[
        str | None, Parameter(help="Check this roster in place of that of the settings.")
    ] = None,
    target: Annotated[Target | None, Parameter(name="*")] = None,
) -> int:
    """Check an installation: each fault with what to do about it.

    Settings, data folder, durability, clock, program map, roster, adapters, stores and topics read from, webhooks,
    forwarding, scoring, delivery. It changes nothing, and may run beside a server. The exit code is 1 when a check
    failed; warnings leave it 0.

    For example:

    ```sh
    carrythrough doctor --config carrythrough.toml
    carrythrough doctor --data-dir data --json
    carrythrough doctor --url http://127.0.0.1:8080 --key KEY --secret SECRET
    ```
    """
    results = []
    for result in _checks(target or Target(), program, roster):
        results.append(result)
        if not json:
            _show(result)
    failures = sum(result.status == "failed" for result in results)
    warnings = sum(result.status == "warning" for result in results)
    if json:
        say_json(
            {"failed": failures, "warnings": warnings, "checks": [msgspec.structs.asdict(r) for r in results]}
        )
    else:
        say()
        if failures:
            say(f"{plural(failures, 'check')} failed, {plural(warnings, 'warning')}.", "bold red")
        else:
            more = f", with {plural(warnings, 'warning')}" if warnings else ""
            say(f"All is well{more}.", "bold green")
    return int(failures > 0)


def _checks(target: Target, program: str | None, roster: str | None) -> Iterator[Result]:
    from carrythrough.cli.checks.result import Result, failed

    yield Result("version", "ok", f"carrythrough {__version__}, Python {platform.python_version()}")
    server = target.server()
    if server is not None:
        from carrythrough.cli.checks.server import check_server

        yield from check_server(server)
        return
    try:
        settings = target.settings(program=program, roster=roster)
    except CarrythroughError as error:
        yield failed("settings", error.problem)
        return
    from carrythrough.cli.checks.consuming import check_consuming
    from carrythrough.cli.checks.content import check_inputs, check_state
    from carrythrough.cli.checks.folder import check_folder
    from carrythrough.cli.checks.forwarding import check_forwarding
    from carrythrough.cli.checks.issuer import check_issuer
    from carrythrough.cli.checks.pulling import check_pulling
    from carrythrough.cli.checks.webhooks import check_webhooks
    from carrythrough.cli.folder_reader import lock_holder

    folder = Path(settings.data_dir)
    yield Result(
        "settings", "ok", str(target.config) if target.config else "no file: defaults, environment and flags"
    )
    yield from check_folder(folder)
    yield from check_inputs(settings)
    yield from check_pulling(settings, folder)
    yield from check_consuming(settings, folder)
    yield from check_webhooks(settings, folder)
    yield from check_forwarding(settings, folder)
    yield from check_issuer(settings, folder)
    if (folder / "log.sqlite").exists():
        yield from check_state(folder)
    if lock_holder(folder) is None:
        for name, port in (("port", settings.port), ("metrics port", settings.metrics_port)):
            yield _port(name, settings.host, port)


def _port(name: str, host: str, port: int) -> Result:
    from carrythrough.cli.checks.result import Result

    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family, socket.SOCK_STREAM) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError as error:
            key = name.replace(" ", "_")
            fix = f"stop the program that listens there, or set {key} to another port (0 picks a free one)"
            return Result(name, "warning", f"{host}:{port}: {error.strerror}", fix)
    return Result(name, "ok", f"{host}:{port} is free")


def _show(result: Result) -> None:
    word, style = _MARKS[result.status]
    lines = hanging("", result.detail, 27)
    first = lines[0].strip() if lines else ""
    out().print(styled(f"{word:>8}  ", style), styled(f"{result.name:<22} {first}"), sep="", soft_wrap=True)
    for line in lines[1:]:
        out().print(styled(line), soft_wrap=True)
    if result.status != "ok" and result.fix:
        for line in hanging("fix", result.fix, 33):
            out().print(styled(line, "bold"), soft_wrap=True)
