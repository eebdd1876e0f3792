"""Proves what leaves for another store, and how: filters, loop guard, ids and times that we assigned, waits."""

from __future__ import annotations

import hashlib
import json
import uuid
from collections.abc import Iterable
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from carrythrough.embedded.log import Row
from carrythrough.errors import PermanentError
from carrythrough.forward.items import Item, outgoing
from carrythrough.forward.lane import BACKOFF_S_MAX, wait_s
from carrythrough.forward.milestones import SkillFacts, of_score, of_stage
from carrythrough.forward.own import identified, pseudonymous
from carrythrough.forward.sending import REQUEST_BYTES_MAX, runs
from carrythrough.forward.target import TARGETS_MAX, ForwardTarget, secrets_of
from carrythrough.identity.person import Identifier, Person, RosterAccount
from carrythrough.pipeline.effects import ScoreChanged, StageChanged
from carrythrough.xapi.admission import admit
from carrythrough.xapi.admitted import Limits
from carrythrough.xapi.query import AttachmentData

ADDRESS = "https://lrs.example/xapi"
ID = uuid.UUID("6f4fa8c6-52a9-4d6b-9f6a-1d4c3a5b7e01")
DATA = b"x" * 10
SHA2 = hashlib.sha256(DATA).hexdigest()
PLAIN: dict[str, Any] = {
    "actor": {"mbox": "mailto:ann@x.example"},
    "verb": {"id": "http://adlnet.gov/expapi/verbs/answered"},
    "object": {"id": "https://x.example/q/1"},
}
ATTACHED = {
    "attachments": [
        {
            "usageType": "https://x.example/u",
            "display": {"en": "d"},
            "contentType": "text/plain",
            "length": 10,
            "sha2": SHA2.upper(),
        }
    ]
}


def row(statement: dict[str, Any] | bytes, credential: str = "lms", version: int = 103) -> Row:
    text = statement if isinstance(statement, bytes) else json.dumps(statement).encode()
    return Row(7, 1, 1_763_769_600_123, -1, credential, ID.bytes, text, version)


def stored(sha2s: Iterable[str]) -> dict[str, AttachmentData]:
    return {
        one: AttachmentData(sha2=one, content_type="text/plain", data=DATA) for one in sha2s if one == SHA2
    }


def sent(statement: dict[str, Any] | bytes, credential: str = "lms", **settings: Any) -> Item | None:
    return outgoing(
        "warehouse", ForwardTarget(endpoint=ADDRESS, **settings), row(statement, credential), stored
    )


def test_a_statement_with_id_and_timestamp_leaves_byte_for_byte():
    text = (
        b'{ "timestamp" : "2026-01-01T00:00:00Z", "id":"6F4FA8C6-52A9-4D6B-9F6A-1D4C3A5B7E01" ,'
        b'"actor":{"mbox":"mailto:a@x.example"},"verb":{"id":"http://x.example/v"},"object":{"id":"http://x.example/\\u00e9"},'
        b'"result":{"score":{"raw":1.10}}}'
    )
    item = sent(text)
    assert item is not None
    assert item.text == text
    assert item.id == str(ID)


def test_what_was_left_to_us_is_added_so_that_no_other_store_invents_it():
    item = sent(PLAIN)
    assert item is not None
    assert json.loads(item.text) == {**PLAIN, "id": str(ID), "timestamp": "2025-11-22T00:00:00.123Z"}
    (one,) = admit(item.text, Limits(), "1.0.3")
    assert (one.id, one.t_ms) == (ID.bytes, 1_763_769_600_123)


def test_it_speaks_the_version_under_which_it_was_taken_in_or_the_one_that_is_set():
    target = ForwardTarget(endpoint=ADDRESS)
    old, new = (outgoing("w", target, row(PLAIN, version=code), stored) for code in (103, 200))
    assert old is not None
    assert new is not None
    assert (old.version, new.version) == ("1.0.3", "2.0.0")
    fixed = sent(PLAIN, version="2.0.0")
    assert fixed is not None
    assert fixed.version == "2.0.0"


VOID = {
    **PLAIN,
    "verb": {"id": "http://adlnet.gov/expapi/verbs/voided"},
    "object": {"objectType": "StatementRef", "id": str(ID)},
}


@pytest.mark.parametrize(
    ("statement", "credential", "settings", "leaves"),
    [
        (PLAIN, "lms", {"verbs": ("http://adlnet.gov/expapi/verbs/answered",)}, True),
        (PLAIN, "lms", {"verbs": ("http://adlnet.gov/expapi/verbs/passed",)}, False),
        (PLAIN, "lms", {"activities": ("https://x.example/q/",)}, True),
        (PLAIN, "lms", {"activities": ("https://y.example/",)}, False),
        ({**PLAIN, "object": {"objectType": "Agent", "openid": "https://x.example/q/"}}, "lms",
         {"activities": ("https://x.example/q/",)}, False),
        (VOID, "lms", {"activities": ("https://y.example/",), "verbs": ("http://x.example/v",)}, True),
        (PLAIN, "lms", {"credentials": ("lms", "vr")}, True),
        (PLAIN, "crm", {"credentials": ("lms", "vr")}, False),
        (PLAIN, "crm", {"not_from": ("crm",)}, False),
        (PLAIN, "pull:warehouse", {}, False),
        (PLAIN, "warehouse", {}, False),
        (VOID, "pull:warehouse", {}, False),
        (PLAIN, "pull:other", {}, True),
    ],
)  # fmt: skip
def test_filters_and_what_came_from_the_target_itself(
    statement: dict[str, Any], credential: str, settings: dict[str, Any], leaves: bool
):
    assert (sent(statement, credential, **settings) is not None) == leaves


