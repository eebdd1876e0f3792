"""Checks of a running server from outside: it answers, it is ready, it keeps up."""

from __future__ import annotations

from collections.abc import Iterator

import httpx

from carrythrough.cli.checks.content import unknown_actors
from carrythrough.cli.checks.result import Result, failed
from carrythrough.cli.server_reader import ServerReader, reaching
from carrythrough.cli.target import Server
from carrythrough.cli.terminal import plural
from carrythrough.errors import CarrythroughError

LAG_RECORDS_HIGH = 100_000
TIMEOUT_S = 10.0


def check_server(server: Server) -> Iterator[Result]:
    """Yield what holds for a server at an address."""
    try:
        with reaching(server.url):
            for path, meaning in (
                ("/healthz", "the scoring loop advances"),
                ("/readyz", "it takes requests"),
            ):
                status = httpx.get(server.url + path, timeout=TIMEOUT_S).status_code
                fix = "look at the server's log lines and metrics; restart it when it does not recover"
                good = status == httpx.codes.OK
                yield Result(
                    path[1:], "ok" if good else "failed", meaning if good else f"{path} answers {status}", fix
                )
        with ServerReader(server) as reader:
            summary = reader.summary()
    except CarrythroughError as error:
        yield failed("server", error.problem)
        return
    program = summary["program"]
    yield Result("credentials", "ok", "may read scores")
    yield Result("map in force", "ok", f"{program['id']} version {program['version']}")
    lag = summary["lag_records"]
    status_of_lag = "warning" if lag > LAG_RECORDS_HIGH else "ok"
    fix = "watch carrythrough_fold_lag_records: when it grows for long, the machine is too small"
    yield Result("scoring", status_of_lag, f"{plural(lag, 'record')} behind", fix)  # type: ignore[arg-type]
    yield from unknown_actors(summary["unknown"], summary["roster"])
    for name, number in (("dead letters", summary["dead_letters"]), ("quarantine", summary["quarantined"])):
        fix = f"carrythrough {name.replace(' ', '')} list"
        yield Result(name, "warning" if number else "ok", plural(number, "record"), fix if number else "")
