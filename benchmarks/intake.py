"""`make bench-intake`: durable intake to score of one server process, beside the null pipeline in the same run.

What is measured, how, and what the figures do not say: docs/benchmarks.md.
"""

from __future__ import annotations

import argparse
import json
import os
import time
from collections.abc import Iterator
from itertools import islice
from pathlib import Path
from typing import Any

import msgspec
from measuring.figures import Table, load_average, machine, p50_p99, percentile
from measuring.load import Load, Run
from measuring.mix import Made, Mix, read_real
from measuring.requests import Requests
from measuring.servers import HERE, Server
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


class Scale(msgspec.Struct, frozen=True):
    """How much one run sends. real: real statements at least; null: statements of each null run."""

    cohorts: int
    weeks: int
    real: int
    null: int
    single: int
    paced_s: float


FULL = Scale(cohorts=6, weeks=4, real=528_000, null=250_000, single=60_000, paced_s=15.0)
QUICK = Scale(cohorts=1, weeks=3, real=66_000, null=60_000, single=10_000, paced_s=6.0)


class Paced(msgspec.Struct):
    """A run at half of the measured maximal rate."""

    rate_per_s: float
    run: Run
    visible_ms: list[float]
    missing: int

    def acks_ms(self) -> list[float]:
        """Return the acknowledgement delays after the warm-up."""
        return self.run.delays_ms(WARM_UP_S)


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
        table = self._table
        table.title(f"bench-intake: {machine()}")
        table.add("load average before", load_average())
        with Server("real_server", self._data_dir, str(PROGRAM)) as server:
            requests, began = self._batches(server), time.perf_counter()
            null = [self._null(requests)]
            batch = self._maximum(server, requests, BATCH_CONNECTIONS, f"posts of {BATCH}")
            self._mixture(server.summary())
            table.add("resident memory now / at most", "{:.0f} / {:.0f} MB".format(*server.memory_mb()))
            null.append(self._null(requests))
            ratio = batch / (sum(null) / len(null))
            table.add("intake to score / null pipeline", f"{ratio:.2f}")
            del requests
            count = self._scale.single
            requests = Requests(self._made, count, 1, server.credential("lms")).bytes
            single = self._maximum(server, requests, SINGLE_CONNECTIONS, "single statements")
            paced = [
                self._paced(server, batch, BATCH, BATCH_CONNECTIONS),
                self._paced(server, single, 1, SINGLE_CONNECTIONS),
            ]
            table.title("At the end")
            table.add("resident memory now / at most", "{:.0f} / {:.0f} MB".format(*server.memory_mb()))
            sizes = {name: size for name, size in server.disk_bytes().items() if "sqlite" in name}
            table.add("on disk", ", ".join(f"{name} {size / 1e6:.0f} MB" for name, size in sizes.items()))
        table.add("whole benchmark", f"{time.perf_counter() - began:.0f} s")
        table.add("load average after", load_average())
        table.print()
        return {
            f"batch{BATCH}_statements_per_s": round(batch),
            f"batch{BATCH}_ratio_null": round(ratio, 3),
            "single_statements_per_s": round(single),
            "ack_p99_ms": round(max(percentile(p.acks_ms(), 0.99) for p in paced), 1),
            "score_visible_p99_ms": round(max(percentile(p.visible_ms, 0.99) for p in paced), 1),
        }

    def _batches(self, server: Server) -> list[bytes]:
        began = time.perf_counter()
        share = self._scale.real
        made = _until(self._made, lambda: self._mix.real_made >= share)
        requests = Requests(made, 1 << 62, BATCH, server.credential("lms"))
        scored = len(requests.scored) / requests.statements
        self._sent = requests.statements
        self._table.add(
            "statements built before the clock",
            f"{requests.statements:,} ({self._mix.real_made:,} real, {scored:.1%} scored), "
            f"{sum(map(len, requests.bytes)) / 1e6:.0f} MB, {time.perf_counter() - began:.0f} s",
        )
        return requests.bytes

    def _maximum(self, server: Server, requests: list[bytes], connections: int, what: str) -> float:
        """Send everything as fast as it is taken and return statements/s from the first byte to the last score."""
        before = server.summary()
        cpu = server.cpu_s()
        load = Load(server.host, server.port, connections)
        run = load.run(requests)
        server.wait_folded(120.0)
        seconds = time.perf_counter() - run.started
        load.close()
        after = server.summary()
        count = after["statements"] - before["statements"]
        cpu = server.cpu_s() - cpu
        rate, table = count / seconds, self._table
        table.title(f"{what[0].upper()}{what[1:]}, {connections} connections, {count:,} statements")
        table.add("durable intake to score", f"{rate:,.0f} statements/s")
        table.add("acknowledged", f"{count / (run.ended - run.started):,.0f} statements/s")
        table.add("folded after the last answer", f"{seconds - (run.ended - run.started):.2f} s")
        table.add("acknowledgement p50 / p99", p50_p99(run.delays_ms()))
        table.add("server CPU for 100,000", f"{cpu / count * 100_000:.2f} s")
        table.add("server / generator use of a core", f"{cpu / seconds:.0%} / {run.cpu_s / seconds:.0%}")
        table.add("load average", load_average())
        assert after["quarantined"] == 0, "records were set aside: this measured something else"
        return rate

    def _mixture(self, summary: dict[str, Any]) -> None:
        count, pairs, people = summary["statements"], summary["pairs"], summary["employees"]
        table = self._table
        table.title("What the server made of the posts of 50 (its own numbers)")
        assert count == self._sent, f"{self._sent} were sent and {count} are folded"
        table.add("statements with evidence or exposure", f"{1 - summary['unmatched'] / count:.1%}")
        table.add("pieces of evidence", f"{summary['evidence']:,}")
        table.add("people, skills a person", f"{people:,}, {pairs / people:.2f}")
        table.add("actions asked for", f"{sum(summary['actions'].values()):,}")

    def _null(self, requests: list[bytes]) -> float:
        part = requests[: self._scale.null // BATCH]
        with Server("null_server", self._data_dir) as server:
            load = Load(server.host, server.port, BATCH_CONNECTIONS)
            cpu = server.cpu_s()
            run = load.run(part)
            cpu = server.cpu_s() - cpu
            load.close()
        seconds, count = run.ended - run.started, len(part) * BATCH
        table = self._table
        table.title(f"Null pipeline, posts of {BATCH}, {BATCH_CONNECTIONS} connections, {count:,} statements")
        table.add("durable", f"{count / seconds:,.0f} statements/s")
        table.add("server CPU for 100,000", f"{cpu / count * 100_000:.2f} s")
        table.add("server / generator use of a core", f"{cpu / seconds:.0%} / {run.cpu_s / seconds:.0%}")
        return count / seconds

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
        paced = Paced(rate, run, visible, missing)
        table = self._table
        table.title(
            f"Half of that rate, posts of {batch}, {connections} connections: {rate:,.0f} statements/s"
        )
        table.add("acknowledgement p50 / p99", p50_p99(paced.acks_ms()))
        table.add("score on the stream after it, p50 / p99", p50_p99(visible))
        table.add("scored statements seen on the stream", f"{len(seen):,}, {missing} missing")
        table.add("sent later than due, p50 / p99", p50_p99(run.lateness_ms()))
        seconds = run.ended - run.started
        table.add("server / generator use of a core", f"{cpu / seconds:.0%} / {run.cpu_s / seconds:.0%}")
        table.add("load average", load_average())
        return paced


def _until(made: Iterator[Made], enough: Any) -> Iterator[Made]:
    while not enough():
        yield from islice(made, 1)


def main() -> None:
    """Read the options, run, and print the figures as one JSON object on the last line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="a small run for development; not for figures")
    default = os.environ.get("BENCH_STATEMENTS", str(STATEMENTS_FILE))
    parser.add_argument("--statements", type=Path, default=Path(default), help="a .jsonl.gz of statements")
    parser.add_argument("--data-dir", type=Path, default=DATA_DIR, help="folder on the disk to measure")
    options = parser.parse_args()
    if not options.statements.exists():
        print(f"bench-intake: no file {options.statements}; name one with --statements or BENCH_STATEMENTS")
        return
    figures = Intake(QUICK if options.quick else FULL, options.statements, options.data_dir).run()
    print(json.dumps(figures))


if __name__ == "__main__":
    main()
