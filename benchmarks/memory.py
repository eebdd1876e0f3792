"""`make bench-memory`: what 100,000 employees with five active skills each cost in memory and on disk.

What is measured, how, and what the figures do not say: docs/benchmarks.md.
"""

from __future__ import annotations

import argparse
import json
import time
from collections.abc import Iterator
from pathlib import Path

import apsw
from measuring import population
from measuring.figures import Table, core_speed, load_average, machine
from measuring.load import Load
from measuring.mix import Made
from measuring.requests import Requests
from measuring.servers import HERE, Server, fresh_folder, remove, stop_servers_when_told

DATA_DIR = HERE.parent / ".cache" / "bench"
PROGRAM = HERE / "program-map.yaml"
EMPLOYEES = 100_000
EMPLOYEES_QUICK = 5_000
SITE = 20_000
"""Employees of one site, who go through all rounds before those of the next site begin."""
SKILLS = 5
ROUNDS = ("exam", "shift", "review", "shift", "review")
BATCH = 100
CONNECTIONS = 4
FOLD_S = 600.0
_BY_TABLE = "SELECT name, sum(pgsize) AS size FROM dbstat GROUP BY name ORDER BY size DESC"
SETTLE_S = 5.0
"""After the last score: the index of statements, which lags on purpose, is written meanwhile."""


def main() -> None:
    """Read the options, run, and print the figures as one JSON object on the last line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="a small run for development; not for figures")
    parser.add_argument("--data-dir", type=Path, default=DATA_DIR, help="folder on the disk to measure")
    options = parser.parse_args()
    stop_servers_when_told()
    people = EMPLOYEES_QUICK if options.quick else EMPLOYEES
    table = Table()
    table.title(f"bench-memory: {machine()}")
    table.add("load average before", load_average())
    table.add("speed of a core before", core_speed())
    inputs = fresh_folder(options.data_dir)
    try:
        roster = inputs / "roster.json"
        roster.write_text(population.roster(people), encoding="utf-8")
        figures = _measure(table, people, options.data_dir, roster)
    finally:
        remove(inputs)
    table.print()
    print(json.dumps(figures))


def _measure(table: Table, people: int, data_dir: Path, roster: Path) -> dict[str, float]:
    with Server("real_server", data_dir, str(PROGRAM), str(roster)) as server:
        table.add("resident with the roster, before any record", f"{server.memory_mb()[0]:.0f} MB")
        began = time.perf_counter()
        for first in range(0, people, SITE):
            site = range(first, min(first + SITE, people))
            for number, kind in enumerate(ROUNDS):
                _send_round(server, site, number, kind)
        sent_s = time.perf_counter() - began
        server.wait_folded(FOLD_S, every_s=0.25)
        folded_s = time.perf_counter() - began
        summary = server.summary()
        pairs, shown = summary["pairs"], _shown(server)
        assert pairs == people * SKILLS, f"{pairs} pairs, {people * SKILLS} expected"
        assert summary["evidence"] == pairs * len(ROUNDS), f"{summary['evidence']} pieces of evidence"
        time.sleep(SETTLE_S)
        now, most = server.memory_mb()
        cpu = server.cpu_s()
        table.title("Sent over HTTP to the real server process")
        table.add("employees, pairs", f"{summary['employees']:,}, {pairs:,}")
        table.add("statements and events", f"{summary['statements']:,} and {summary['events']:,}")
        table.add("pieces of evidence", f"{summary['evidence']:,} ({len(ROUNDS)} outcomes a pair)")
        table.add("pairs with a score shown, of the first 500", f"{shown:.0%}")
        table.add("time to the last answer / score", f"{sent_s:.0f} / {folded_s:.0f} s")
        table.add("evidence folded", f"{summary['evidence'] / folded_s:,.0f} a second")
        table.add("server CPU", f"{cpu:.0f} s")
        table.add("load average", load_average())
        table.title("Memory")
        table.add("resident now / at most", f"{now:.0f} / {most:.0f} MB")
        server.terminate()
        _disk(table, server.folder, pairs)
        state_bytes = _size(server.folder, "state.sqlite")
    return {"rss_mb": round(most), "state_bytes_per_pair": round(state_bytes / pairs)}


def _send_round(server: Server, people: range, number: int, kind: str) -> None:
    made: Iterator[Made]
    if kind == "review":
        made = population.events(people, number, len(ROUNDS))
        credential, path = server.credential("business"), "/v1/performance-events"
    else:
        made = population.statements(people, kind, number, len(ROUNDS))
        credential, path = server.credential("lms"), "/xapi/statements"
    requests = Requests(made, len(people), BATCH, credential, path)
    load = Load(server.host, server.port, CONNECTIONS)
    load.run(requests.bytes)
    load.close()


def _shown(server: Server) -> float:
    scores = server.ask("/v1/scores?limit=500")["scores"]
    return sum(entry["score"] is not None for entry in scores) / len(scores)


def _size(folder: Path, name: str) -> int:
    return sum(path.stat().st_size for path in folder.glob(f"{name}*") if not path.name.endswith("-shm"))


def _disk(table: Table, folder: Path, pairs: int) -> None:
    """Add the bytes of each file, and of each table of the state file, after the server has ended."""
    table.title("On disk after the server has ended (write-ahead logs copied back)")
    for name in ("state.sqlite", "index.sqlite", "log.sqlite"):
        size = _size(folder, name)
        table.add(name, f"{size / 1e6:.0f} MB, {size / pairs:.0f} bytes a pair")
    connection = apsw.Connection(str(folder / "state.sqlite"), flags=apsw.SQLITE_OPEN_READONLY)
    for name, size in tuple(connection.execute(_BY_TABLE)):
        if int(size) / pairs >= 1:
            table.add(
                f"  state.sqlite: {name}", f"{int(size) / 1e6:.0f} MB, {int(size) / pairs:.0f} bytes a pair"
            )
    connection.close()


if __name__ == "__main__":
    main()
