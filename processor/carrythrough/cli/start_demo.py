"""`carrythrough demo` on the command line; what it does is in `demo`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

from cyclopts import Parameter


def demo(
    *,
    employees: Annotated[int, Parameter(help="Simulated people.")] = 40,
    speed: Annotated[
        float, Parameter(help="Simulated seconds in one real second; 3600 is an hour a second.")
    ] = 3600.0,
    seed: Annotated[int, Parameter(help="The same seed gives the same people and lives.")] = 1,
    for_seconds: Annotated[
        float | None,
        Parameter(name="--for", help="Stop after so many seconds of live time (default: Ctrl-C stops)."),
    ] = None,
    headless: Annotated[bool, Parameter(help="For scripts: say little, end with one line of JSON.")] = False,
    host: Annotated[str, Parameter(help="Address to listen on.")] = "127.0.0.1",
    port: Annotated[int | None, Parameter(help="Port to listen on (default: 8080, or a free one).")] = None,
    data_dir: Annotated[
        Path | None, Parameter(help="Keep the data in this new folder (default: a temporary one).")
    ] = None,
    json: Annotated[bool, Parameter(help="End with one line of JSON on stdout; words go to stderr.")] = False,
) -> int:
    """Show everything alive: a sample organisation whose people learn, forget, practise and work.

    It prints a sign-in link for the live page, credentials, and a line to paste. Nothing is installed or kept:
    Ctrl-C stops it and removes its data, unless --data-dir names a folder.

    For example:

    ```sh
    carrythrough demo
    carrythrough demo --employees 200 --speed 7200
    carrythrough demo --headless --for 60 --port 0
    ```
    """
    from carrythrough.cli.demo import run_demo

    return run_demo(
        employees=employees,
        speed=speed,
        seed=seed,
        for_seconds=for_seconds,
        headless=headless,
        host=host,
        port=port,
        data_dir=data_dir,
        json=json,
    )
