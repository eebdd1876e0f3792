"""Proves that the adapter keeps the contract, and what is its own: one file an action, whole or not there."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
from carrythrough.plugin import PermanentError
from carrythrough.testing.adapters import AdapterContract, sample_action

from carrythrough_example import SpoolAdapter, SpoolConfig


class TestSpool(AdapterContract):
    """The public suite."""

    adapter = "spool"

    @pytest.fixture(autouse=True)
    def place(self, tmp_path: Path) -> None:
        """Give every test a folder of its own."""
        self.folder = tmp_path

    def table(self) -> dict[str, Any]:
        """Configure the adapter for the folder."""
        return {"folder": str(self.folder)}

    def received(self) -> Sequence[str]:
        """Read what arrived."""
        return [path.stem for path in self.folder.iterdir()]

    def unreachable(self) -> dict[str, Any]:
        """Configure a folder that is not there."""
        return {"folder": str(self.folder / "nowhere")}


def test_a_repeat_replaces_its_own_file(tmp_path: Path) -> None:
    """The receiving program sees each action once."""
    adapter = SpoolAdapter(SpoolConfig(folder=str(tmp_path)))
    for _ in range(2):
        assert adapter.send(sample_action("n-1"), None, "n-1") == "wrote n-1.json"  # noqa: S101
    [path] = tmp_path.iterdir()
    assert json.loads(path.read_text("utf-8"))["skill"] == "de-escalation"  # noqa: S101


def test_a_key_is_never_a_path(tmp_path: Path) -> None:
    """A key with a slash writes nothing, inside or outside."""
    adapter = SpoolAdapter(SpoolConfig(folder=str(tmp_path / "inner")))
    (tmp_path / "inner").mkdir()
    with pytest.raises(PermanentError):
        adapter.send(sample_action("../outside"), None, "../outside")
    assert [path.name for path in tmp_path.iterdir()] == ["inner"]  # noqa: S101
