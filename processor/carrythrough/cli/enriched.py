"""`carrythrough enriched`: statements with their context for other programs, one JSON object a line."""

from __future__ import annotations

import os
import sys
import time
from pathlib import Path
from typing import Annotated

from cyclopts import Parameter

from carrythrough.cli.target import Target, open_reader
from carrythrough.cli.usage import wrong_usage

PAGE = 500
FOLLOW_EVERY_S = 1.0


def enriched(
    *,
    after: Annotated[int, Parameter(help="Go on after this position (`sequence` of the last event).")] = 0,
    position_file: Annotated[
        Path | None,
        Parameter(help="Keep the position here: read at the start, written after what was printed."),
    ] = None,
    follow: Annotated[bool, Parameter(help="Wait for more; end it with Ctrl-C.")] = False,
    limit: Annotated[int | None, Parameter(help="At most this many events.")] = None,
    target: Annotated[Target | None, Parameter(name="*")] = None,
) -> int:
    """Print enriched statements as CloudEvents, one a line, in the order in which they came in.

    Each statement with the employee's pseudonym, role, team, program and cohort, the skills and objectives
    that it is about, the opportunity state and the latest performance. No names, no addresses, no free text.

    With --position-file the next run goes on where this one stopped. What was printed and not yet noted when a
    run is killed is printed again, with the same ids.

    For example:

    ```sh
    carrythrough enriched --data-dir data --position-file warehouse.position >> enriched.jsonl
    carrythrough enriched --url http://127.0.0.1:8080 --key KEY --secret SECRET --follow
    ```
    """
    if position_file is not None and after:
        raise wrong_usage(
            "--after and --position-file both say where to begin", "leave one out", where="--after"
        )
    if position_file is not None:
        after = _read(position_file)
    left = limit
    out = sys.stdout
    while left is None or left > 0:
        with open_reader(target) as reader:
            more = True
            while more and (left is None or left > 0):
                page = reader.enriched(after, PAGE if left is None else min(PAGE, left))
                out.writelines(event.decode() + "\n" for event in page["events"])
                out.flush()
                after, more = page["next"], page["more"]
                left = left if left is None else left - len(page["events"])
                if position_file is not None:
                    _write(position_file, after)
        if not follow:
            break
        time.sleep(FOLLOW_EVERY_S)
    return 0


def _read(path: Path) -> int:
    try:
        text = path.read_text(encoding="ascii").strip()
    except FileNotFoundError:
        return 0
    except (OSError, UnicodeDecodeError) as error:
        raise wrong_usage(
            f"{path} cannot be read: {error}", "name another file", where="--position-file"
        ) from error
    if not text.isdigit():
        raise wrong_usage(
            f"{path} holds {text[:40]!r} and no position",
            "name the file of an earlier run",
            where="--position-file",
        )
    return int(text)


def _write(path: Path, position: int) -> None:
    """Replace the file as a whole, so that a kill leaves the old position or the new one."""
    beside = path.with_name(path.name + ".new")
    with beside.open("w", encoding="ascii") as file:
        file.write(f"{position}\n")
        file.flush()
        os.fsync(file.fileno())
    beside.replace(path)
