"""`make bench-query`: GET of statements from a million stored ones, the worst combinations of filters included.

What is measured, how, and what the figures do not say: docs/benchmarks.md.
"""

from __future__ import annotations

import argparse
import base64
import json
import os
import random
import time
import urllib.request
from collections.abc import Callable
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlencode

import apsw
import msgspec
from measuring import library
from measuring.figures import Table, core_speed, delays, load_average, machine, percentile
from measuring.library import (
    AUDITOR,
    COACHES,
    COMPLETED,
    CONFIRMED,
    COURSE,
    HUB,
    MEMBERS,
    POLLED,
    RARE,
    RARE_COUNT,
    ROBOT,
    VOIDED,
    YEAR_MS,
)
from measuring.load import Load
from measuring.mix import Mix, read_real
from measuring.servers import HERE, Server, remove, stop_servers_when_told

from carrythrough.gateway.auth import Credentials, new_credential

STATEMENTS_FILE = HERE.parent.parent / "shared" / "data" / "mooc_video_statements.jsonl.gz"
DATA_DIR = HERE.parent / ".cache" / "bench"
PROGRAM = HERE / "program-map.yaml"
COUNT, COUNT_QUICK = 1_000_000, 100_000
EACH, EACH_QUICK = 300, 50
"""Requests of each kind."""
LIMIT = 50
CONNECTIONS = 4
WARM_UP = 20
INDEX_S = 60.0
BUILT = "built.json"
Query = dict[str, str]


class Kind(msgspec.Struct, frozen=True):
    """One kind of query. least, most: statements that an answer holds."""

    name: str
    make: Callable[[], Query]
    least: int = 0
    most: int = LIMIT
    reader: str = "reader"


