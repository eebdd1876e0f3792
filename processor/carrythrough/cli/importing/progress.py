"""Progress on stderr: a bar with rate and time left on a terminal, a line now and then elsewhere."""

from __future__ import annotations

import time
from types import TracebackType
from typing import Any, Self

from carrythrough.cli.moments import span
from carrythrough.cli.terminal import count, err

PLAIN_EVERY_S = 5.0
DRAW_EVERY_S = 0.1


class Progress:
    """Progress over the bytes of all files; use it as a context manager.

    bytes_total: 0 when unknown (standard input): rate only.
    """

    def __init__(self, bytes_total: int) -> None:
        self._total = bytes_total
        self._began_s = time.monotonic()
        self._shown_s = self._began_s
        self._bar: Any = None
        self._task: Any = None

    def __enter__(self) -> Self:
        if err().is_terminal:
            from rich.progress import BarColumn, TextColumn
            from rich.progress import Progress as Bar

            self._bar = Bar(
                TextColumn("{task.description}"),
                BarColumn(),
                TextColumn("{task.fields[words]}"),
                console=err(),
                transient=True,
                refresh_per_second=5,
            )
            self._task = self._bar.add_task("reading", total=self._total or None, words="")
            self._bar.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._bar is not None:
            self._bar.stop()

    def at(self, records: int, bytes_done: int) -> None:
        """Show how far it is; cheap to call often."""
        now_s = time.monotonic()
        if now_s - self._shown_s < (DRAW_EVERY_S if self._bar is not None else PLAIN_EVERY_S):
            return
        self._shown_s = now_s
        passed_s = now_s - self._began_s
        words = f"{count(records)} records, {count(records / passed_s)}/s"
        if self._total and bytes_done:
            left_s = passed_s * max(0.0, self._total / bytes_done - 1.0)
            words = f"{100 * bytes_done / self._total:.0f} % · {words} · {span(left_s)} left"
        self._show(words, completed=bytes_done)

    def waiting(self, left: int) -> None:
        """Show that what was stored is still being scored."""
        now_s = time.monotonic()
        if now_s - self._shown_s >= (DRAW_EVERY_S if self._bar is not None else PLAIN_EVERY_S):
            self._shown_s = now_s
            self._show(f"stored; {count(left)} records still to be scored", completed=self._total)

    def tell(self, words: str) -> None:
        """Show a line of its own."""
        err().print(words)

    def _show(self, words: str, *, completed: int) -> None:
        if self._bar is not None:
            self._bar.update(self._task, completed=completed, words=words)
        else:
            err().print(f"ingest: {words}")