def test_attachments_go_along_where_they_are_stored_also_those_of_a_substatement():
    whole = sent({**PLAIN, **ATTACHED})
    inner = sent({**PLAIN, "object": {"objectType": "SubStatement", **PLAIN, **ATTACHED}})
    for item in (whole, inner):
        assert item is not None
        assert [one.data for one in item.attachments] == [DATA]
    without = sent({**PLAIN, **ATTACHED}, attachments=False)
    assert without is not None
    assert without.attachments == ()


def test_a_request_holds_one_version_and_a_bounded_size():
    def item(key: int, version: str, size: int) -> Item:
        return Item(key=key, id=str(key), text=b"x" * size, version=version)

    big = REQUEST_BYTES_MAX // 2 + 1
    items = [item(1, "1.0.3", 10), item(2, "1.0.3", 10), item(3, "2.0.0", 10), item(4, "1.0.3", big)]
    items += [item(5, "1.0.3", big), item(6, "1.0.3", 9 * big)]
    assert [[one.key for one in run] for run in runs(items)] == [[1, 2], [3], [4], [5], [6]]


@given(st.text(), st.integers(1, 10_000), st.floats(0, 3_600))
def test_waits_grow_are_spread_and_respect_the_target(key: str, failures: int, asked: float):
    wait = wait_s(key, failures, asked)
    plain = min(BACKOFF_S_MAX, 2.0 ** min(failures - 1, 20))
    assert asked <= wait <= max(asked, 1.2 * plain)
    assert wait >= 0.8 * plain


@pytest.mark.parametrize(
    ("targets", "where"),
    [
        ({"Upper": {}}, "forward.Upper"),
        ({"b": {"endpoint": "ftp://x"}}, "forward.b.endpoint"),
        ({"b": {"statements": False}}, "forward.b"),
        ({"b": {"secret_env": "NOT_SET"}}, "forward.b.secret_env"),
        ({f"b{n}": {} for n in range(TARGETS_MAX + 1)}, "forward"),
    ],
)
def test_settings_that_cannot_work_are_named(targets: dict[str, dict[str, Any]], where: str):
    made = {
        name: ForwardTarget(**{"endpoint": ADDRESS, **settings})  # type: ignore[arg-type]
        for name, settings in targets.items()
    }
    with pytest.raises(PermanentError) as refused:
        secrets_of(made, {})
    assert refused.value.problem.where == where


def test_a_secret_is_read_from_the_environment():
    made = {"b": ForwardTarget(endpoint=ADDRESS, key="k", secret_env="B")}
    assert secrets_of(made, {"B": "s"}) == {"b": "s"}


SCORE = ScoreChanged(
    id="e", subject="s", skill="k", sequence=1, as_of_ms=1, valid_until_ms=0, score=0.8, low=0.7, high=0.9,
    previous=0.7, outcomes=9, exposures=0, effective=5.0, stage="applied", source="", reasons=(), model="m",
)  # fmt: skip


@pytest.mark.parametrize(
    ("score", "previous", "reached"),
    [
        (0.8, 0.7, True),
        (0.75, 0.74, True),
        (0.8, None, True),
        (0.8, 0.75, False),
        (0.7, 0.8, False),
        (None, 0.8, False),
    ],
)
def test_a_target_is_reached_from_below_only(score: float | None, previous: float | None, reached: bool):
    effect = msgspec.structs.replace(SCORE, score=score, previous=previous)
    assert (of_score(effect, lambda _: SkillFacts("Calm", 0.75)) is not None) == reached
    assert of_score(effect, lambda _: None) is None


def test_no_stage_but_the_good_one_leaves():
    for stage in ("fading", "underperforming", "unapplied", "not-enough-evidence", "carried-through"):
        effect = StageChanged(
            id="e", subject="s", skill="k", sequence=1, as_of_ms=1, before="underperforming", after=stage
        )
        milestone = of_stage(effect, lambda _: None)
        assert (milestone is not None) == (stage == "carried-through")
        if milestone is not None:
            assert b"underperforming" not in msgspec.json.encode(milestone)


def test_people_are_pseudonyms_unless_the_settings_say_otherwise():
    home = "https://scores.example"
    unknown = {"objectType": "Agent", "account": {"homePage": home, "name": "p1"}}
    assert pseudonymous(home, "p1") == unknown
    assert identified(None, home, "p1") == unknown
    assert identified(Person(id="e-1"), home, "p1") == unknown
    account = Identifier(account=RosterAccount(home_page="https://lms.example", name="7"))
    person = Person(id="e-1", name="Ann", email="ann@x.example", identifiers=(account,))
    assert identified(person, home, "p1") == {
        "objectType": "Agent",
        "name": "Ann",
        "account": {"homePage": "https://lms.example", "name": "7"},
    }
    by_mail = Person(id="e-1", email="ann@x.example")
    assert identified(by_mail, home, "p1") == {"objectType": "Agent", "mbox": "mailto:ann@x.example"}
    digest = Person(id="e-1", identifiers=(Identifier(mbox_sha1sum="a" * 40),))
    assert identified(digest, home, "p1") == {"objectType": "Agent", "mbox_sha1sum": "a" * 40}
