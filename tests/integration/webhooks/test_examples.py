"""Every example of docs/how-to/webhooks.md, signed as its vendor documents, becomes the events that the page says."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest

from carrythrough.events.body_mapping import load_body_mapping, map_body

WANTED: dict[str, list[dict[str, Any]]] = {
    "zendesk": [
        {"id": "cbe4028c-7239-495d-b020-f22348516046", "kind": "task-outcome", "outcome": {"met": True},
         "time": "2026-11-01T10:00:00Z"}
    ],
    "hubspot": [
        {"id": "3816279340", "kind": "task-outcome", "outcome": {"met": True},
         "time": "2026-11-01T10:00:00.000+00:00"}
    ],
    "jira": [{"id": "SUP-291/10124", "kind": "task-outcome", "outcome": {"met": True}}],
    "salesforce": [
        {"id": "006dL000001AbcDQAS-Closed Won", "outcome": {"met": True}, "time": "2026-11-01T17:00:00-06:00"}
    ],
    "qa": [
        {"id": "r-81/1", "employee": "17", "outcome": {"score": 0.625}, "time": "2026-11-01T11:00:00+01:00"},
        {"id": "r-81/2", "outcome": {"score": 0.875}, "corrects": "r-81/1", "revision": 2,
         "activity": "call-quality"},
    ],
}  # fmt: skip


@pytest.mark.parametrize("name", WANTED)
def test_the_mapping_gives_what_the_page_says(examples: Any, name: str) -> None:
    example = examples[name]
    mapping = load_body_mapping(example.mapping, example.settings["mapping"])
    mapped = map_body(mapping, json.loads(example.body), f"hook:{name}")
    assert mapped.refused == []
    events = [json.loads(one.raw) for one in mapped.events]
    assert len(events) == len(WANTED[name])
    for event, wanted in zip(events, WANTED[name], strict=True):
        assert event["source"] == f"hook:{name}"
        assert {key: event.get(key) for key in wanted} == wanted


def test_the_server_takes_each_once_and_all_are_about_one_person(
    sender: Any, wait_until: Callable[..., None]
) -> None:
    for name, wanted in WANTED.items():
        body = sender.examples[name].body
        first = sender.post(name, body, delivery=f"{name}-1")
        assert (first.status, first.json["accepted"]) == (200, len(wanted)), name
        again = sender.post(name, body, delivery=f"{name}-1")
        assert (again.status, again.json["accepted"]) == (200, 0), name
        elsewhere = sender.post(name, body, delivery=f"{name}-2")
        assert (elsewhere.json["accepted"], elsewhere.json["known"]) == (0, len(wanted)), name

    def outcomes() -> dict[str, int]:
        return {each["skill"]: each["outcomes"] for each in sender.scores("17")["skills"]}

    # Two reviews, of which one corrects the other, are one outcome.
    wait_until(lambda: outcomes() == {"closing": 4, "de-escalation": 1}, what="four closed and one reviewed")


def test_every_example_is_tested(examples: Any) -> None:
    assert set(examples) == set(WANTED)
