"""`carrythrough serve`: the server, and what it says when it is ready."""

from __future__ import annotations

import contextlib
import ipaddress
import signal
import sys
from pathlib import Path
from typing import Annotated, Any

import msgspec
from cyclopts import Parameter

from carrythrough.cli.table import table
from carrythrough.cli.terminal import note, say


def serve(
    *,
    config: Annotated[
        Path | None, Parameter(help="Settings file (TOML); every setting may stand in it.")
    ] = None,
    data_dir: Annotated[
        str | None, Parameter(help="Folder of the log, the state and the keys (default ./data).")
    ] = None,
    host: Annotated[
        str | None, Parameter(help="Address to listen on (default 127.0.0.1: this machine only).")
    ] = None,
    port: Annotated[
        int | None, Parameter(help="Port of the API and the pages (default 8080; 0 takes a free one).")
    ] = None,
    metrics_port: Annotated[
        int | None, Parameter(help="Port of /metrics (default 9464; 0 takes a free one).")
    ] = None,
    program: Annotated[
        str | None, Parameter(help="Program map; needed at the first start, and after a change.")
    ] = None,
    roster: Annotated[str | None, Parameter(help="Roster; without one, people are unknown actors.")] = None,
    tenant: Annotated[str | None, Parameter(help="Name of the organisation.")] = None,
    log_level: Annotated[str | None, Parameter(help="debug, info, warning or error.")] = None,
    json: Annotated[
        bool, Parameter(help="When ready, print one line of JSON with addresses and new credentials.")
    ] = False,
) -> int:
    """Run the server: intake of statements and events, scores, live pages, actions.

    Settings come from the file, then from CARRYTHROUGH_* variables, then from these flags. The first start makes
    credentials and prints their secrets, once. Log lines are JSON on stderr.

    For example:

    ```sh
    carrythrough serve --program program-map.yaml --roster roster.yaml
    carrythrough serve --config carrythrough.toml
    carrythrough serve --data-dir /var/lib/carrythrough --host 0.0.0.0 --port 8080
    ```
    """
    from carrythrough.embedded.serve import serve as run
    from carrythrough.settings import load_settings

    settings = load_settings(
        config,
        data_dir=data_dir,
        host=host,
        port=port,
        metrics_port=metrics_port,
        program=program,
        roster=roster,
        tenant=tenant,
        log_level=log_level,
    )

    def ready(info: dict[str, Any]) -> None:
        if json:
            sys.stdout.write(msgspec.json.encode(info).decode() + "\n")
            sys.stdout.flush()
        else:
            _welcome(info, settings.data_dir)
        if not _only_here(settings.host):
            note(
                f"Careful: {settings.host} can be reached from other machines, and this is plain HTTP. "
                "Put a reverse proxy with TLS in front before real data passes.",
                "yellow",
            )

    # The server hands SIGTERM on when it is done; without this it would end the process before the files are closed.
    signal.signal(signal.SIGTERM, _stop)
    with contextlib.suppress(KeyboardInterrupt):
        run(settings, on_ready=ready)
    note("Stopped.")
    return 0


def _stop(*_: object) -> None:
    raise KeyboardInterrupt


def _only_here(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def _welcome(info: dict[str, Any], data_dir: str) -> None:
    say(f"Carrythrough listens on {info['url']}", "bold")
    say(f"  Sign in   {info['signin_url']}  (works once)")
    say(f"  LRS       {info['url']}/xapi/  (statements, with Basic credentials)")
    say(f"  Metrics   {info['metrics_url']}")
    say(f"  Data      {data_dir}")
    if info["credentials"]:
        say()
        say(
            "Credentials of this first start. The secrets are shown this once and are stored only as hashes:",
            "bold",
        )
        say()
        table(
            [("name", "left"), ("key", "ids"), ("secret", "ids"), ("may", "left")],
            ([c["name"], c["key"], c["secret"], ", ".join(c["scopes"])] for c in info["credentials"]),
        )
        say()
        say(f"More of them: carrythrough credentials add NAME --scope SCOPE --data-dir {data_dir}", "dim")
    else:
        say(f"  Keys      as before (carrythrough credentials list --data-dir {data_dir})")
    say()
    say("Ctrl-C stops it.")
    sys.stdout.flush()
