"""What the tests of the store share: shells that are closed at the end."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from carrythrough.testing.statement_shell import StatementShell


@pytest.fixture
def opened() -> Iterator[Callable[..., StatementShell]]:
    """Give `opened(folder, ...)`, which opens a shell; all are closed at the end."""
    shells: list[StatementShell] = []

    def make(folder: Path, **options: Any) -> StatementShell:
        shells.append(StatementShell(folder, **options))
        return shells[-1]

    yield make
    for one in shells:
        one.close()


@pytest.fixture
def shell(opened: Callable[..., StatementShell], tmp_path: Path) -> StatementShell:
    """Give a shell over an empty folder."""
    return opened(tmp_path)
