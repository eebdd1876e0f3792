"""The public contract suite for action adapters: what every adapter must do, whoever wrote it.

In the tests of a plugin (pytest collects the inherited tests):

    from carrythrough.testing.adapters import AdapterContract

    class TestPigeon(AdapterContract):
        adapter = "pigeon"                              # name of the entry point
        def table(self):                                # configuration of a place that works
            return {"loft": str(self.loft)}
        def received(self):                             # idempotency keys that arrived there
            return [path.stem for path in self.loft.iterdir()]
        def unreachable(self):                          # configuration of a place that is not there
            return {"loft": "/nowhere"}

State goes in by an autouse fixture of the subclass. The built-in adapters pass the same suite.
"""

from __future__ import annotations

import os
import sys
import threading
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import Any

import msgspec

from carrythrough.dispatch.reading import field_description
from carrythrough.dispatch.redaction import secrets_in
from carrythrough.dispatch.registry import NAME_PATTERN, find_spec, read_config
from carrythrough.errors import PermanentError, TransientError
from carrythrough.plugin import RECEIPT_LENGTH_MAX, ActionRequested, Adapter, AdapterSpec, Recipient

SENDERS = 4
"""Threads that send at the same time: the default `concurrency` of an adapter."""
FAR_FUTURE_MS = 4_102_444_800_000
"""2100-01-01: the sample action does not expire while anyone looks at it."""

HOSTILE_TITLE = 'Bcc: x@example.org\r\nX-Forged: 1\x1b[2J\x00 <script>alert("ü🙂")</script>'
HOSTILE_BODY = "one\ntwo\r\nthree\u2028four " + "long " * 2_000 + "\x07 \u202e reversed"


def sample_action(action_id: str = "0b7c1f6e-5e43-9a0f-8f0e-2b6a5b1c9d10", **changes: Any) -> ActionRequested:
    """Return a plain action; `changes` replace its fields."""
    plain = ActionRequested(
        id=action_id,
        subject="a" * 26,
        recipient="a" * 26,
        to="employee",
        skill="de-escalation",
        skill_name="De-escalation",
        action="nudge",
        rule="unapplied-nudge",
        stage="unapplied",
        score=0.42,
        as_of_ms=1_700_000_000_000,
        expires_ms=FAR_FUTURE_MS,
        title="Use it in your next call",
        body="Name the feeling first, then offer two ways out.",
        link="https://learn.example.org/de-escalation",
        why="you practised it three times and have not used it on the job yet",
    )
    return msgspec.structs.replace(plain, **changes)


def sample_recipient(**changes: Any) -> Recipient:
    """Return a recipient whom every kind of adapter can reach; `changes` replace fields."""
    plain = Recipient(pseudonym="a" * 26, name="Dana Ösper", email="dana@example.org")
    return msgspec.structs.replace(plain, **changes)


