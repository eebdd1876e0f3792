"""`make bench-intake`: durable intake to score of one server process, beside the null pipeline in the same run.

What is measured, how, and what the figures do not say: docs/benchmarks.md.
"""

from __future__ import annotations

import argparse
import json
import os
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import msgspec
from measuring.figures import Table, core_speed, delays, load_average, machine, percentile
from measuring.load import Load, Run
from measuring.mix import Made, Mix, read_real
from measuring.requests import Requests
from measuring.servers import HERE, Server, stop_servers_when_told
from measuring.stream import seen_at, subscribe

STATEMENTS_FILE = HERE.parent.parent / "shared" / "data" / "mooc_video_statements.jsonl.gz"
DATA_DIR = HERE.parent / ".cache" / "bench"
PROGRAM = HERE / "program-map.yaml"
BATCH = 50
BATCH_CONNECTIONS = 8
SINGLE_CONNECTIONS = 64
WARM_UP_S = 2.0
"""The first seconds of a paced run, which are not counted."""
QUIET_S = 1.0
FOLD_S = 180.0
INDEX_S = 30.0
_LOG_POSITION = "SELECT max(position) FROM log"


class Scale(msgspec.Struct, frozen=True):
    """How much one run sends. real: real statements at least; null: statements of each null run."""

    cohorts: int
    weeks: int
    real: int
    null: int
    single: int
    paced_s: float


FULL = Scale(cohorts=4, weeks=6, real=528_000, null=300_000, single=60_000, paced_s=15.0)
QUICK = Scale(cohorts=1, weeks=3, real=66_000, null=60_000, single=10_000, paced_s=6.0)


class Cost(msgspec.Struct, frozen=True):
    """What a run at full speed came to: statements/s of the whole way, and server CPU for 100,000."""

    per_s: float
    cpu_s: float


class Paced(msgspec.Struct, frozen=True):
    """Delays in ms of a run at half of the measured maximal rate."""

    acks_ms: list[float]
    visible_ms: list[float]