class Asking:
    """The kinds of queries over the statements of `library`, with filters drawn from what is stored."""

    def __init__(self, folder: Path, seed: int = 1) -> None:
        self._chance = random.Random(seed)
        log = apsw.Connection(str(folder / "log.sqlite"), flags=apsw.SQLITE_OPEN_READONLY)
        end = log.execute("SELECT max(position) FROM log").get
        self._samples: list[Any] = []
        self.ids: list[str] = []
        while len(self._samples) < 2_000:
            row = log.execute(
                "SELECT raw FROM log WHERE position=? AND kind=1", (self._chance.randint(1, end),)
            ).fetchone()
            statement = json.loads(row[0]) if row is not None else {}
            if "account" in statement.get("actor", {}) and "id" in statement["object"]:
                self._samples.append(statement)
        log.close()
        self._since_ms = time.time_ns() // 1_000_000 - YEAR_MS

    def kinds(self) -> list[Kind]:
        """Return them all."""
        verb = {"verb": COMPLETED}
        robot, rare, auditor = _agent(ROBOT), _agent(RARE), _agent(AUDITOR)
        coach, member = self._one_of(COACHES), self._one_of(MEMBERS)
        return [
            Kind("agent, verb, since", lambda: {**self._done(), **self._since()}),
            Kind(
                "agent, verb, since, ascending",
                lambda: {**self._done(), **self._since(), "ascending": "true"},
            ),
            Kind("agent", self._agent, 1),
            Kind("verb", self._verb, 1),
            Kind("activity", self._activity, 1),
            Kind("verb, activity", lambda: {**self._activity(), **self._verb()}),
            Kind("no filter", dict, LIMIT),
            Kind(
                "since alone, until alone",
                lambda: self._since() if self._chance.random() < 0.5 else self._until(),
            ),
            Kind("of one credential, verb", self._verb, 1, reader="mobile"),
            Kind(
                "a tenth of all by one agent, with a verb it never used",
                lambda: {**robot, **self._verb()},
                0,
                0,
            ),
            Kind("the same, ascending", lambda: {**robot, **verb, "ascending": "true"}, 0, 0),
            Kind(
                "a tenth of all by one agent, its own verb, since",
                lambda: {**robot, "verb": POLLED, **self._since()},
            ),
            Kind(
                "a frequent verb, an agent of five statements",
                lambda: {**rare, **verb},
                RARE_COUNT,
                RARE_COUNT,
            ),
            Kind(
                "a frequent verb, a frequent activity, never together",
                lambda: {"activity": HUB, "verb": CONFIRMED},
            ),
            Kind("an agent of one, an activity of another", lambda: {**rare, "activity": HUB}, 0, 0),
            Kind("member of a group, verb", lambda: {**_agent(member()), **verb}, 1),
            Kind(
                "related agent, verb, since",
                lambda: {**_agent(coach()), "related_agents": "true", **verb, **self._since()},
            ),
            Kind(
                "related agent never with the verb",
                lambda: {**_agent(coach()), "related_agents": "true", "verb": POLLED},
                0,
                0,
            ),
            Kind(
                "related activity of an eighth of all",
                lambda: {"activity": COURSE, "related_activities": "true"},
                LIMIT,
            ),
            Kind(
                "the same, with another agent",
                lambda: {**self._agent(), "activity": COURSE, "related_activities": "true"},
            ),
            Kind("refers, with the verb of its target", lambda: {**auditor, **verb}),
            Kind("found through references only", lambda: {"verb": VOIDED, "ascending": "true"}, LIMIT),
            Kind("format=ids", lambda: {**self._verb(), "format": "ids"}, 1),
            Kind("format=canonical", lambda: {**self._verb(), "format": "canonical"}, 1),
            Kind(
                "one that nobody knows",
                lambda: {**_agent({"mbox": "mailto:nobody@bench.example"}), **verb},
                0,
                0,
            ),
        ]

    def _one_of(self, some: list[Any]) -> Callable[[], Any]:
        return lambda: self._chance.choice(some)

    def _agent(self) -> Query:
        return _agent(self._chance.choice(self._samples)["actor"])

    def _done(self) -> Query:
        """Return an agent with a verb that it used."""
        one = self._chance.choice(self._samples)
        return {**_agent(one["actor"]), "verb": one["verb"]["id"]}

    def _verb(self) -> Query:
        verbs = {s["verb"]["id"] for s in self._samples} - {POLLED, VOIDED, CONFIRMED}
        return {"verb": self._chance.choice(sorted(verbs))}

    def _activity(self) -> Query:
        activities = [
            s["object"]["id"] for s in self._samples if s["object"].get("objectType") != "StatementRef"
        ]
        return {"activity": self._chance.choice(activities)}

    def _since(self) -> Query:
        return {"since": _time(self._since_ms + self._chance.randrange(YEAR_MS * 9 // 10))}

    def _until(self) -> Query:
        return {"until": _time(self._since_ms + self._chance.randrange(YEAR_MS))}


class Bench:
    """The requests, one kind after the other, then all of them together."""

    def __init__(self, server: Server, logins: dict[str, str], table: Table, each: int) -> None:
        self._server = server
        self._logins = logins
        self._table = table
        self._each = each

    def run(self, kinds: list[Kind]) -> dict[str, float]:
        """Time every kind over one connection, then all in no order over several."""
        self._table.title(f"One after the other, {self._each} of each kind, limit {LIMIT}: p50 / p99 / max")
        everything: list[bytes] = []
        worst, worst_name = 0.0, ""
        for kind in kinds:
            requests = [self._request(kind.make(), kind.reader) for _ in range(self._each)]
            found = self._look(requests[0], kind)
            everything += requests
            times = self._time(requests, 1)
            self._table.add(f"{kind.name} ({found})", delays(times))
            if percentile(times, 0.99) > worst:
                worst, worst_name = percentile(times, 0.99), kind.name
        pages = self._pages({"activity": COURSE, "related_activities": "true", "ascending": "true"})
        self._table.add(f"{len(pages)} pages in a row by more", delays(self._time(pages, 1)))
        random.Random(2).shuffle(everything)
        together = self._time(everything, CONNECTIONS)
        self._table.title("Together")
        self._table.add(f"all kinds in no order, {CONNECTIONS} connections", delays(together))
        alone = self._time(everything, 1)
        self._table.add("all kinds in no order, one connection", delays(alone))
        self._table.add("worst kind by p99", f"{worst_name}: {worst:.1f} ms")
        return {"query_p99_ms": round(worst, 1), "query_mix_p99_ms": round(percentile(alone, 0.99), 1)}

    def _time(self, requests: list[bytes], connections: int) -> list[float]:
        load = Load(self._server.host, self._server.port, connections)
        load.run(requests[:WARM_UP])
        run = load.run(requests)
        load.close()
        return run.delays_ms()

    def _request(self, query: Query, reader: str = "reader", path: str = "") -> bytes:
        target = path or "/xapi/statements?" + urlencode({"limit": str(LIMIT), **query}, quote_via=quote)
        return (
            f"GET {target} HTTP/1.1\r\nHost: bench\r\nAuthorization: {self._logins[reader]}\r\n"
            "X-Experience-API-Version: 1.0.3\r\n\r\n"
        ).encode()

    def _look(self, request: bytes, kind: Kind) -> int:
        """Return how many statements one answer holds; stops the benchmark when that cannot be."""
        found = len(self._ask(request)["statements"])
        assert kind.least <= found <= kind.most, f"{kind.name}: {found} statements"
        return found

    def _pages(self, query: Query, most: int = 60) -> list[bytes]:
        """Return the requests of the first pages of a query, links followed."""
        requests = [self._request(query)]
        while len(requests) < most and (more := self._ask(requests[-1])["more"]):
            requests.append(self._request({}, path=more))
        return requests

    def _ask(self, request: bytes) -> dict[str, Any]:
        head = request.decode().split("\r\n")
        asked = urllib.request.Request(self._server.info["url"] + head[0].split(" ")[1])  # noqa: S310 - our own
        for line in head[2:4]:
            name, _, value = line.partition(": ")
            asked.add_header(name, value)
        with urllib.request.urlopen(asked, timeout=30) as answer:  # noqa: S310 - our own server
            found: dict[str, Any] = json.load(answer)
        return found


def _agent(agent: dict[str, Any]) -> Query:
    return {"agent": json.dumps(agent, separators=(",", ":"))}


def _time(ms: int) -> str:
    return time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(ms / 1000)) + f".{ms % 1000:03d}Z"


def _credentials(folder: Path) -> dict[str, str]:
    """Write the file of credentials and return their Authorization headers by name."""
    made = [new_credential("reader", ("all",)), new_credential("mobile", ("statements/read/mine",))]
    text = Credentials(credential for credential, _ in made).to_file()
    (folder / "credentials.json").write_text(text, encoding="utf-8")
    return {
        credential.name: "Basic " + base64.b64encode(f"{credential.key}:{secret}".encode()).decode()
        for credential, secret in made
    }


def _library(table: Table, folder: Path, statements: Path, count: int) -> None:
    """Build the data folder unless an earlier run did, and say what it cost."""
    note = folder / BUILT
    if not note.exists():
        remove(folder)
        folder.mkdir(parents=True)
        seconds = library.write_log(folder, iter(Mix(read_real(statements), 4, 6)), count)
        note.write_text(json.dumps({"log_s": seconds}), encoding="utf-8")
    for name in ("index.sqlite", "index.sqlite-wal", "index.sqlite-shm"):
        (folder / name).unlink(missing_ok=True)
    table.add("log written once, for all runs", f"{json.loads(note.read_text('utf-8'))['log_s']:.0f} s")
    seconds = library.index(folder)
    size = (folder / "index.sqlite").stat().st_size
    table.add("index built from the log", f"{seconds:.1f} s, {count / seconds:,.0f} statements/s")
    table.add("index.sqlite", f"{size / 1e6:.1f} MB, {size / count:.1f} bytes a statement")
    table.add("log.sqlite", f"{(folder / 'log.sqlite').stat().st_size / 1e6:,.0f} MB")


def main() -> None:
    """Read the options, run, and print the figures as one JSON object on the last line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="a small run for development; not for figures")
    default = os.environ.get("BENCH_STATEMENTS", str(STATEMENTS_FILE))
    parser.add_argument("--statements", type=Path, default=Path(default), help="a .jsonl.gz of statements")
    parser.add_argument("--data-dir", type=Path, default=DATA_DIR, help="folder on the disk to measure")
    options = parser.parse_args()
    stop_servers_when_told()
    if not options.statements.exists():
        print(f"bench-query: no file {options.statements}; name one with --statements or BENCH_STATEMENTS")
        return
    count = COUNT_QUICK if options.quick else COUNT
    folder = options.data_dir / f"query-{count}"
    table = Table()
    table.title(f"bench-query: {count:,} stored statements, {machine()}")
    table.add("load average before", load_average())
    table.add("speed of a core before", core_speed())
    _library(table, folder, options.statements, count)
    logins = _credentials(folder)
    with Server("real_server", options.data_dir, str(PROGRAM), folder=folder) as server:
        server.wait_indexed(INDEX_S)
        asking = Asking(folder)
        figures = Bench(server, logins, table, EACH_QUICK if options.quick else EACH).run(asking.kinds())
        table.add("server's resident memory now / at most", "{:.0f} / {:.0f} MB".format(*server.memory_mb()))
    table.add("load average after", load_average())
    table.add("speed of a core after", core_speed())
    table.print()
    print(json.dumps(figures))


if __name__ == "__main__":
    main()
