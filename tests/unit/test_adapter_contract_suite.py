"""Proves that the public contract suite can fail: each broken adapter is caught by the test made for it."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Any

import msgspec
import pytest
from msgspec import Meta

from carrythrough.plugin import (
    ActionRequested,
    AdapterSpec,
    PermanentError,
    Recipient,
    Secret,
    TransientError,
    delivery_problem,
)
from carrythrough.testing.adapters import AdapterContract

SECRET = "a-secret-of-the-place"


class Config(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    folder: Annotated[str, Meta(description="where to write")]
    token: Annotated[Secret, Meta(description="what opens it")] = Secret("")


class Sound:
    """An adapter that keeps the contract; the mutants below break one thing each."""

    def __init__(self, config: Any) -> None:
        self.folder = Path(config.folder)
        self.token = config.token

    def check(self) -> str:
        return "fine"

    def send(self, action: ActionRequested, recipient: Recipient | None, idempotency_key: str) -> str:
        try:
            (self.folder / idempotency_key).write_text(action.title)
        except OSError as error:
            raise TransientError(delivery_problem("delivery-failed", str(error))) from error
        return "written"

    def close(self) -> None:
        pass


class Undocumented(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    folder: str
    token: Annotated[Secret, Meta(description="what opens it")] = Secret("")


class Changeable(msgspec.Struct, kw_only=True, forbid_unknown_fields=True):
    folder: Annotated[str, Meta(description="where to write")]
    token: Annotated[Secret, Meta(description="what opens it")] = Secret("")


class Lenient(msgspec.Struct, frozen=True, kw_only=True):
    folder: Annotated[str, Meta(description="where to write")]
    token: Annotated[Secret, Meta(description="what opens it")] = Secret("")


class OpensAtOnce(Sound):
    def __init__(self, config: Any) -> None:
        super().__init__(config)
        (self.folder.parent / "opened").write_text("too early")


class ShowsSecrets(Sound):
    def __repr__(self) -> str:
        return f"ShowsSecrets({self.token.reveal()})"


class SendsInCheck(Sound):
    def check(self) -> str:
        (self.folder / "test").touch()
        return "fine"


class ChecksInManyLines(Sound):
    def check(self) -> str:
        return "fine\nreally"


class InventsKeys(Sound):
    count = 0

    def send(self, action: ActionRequested, recipient: Recipient | None, idempotency_key: str) -> str:
        InventsKeys.count += 1
        return super().send(action, recipient, f"{idempotency_key}-{InventsKeys.count}")


class DropsEverything(Sound):
    def send(self, action: ActionRequested, recipient: Recipient | None, idempotency_key: str) -> str:
        return "written"


class TalksTooMuch(Sound):
    def send(self, action: ActionRequested, recipient: Recipient | None, idempotency_key: str) -> str:
        return super().send(action, recipient, idempotency_key) * 100


class NeedsCleanText(Sound):
    def send(self, action: ActionRequested, recipient: Recipient | None, idempotency_key: str) -> str:
        if not action.title.isprintable():
            raise ValueError("what is this")
        return super().send(action, recipient, idempotency_key)


class NeedsWords(Sound):
    def send(self, action: ActionRequested, recipient: Recipient | None, idempotency_key: str) -> str:
        return super().send(action, recipient, idempotency_key if action.title[0] else "")


class NeedsRecipient(Sound):
    def send(self, action: ActionRequested, recipient: Recipient | None, idempotency_key: str) -> str:
        assert recipient is not None
        return super().send(action, recipient, idempotency_key)


class SendsAndRefuses(Sound):
    def send(self, action: ActionRequested, recipient: Recipient | None, idempotency_key: str) -> str:
        receipt = super().send(action, recipient, idempotency_key)
        if recipient is None:
            raise PermanentError(delivery_problem("delivery-refused", "nobody"))
        return receipt


class OneAtATime(Sound):
    busy = False

    def send(self, action: ActionRequested, recipient: Recipient | None, idempotency_key: str) -> str:
        if self.busy:
            return "lost"
        self.busy, receipt = True, ""
        try:
            for _ in range(200):
                receipt = super().send(action, recipient, idempotency_key)
        finally:
            self.busy = False
        return receipt


class ClosesOnce(Sound):
    closed = False

    def close(self) -> None:
        if self.closed:
            raise RuntimeError("closed already")
        self.closed = True


class GivesUpTooEarly(Sound):
    def send(self, action: ActionRequested, recipient: Recipient | None, idempotency_key: str) -> str:
        try:
            return super().send(action, recipient, idempotency_key)
        except TransientError as error:
            raise PermanentError(error.problem) from error


MUTANTS: list[tuple[Any, Any, str]] = [
    (Sound, Undocumented, "test_every_configuration_key_is_documented_and_no_other_is_taken"),
    (Sound, Changeable, "test_every_configuration_key_is_documented_and_no_other_is_taken"),
    (Sound, Lenient, "test_every_configuration_key_is_documented_and_no_other_is_taken"),
    (OpensAtOnce, Config, "test_making_an_adapter_touches_nothing"),
    (ShowsSecrets, Config, "test_secrets_show_nowhere"),
    (SendsInCheck, Config, "test_check_says_one_line_and_sends_nothing"),
    (ChecksInManyLines, Config, "test_check_says_one_line_and_sends_nothing"),
    (InventsKeys, Config, "test_an_action_arrives_under_its_key"),
    (InventsKeys, Config, "test_a_repeat_arrives_under_the_same_key"),
    (DropsEverything, Config, "test_an_action_arrives_under_its_key"),
    (TalksTooMuch, Config, "test_an_action_arrives_under_its_key"),
    (NeedsCleanText, Config, "test_hostile_text_arrives_as_text"),
    (NeedsWords, Config, "test_empty_text_arrives_too"),
    (NeedsRecipient, Config, "test_an_unknown_recipient_is_delivered_or_refused_for_good"),
    (SendsAndRefuses, Config, "test_an_unknown_recipient_is_delivered_or_refused_for_good"),
    (OneAtATime, Config, "test_sends_at_the_same_time_all_arrive"),
    (ClosesOnce, Config, "test_close_is_safe_at_any_time"),
    (GivesUpTooEarly, Config, "test_a_place_that_is_not_there_is_a_transient_error"),
]
TESTS = [name for name in dir(AdapterContract) if name.startswith("test_")]


class Suite(AdapterContract):
    """The suite over an adapter of this file, which has no entry point."""

    adapter = "mutant"

    def __init__(self, kind: Any, config: Any, folder: Path) -> None:
        self.folder = folder / "place"
        self.folder.mkdir()
        self.spec = AdapterSpec(
            name="mutant",
            kind="file",
            summary="Writes files.",
            stability="beta",
            config=config,
            example={"folder": str(folder)},
            factory=kind,
        )

    def table(self) -> dict[str, Any]:
        return {"folder": str(self.folder), "token": SECRET}

    def received(self) -> Sequence[str]:
        return [path.name for path in self.folder.iterdir()]

    def unreachable(self) -> dict[str, Any]:
        return {"folder": str(self.folder / "nowhere")}


@pytest.fixture
def suite_of(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    """Give a function that makes the suite over an adapter and lets it be found."""

    def make(kind: Any, config: Any) -> Suite:
        suite = Suite(kind, config, tmp_path)
        monkeypatch.setattr("carrythrough.testing.adapters.find_spec", lambda _name: suite.spec)
        return suite

    return make


@pytest.mark.parametrize("name", TESTS)
def test_a_sound_adapter_passes(name: str, suite_of: Any) -> None:
    getattr(suite_of(Sound, Config), name)()


@pytest.mark.parametrize(("kind", "config", "name"), MUTANTS)
def test_a_broken_adapter_is_caught(kind: Any, config: Any, name: str, suite_of: Any) -> None:
    suite = suite_of(kind, config)
    with pytest.raises((AssertionError, ValueError, IndexError, RuntimeError, PermanentError)):
        getattr(suite, name)()


def test_every_test_of_the_suite_about_behaviour_has_a_mutant() -> None:
    about_the_spec = {
        "test_is_found_by_entry_point_and_its_spec_is_whole",
        "test_the_example_is_a_configuration_that_works",
    }
    assert {name for _, _, name in MUTANTS} == set(TESTS) - about_the_spec
