"""A real Kafka broker on this machine: one node, KRaft, started from libraries and thrown away afterwards.

`tools/kafka_server/fetch.sh` brings the libraries from Maven Central. The broker keeps its port and its data over
`stop`, `kill` and `start`, so that a test can take it away and bring it back.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import signal
import socket
import subprocess
import time
from pathlib import Path
from typing import Final

START_S_MAX: Final = 60.0
STOP_S_MAX: Final = 20.0
HEAP: Final = "-Xmx384m"
_CLUSTER: Final = "q1Sh-9_ISia_zwGINzRvyQ"
"""Any 16 bytes in base64: a cluster id that StorageTool takes."""
_LOGGING: Final = """<Configuration status="WARN">
  <Appenders><Console name="out"><PatternLayout pattern="%d %p %m (%c)%n%throwable"/></Console></Appenders>
  <Loggers><Root level="WARN"><AppenderRef ref="out"/></Root></Loggers>
</Configuration>
"""


def libraries(pom: Path) -> Path | None:
    """Return the folder that `tools/kafka_server/fetch.sh` filled for this list (pom.xml), None without one."""
    cache = os.environ.get("CARRYTHROUGH_CACHE") or (
        Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "carrythrough"
    )
    folder = Path(cache) / f"kafka-{hashlib.sha256(pom.read_bytes()).hexdigest()[:12]}"
    return folder if folder.is_dir() else None


class KafkaServer:
    """One broker; `bootstrap` is where clients find it. Raises RuntimeError when it does not come up."""

    def __init__(self, folder: Path, libs: Path, settings: dict[str, str] | None = None) -> None:
        """folder: of its data and output, emptied by nobody. settings: more lines of server.properties."""
        self._folder = folder
        self._libs = libs
        self._java = shutil.which("java") or "java"
        self.port, self._controller_port = _free_port(), _free_port()
        self.bootstrap = f"127.0.0.1:{self.port}"
        self._process: subprocess.Popen[bytes] | None = None
        self._write(settings or {})

    def start(self) -> None:
        """Start it and wait until it answers; the data of the last time is there again."""
        formatted = self._folder / "data" / "meta.properties"
        if not formatted.exists():
            self._format()
        with (self._folder / "output.txt").open("ab") as output:
            self._process = subprocess.Popen(  # noqa: S603 - our own command line
                self._command("kafka.Kafka", str(self._properties)),
                stdout=output,
                stderr=subprocess.STDOUT,
                cwd=self._folder,
            )
        deadline = time.monotonic() + START_S_MAX
        while not self._answers():
            if self._process.poll() is not None or time.monotonic() > deadline:
                self.kill()
                raise RuntimeError(f"Kafka did not start:\n{self.output()[-4000:]}")
            time.sleep(0.1)

    def stop(self) -> None:
        """Stop it in order; kills what has not ended in STOP_S_MAX."""
        self._end(signal.SIGTERM)

    def kill(self) -> None:
        """Stop it as a power cut would."""
        self._end(signal.SIGKILL)

    def pause(self) -> None:
        """Freeze it: connections stay open and nothing answers."""
        self._signal(signal.SIGSTOP)

    def resume(self) -> None:
        """Let it go on after `pause`."""
        self._signal(signal.SIGCONT)

    def output(self) -> str:
        """Return what it printed so far."""
        path = self._folder / "output.txt"
        return path.read_text(errors="replace") if path.exists() else ""

    @property
    def _properties(self) -> Path:
        return self._folder / "server.properties"

    def _write(self, settings: dict[str, str]) -> None:
        self._folder.mkdir(parents=True, exist_ok=True)
        (self._folder / "log4j2.xml").write_text(_LOGGING)
        lines = {
            "process.roles": "broker,controller",
            "node.id": "1",
            "listeners": f"PLAINTEXT://127.0.0.1:{self.port},CONTROLLER://127.0.0.1:{self._controller_port}",
            "advertised.listeners": f"PLAINTEXT://127.0.0.1:{self.port}",
            "controller.listener.names": "CONTROLLER",
            "controller.quorum.voters": f"1@127.0.0.1:{self._controller_port}",
            "log.dirs": str(self._folder / "data"),
            "auto.create.topics.enable": "false",
            "offsets.topic.num.partitions": "4",
            "offsets.topic.replication.factor": "1",
            "transaction.state.log.num.partitions": "4",
            "transaction.state.log.replication.factor": "1",
            "transaction.state.log.min.isr": "1",
            "group.initial.rebalance.delay.ms": "0",
            # A killed broker that comes back is let in again after this: the default of 9 s would fill a test.
            "broker.session.timeout.ms": "2000",
            "broker.heartbeat.interval.ms": "500",
            **settings,
        }
        self._properties.write_text("".join(f"{key}={value}\n" for key, value in lines.items()))

    def _format(self) -> None:
        done = subprocess.run(  # noqa: S603 - our own command line
            self._command("kafka.tools.StorageTool", "format", "-t", _CLUSTER, "-c", str(self._properties)),
            capture_output=True,
            text=True,
            check=False,
            cwd=self._folder,
        )
        if done.returncode:
            raise RuntimeError(f"Kafka's storage could not be formatted:\n{done.stdout}{done.stderr}")

    def _command(self, name: str, *arguments: str) -> list[str]:
        logging = f"-Dlog4j2.configurationFile={self._folder / 'log4j2.xml'}"
        quick = "-XX:TieredStopAtLevel=1"  # a broker of tests lives for a minute: start fast, never get fast
        return [self._java, HEAP, quick, logging, "-cp", f"{self._libs}/*", name, *arguments]

    def _answers(self) -> bool:
        try:
            with socket.create_connection(("127.0.0.1", self.port), timeout=1.0):
                return True
        except OSError:
            return False

    def _signal(self, number: signal.Signals) -> None:
        if self._process is not None:
            self._process.send_signal(number)

    def _end(self, number: signal.Signals) -> None:
        process, self._process = self._process, None
        if process is None or process.poll() is not None:
            return
        process.send_signal(number)
        try:
            process.wait(STOP_S_MAX)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