class AdapterContract:
    """The suite; see the module for how to use it. Override `table` and `received` at least."""

    adapter: str = ""
    """Name of the entry point of the adapter under test."""

    def table(self) -> Mapping[str, Any]:
        """Return the configuration, as in the settings, of an adapter whose place works."""
        raise NotImplementedError

    def received(self) -> Sequence[str]:
        """Return the idempotency keys that arrived at that place so far, in any order."""
        raise NotImplementedError

    def unreachable(self) -> Mapping[str, Any] | None:
        """Return the configuration of a place that is not there, None when that cannot be (a terminal)."""
        return None

    # What the plugin says about itself.

    def test_is_found_by_entry_point_and_its_spec_is_whole(self) -> None:
        """The entry point loads, and every text of the spec says something."""
        spec = find_spec(self.adapter)
        _require(NAME_PATTERN.fullmatch(spec.name), f"{spec.name!r} is not kebab-case")
        _require(spec.kind and spec.summary.endswith("."), "kind is set, summary is one sentence")

    def test_every_configuration_key_is_documented_and_no_other_is_taken(self) -> None:
        """Each field carries a description; unknown keys are refused by name; a value never changes."""
        config = find_spec(self.adapter).config
        for field in msgspec.structs.fields(config):
            _require(field_description(field), f"{field.encode_name} has no Meta(description=...)")
        settings = config.__struct_config__  # type: ignore[attr-defined]
        _require(settings.frozen, "the configuration Struct is not frozen")
        try:
            self._config({**self.table(), "no-such-key": 1})
        except PermanentError as error:
            _require("no-such-key" in error.problem.where, f"the error does not name it: {error}")
        else:
            _require(False, "an unknown key was taken (forbid_unknown_fields is missing)")

    def test_the_example_is_a_configuration_that_works(self) -> None:
        """The example of the spec reads without a change, and makes an adapter."""
        spec = find_spec(self.adapter)
        spec.factory(read_config(spec, spec.example, f"adapters.{spec.name}")).close()

    def test_making_an_adapter_touches_nothing(self) -> None:
        """The factory opens no connection, writes no file and starts no thread."""
        spec = find_spec(self.adapter)
        config = self._config(self.table())
        threads = threading.active_count()
        with _watching() as seen:
            adapter = spec.factory(config)
        _require(not seen, f"the factory did: {', '.join(seen)}")
        _require(threading.active_count() == threads, "the factory started a thread")
        adapter.close()

    def test_secrets_show_nowhere(self) -> None:
        """Neither the configuration nor the adapter shows a secret when printed."""
        config = self._config(self.table())
        adapter = self._spec().factory(config)
        for secret in secrets_in(config):
            for shown in (repr(config), str(config), repr(adapter), str(adapter)):
                _require(secret.reveal() not in shown or not secret, "a secret shows when printed")
        adapter.close()

    # What it does.

    def test_check_says_one_line_and_sends_nothing(self) -> None:
        """`check` returns one line, and nothing arrives."""
        with self._made() as adapter:
            line: object = adapter.check()
        _require(
            isinstance(line, str) and line.strip() and len(line.splitlines()) == 1, f"not one line: {line!r}"
        )
        _require(not self.received(), "check sent something")

    def test_an_action_arrives_under_its_key(self) -> None:
        """`send` delivers, under the key that it was given, and returns a short receipt."""
        action = sample_action()
        with self._made() as adapter:
            receipt: object = adapter.send(action, sample_recipient(), action.id)
        _require(isinstance(receipt, str) and receipt, "no receipt")
        _require(
            len(str(receipt)) <= RECEIPT_LENGTH_MAX and "\n" not in str(receipt), f"receipt: {receipt!r}"
        )
        _require(set(self.received()) == {action.id}, f"arrived: {self.received()}, sent: {action.id}")

    def test_a_repeat_arrives_under_the_same_key(self) -> None:
        """The same action twice, by two adapter objects as after a restart, has one key."""
        action = sample_action()
        for _ in range(2):
            with self._made() as adapter:
                adapter.send(action, sample_recipient(), action.id)
        _require(set(self.received()) == {action.id}, f"a repeat has another key: {self.received()}")

    def test_hostile_text_arrives_as_text(self) -> None:
        """Line breaks, control characters, markup, emoji and great length neither break nor forge."""
        action = sample_action(title=HOSTILE_TITLE, body=HOSTILE_BODY, why=HOSTILE_TITLE, link="javascript:1")
        with self._made() as adapter:
            adapter.send(action, sample_recipient(name=HOSTILE_TITLE), action.id)
        _require(set(self.received()) == {action.id}, f"arrived: {self.received()}")

    def test_empty_text_arrives_too(self) -> None:
        """Every text of the program map may be empty, and a score may be missing."""
        action = sample_action(title="", body="", why="", link="", skill_name="", score=None)
        with self._made() as adapter:
            adapter.send(action, sample_recipient(name=""), action.id)
        _require(set(self.received()) == {action.id}, f"arrived: {self.received()}")

    def test_an_unknown_recipient_is_delivered_or_refused_for_good(self) -> None:
        """Without a recipient the adapter sends, or raises PermanentError: trying again would not help."""
        action = sample_action()
        with self._made() as adapter:
            try:
                adapter.send(action, None, action.id)
            except PermanentError:
                _require(not self.received(), "it arrived although send raised")
            else:
                _require(set(self.received()) == {action.id}, "send returned, nothing arrived")

    def test_sends_at_the_same_time_all_arrive(self) -> None:
        """Several threads share one adapter."""
        actions = [sample_action(f"0b7c1f6e-5e43-9a0f-8f0e-{n:012x}") for n in range(3 * SENDERS)]
        with self._made() as adapter, ThreadPoolExecutor(SENDERS) as pool:
            list(pool.map(lambda action: adapter.send(action, sample_recipient(), action.id), actions))
        _require(set(self.received()) == {action.id for action in actions}, "some did not arrive")

    def test_close_is_safe_at_any_time(self) -> None:
        """`close` without a send, twice, and after a send."""
        adapter = self._spec().factory(self._config(self.table()))
        adapter.close()
        adapter.close()
        with self._made() as used:
            used.send(sample_action(), sample_recipient(), sample_action().id)
        used.close()

    def test_a_place_that_is_not_there_is_a_transient_error(self) -> None:
        """When nothing answers, `send` raises TransientError, so that the action is tried again."""
        table = self.unreachable()
        if table is None:
            return
        adapter = self._spec().factory(self._config(table))
        try:
            adapter.send(sample_action(), sample_recipient(), sample_action().id)
        except TransientError as error:
            _require(error.problem.detail, "the error says nothing")
        else:
            _require(False, "send returned although nothing is there")
        finally:
            adapter.close()

    def _spec(self) -> AdapterSpec:
        return find_spec(self.adapter)

    def _config(self, table: Mapping[str, Any]) -> Any:
        return read_config(self._spec(), table, "adapters.under-test")

    @contextmanager
    def _made(self) -> Iterator[Adapter]:
        adapter: Adapter = self._spec().factory(self._config(self.table()))
        try:
            yield adapter
        finally:
            adapter.close()


def _require(condition: object, words: str) -> None:
    """Fail with `words`; a plain assert would go away under -O and explain nothing outside of pytest."""
    if not condition:
        raise AssertionError(words)


_seen: list[str] | None = None
_audited = False


@contextmanager
def _watching() -> Iterator[list[str]]:
    """Give a list of the side effects (connections, writes, processes) that happen inside."""
    global _audited, _seen  # noqa: PLW0603 - audit hooks belong to the interpreter and cannot be removed
    if not _audited:
        sys.addaudithook(_audit)
        _audited = True
    seen: list[str] = []
    _seen = seen
    try:
        yield seen
    finally:
        _seen = None


def _audit(event: str, arguments: tuple[Any, ...]) -> None:
    if _seen is None:
        return
    if event in ("socket.connect", "socket.getaddrinfo", "socket.bind", "subprocess.Popen", "os.mkdir"):
        _seen.append(event)
    elif event == "open" and arguments[2] & (os.O_WRONLY | os.O_RDWR | os.O_CREAT):
        if "__pycache__" in str(arguments[0]):
            return  # the interpreter caches a module that the factory imports late
        _seen.append(f"open({arguments[0]!r}) for writing")