class Intake:
    """One whole benchmark: the phases in order, each adding its lines to the table."""

    def __init__(self, scale: Scale, statements: Path, data_dir: Path) -> None:
        self._scale = scale
        self._data_dir = data_dir
        self._mix = Mix(read_real(statements), scale.cohorts, scale.weeks)
        self._made: Iterator[Made] = iter(self._mix)
        self._table = Table()

    def run(self) -> dict[str, float]:
        """Run every phase, print the table and return the figures of the last line."""
        began, table = time.perf_counter(), self._table
        table.title(f"bench-intake: {machine()}")
        table.add("load average before", load_average())
        table.add("speed of a core before", core_speed())
        with Server("real_server", self._data_dir, str(PROGRAM)) as server:
            requests = self._batches(server)
            null = [self._null(requests, BATCH, BATCH_CONNECTIONS)]
            batch = self._maximum(server, requests, BATCH, BATCH_CONNECTIONS)
            self._mixture(server)
            null.append(self._null(requests, BATCH, BATCH_CONNECTIONS))
            ratio = self._ratio(batch, null)
            del requests
            requests = Requests(self._made, self._scale.single, 1, server.credential("lms")).bytes
            single = self._maximum(server, requests, 1, SINGLE_CONNECTIONS)
            self._ratio(single, [self._null(requests, 1, SINGLE_CONNECTIONS)])
            paced = [
                self._paced(server, batch.per_s, BATCH, BATCH_CONNECTIONS),
                self._paced(server, single.per_s, 1, SINGLE_CONNECTIONS),
            ]
            table.title("At the end")
            self._memory(server)
            sizes = {name: size for name, size in server.disk_bytes().items() if size > 1e6}
            table.add("on disk", ", ".join(f"{name} {size / 1e6:.0f} MB" for name, size in sizes.items()))
        table.add("whole benchmark", f"{time.perf_counter() - began:.0f} s")
        table.add("load average after", load_average())
        table.add("speed of a core after", core_speed())
        table.print()
        return {
            f"batch{BATCH}_statements_per_s": round(batch.per_s),
            f"batch{BATCH}_ratio_null": round(ratio, 3),
            "single_statements_per_s": round(single.per_s),
            "ack_p99_ms": round(max(percentile(p.acks_ms, 0.99) for p in paced), 1),
            "score_visible_p99_ms": round(max(percentile(p.visible_ms, 0.99) for p in paced), 1),
        }

    def _batches(self, server: Server) -> list[bytes]:
        """Build the posts of 50: whole copies of the real statements with the scored ones among them."""
        began = time.perf_counter()
        made = _while(self._made, lambda: self._mix.real_made < self._scale.real)
        requests = Requests(made, 1 << 62, BATCH, server.credential("lms"))
        self._sent = requests.statements
        self._scored = len(requests.scored)
        self._table.add(
            "built before the clock",
            f"{self._sent:,} statements ({self._mix.real_made:,} real), "
            f"{sum(map(len, requests.bytes)) / 1e6:.0f} MB, in {time.perf_counter() - began:.0f} s",
        )
        return requests.bytes

    def _maximum(self, server: Server, requests: list[bytes], batch: int, connections: int) -> Cost:
        """Send everything as fast as it is taken, and time it from the first byte to the last score."""
        before = server.summary()
        cpu = server.cpu_s()
        load = Load(server.host, server.port, connections)
        run = load.run(requests)
        server.wait_folded(FOLD_S)
        seconds = time.perf_counter() - run.started
        cpu = server.cpu_s() - cpu
        load.close()
        after = server.summary()
        count, acked_s = after["statements"] - before["statements"], run.ended - run.started
        table = self._table
        table.title(f"{_posts(batch)}, {connections} connections, {count:,} statements")
        table.add("durable intake to score", f"{count / seconds:,.0f} statements/s")
        table.add("acknowledged", f"{count / acked_s:,.0f} statements/s")
        table.add("last score after the last answer", f"{seconds - acked_s:.2f} s")
        table.add("acknowledgement p50 / p99 / max", delays(run.delays_ms()))
        cost = self._cost(count, seconds, cpu, run)
        table.add("load average", load_average())
        table.add("statement index complete", f"{self._index_behind_s(server):.1f} s after the last score")
        assert after["quarantined"] == 0, "records were set aside: this measured something else"
        return cost

    def _index_behind_s(self, server: Server) -> float:
        began = time.perf_counter()
        server.wait_indexed(INDEX_S)
        return time.perf_counter() - began

    def _cost(self, count: int, seconds: float, cpu: float, run: Run) -> Cost:
        table = self._table
        table.add("server CPU for 100,000", f"{cpu / count * 100_000:.2f} s")
        table.add("server / generator use of a core", f"{cpu / seconds:.0%} / {run.cpu_s / seconds:.0%}")
        return Cost(count / seconds, cpu / count * 100_000)

    def _mixture(self, server: Server) -> None:
        """Print what the posts of 50 were, by the server's own count, and stop when it is too easy a mix."""
        summary = server.summary()
        count, pairs, people = summary["statements"], summary["pairs"], summary["employees"]
        assert count == self._sent, f"{self._sent} were sent and {count} are folded"
        mapped = 1 - summary["unmatched"] / count
        outcomes, evidence = server.number("state.sqlite", _OUTCOMES), summary["evidence"]
        effects = server.number("state.sqlite", _EFFECTS)
        shown = server.number("state.sqlite", _SHOWN)
        assert mapped >= 0.3, f"only {mapped:.1%} yield evidence or exposure"
        assert outcomes >= 0.1 * count, f"only {outcomes} scored outcomes"
        assert pairs >= 3 * people, f"only {pairs / people:.2f} skills a person"
        table = self._table
        table.title("What the server made of the posts of 50, by its own count")
        table.add("statements with evidence or exposure", f"{mapped:.1%} ({evidence:,} pieces)")
        table.add("statements with a scored outcome", f"{outcomes / count:.1%}")
        table.add("people, skills a person", f"{people:,}, {pairs / people:.2f}")
        table.add("score changes, with a score to show", f"{effects:,}, {shown / effects:.0%}")
        table.add("actions asked for", f"{sum(summary['actions'].values()):,}")
        self._memory(server)

    def _memory(self, server: Server) -> None:
        now, most = server.memory_mb()
        self._table.add("server's resident memory now / at most", f"{now:.0f} / {most:.0f} MB")

    def _null(self, requests: list[bytes], batch: int, connections: int) -> Cost:
        """Send the same bytes to the null pipeline and make sure that it stored them."""
        part = requests[: self._scale.null // batch]
        with Server("null_server", self._data_dir) as server:
            load = Load(server.host, server.port, connections)
            cpu = server.cpu_s()
            run = load.run(part)
            cpu = server.cpu_s() - cpu
            load.close()
            count = server.number("log.sqlite", _LOG_POSITION)
            assert count == len(part) * batch, f"the null pipeline stored {count} of {len(part) * batch}"
        self._table.title(f"Null pipeline, {_posts(batch)}, {connections} connections, {count:,} statements")
        seconds = run.ended - run.started
        self._table.add("durable", f"{count / seconds:,.0f} statements/s")
        return self._cost(count, seconds, cpu, run)

    def _ratio(self, ours: Cost, null: list[Cost]) -> float:
        """Return ours / null in statements/s; the ratio in CPU is printed too, as other work cannot bend it."""
        ratio = ours.per_s * len(null) / sum(n.per_s for n in null)
        cpu = sum(n.cpu_s for n in null) / len(null) / ours.cpu_s
        self._table.add("intake to score / null: rate, CPU", f"{ratio:.2f}, {cpu:.2f}")
        return ratio

    def _paced(self, server: Server, maximum: float, batch: int, connections: int) -> Paced:
        """Send at half of `maximum` statements/s, open loop, and listen on the stream."""
        rate = maximum / 2
        count = int(rate * (self._scale.paced_s + WARM_UP_S))
        requests = Requests(self._made, count, batch, server.credential("lms"))
        stream = subscribe(server.host, server.port, server.authorization("reader"))
        load = Load(server.host, server.port, connections, stream)
        cpu = server.cpu_s()
        run = load.run(requests.bytes, rate / batch)
        cpu = server.cpu_s() - cpu
        load.hear_until_quiet(QUIET_S)
        load.close()
        stream.close()
        seen = seen_at(run.stream)
        since = run.started + WARM_UP_S
        visible = [
            1000 * max(0.0, seen[source] - run.acked[number])
            for number, source in requests.scored
            if source in seen and run.due[number] >= since
        ]
        missing = sum(source not in seen for _, source in requests.scored)
        assert not missing, f"{missing} of {len(requests.scored)} scored statements never came on the stream"
        acks, table = run.delays_ms(WARM_UP_S), self._table
        table.title(f"Half of the rate, {_posts(batch)}, {connections} connections: {rate:,.0f} statements/s")
        table.add("acknowledgement p50 / p99 / max", delays(acks))
        table.add("then on the stream p50 / p99 / max", f"{delays(visible)}, {len(visible):,} scores")
        table.add("sent later than due p50 / p99 / max", delays(run.lateness_ms()))
        self._cost(requests.statements, run.ended - run.started, cpu, run)
        table.add("load average", load_average())
        return Paced(acks, visible)


_OUTCOMES = "SELECT count(*) FROM ledger WHERE w > 0 AND channel <= 3 AND voided = 0"
_EFFECTS = "SELECT count(*) FROM effect WHERE kind = 'score'"
_SHOWN = _EFFECTS + " AND CAST(body AS TEXT) NOT LIKE '%\"score\":null%'"


def _posts(batch: int) -> str:
    return "single statements" if batch == 1 else f"posts of {batch}"


def _while(made: Iterator[Made], more: Callable[[], Any]) -> Iterator[Made]:
    while more():
        yield next(made)


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
        print(f"bench-intake: no file {options.statements}; name one with --statements or BENCH_STATEMENTS")
        return
    figures = Intake(QUICK if options.quick else FULL, options.statements, options.data_dir).run()
    print(json.dumps(figures))


if __name__ == "__main__":
    main()
