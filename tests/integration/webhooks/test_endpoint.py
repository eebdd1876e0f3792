"""Proves what the address of a webhook answers: who is let in, what is kept, and that nothing counts twice."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

NAMES = ["zendesk", "hubspot", "jira", "salesforce", "qa"]
TIMED = ["zendesk", "hubspot", "qa"]


def zendesk(number: int, **changes: Any) -> bytes:
    """Return the body of a solved ticket."""
    event = {
        "type": "zen:event-type:ticket.status_changed",
        "id": f"z-{number}",
        "time": "2026-11-01T10:00:00Z",
        "detail": {"id": "1", "assignee_id": "8447388090494"},
        "event": {"current": "SOLVED", "previous": "OPEN"},
    }
    return json.dumps(event | changes).encode()


@pytest.mark.parametrize("name", NAMES)
def test_a_body_that_was_changed_is_refused(sender: Any, name: str) -> None:
    body = sender.examples[name].body
    headers = sender.headers(name, body)
    if name == "salesforce":
        headers = {next(iter(headers)): "wrong"}
    answer = sender.post(
        name, body.replace(b"2026", b"2027").replace(b"1793527200000", b"1793527200001"), headers
    )
    assert (answer.status, answer.json["code"]) == (401, "signature-wrong")


@pytest.mark.parametrize("name", NAMES)
def test_what_is_not_signed_is_refused(sender: Any, name: str) -> None:
    answer = sender.post(name, sender.examples[name].body, {})
    assert (answer.status, answer.json["code"]) == (401, "signature-missing")
    assert answer.json["fix"]


@pytest.mark.parametrize("name", TIMED)
@pytest.mark.parametrize("late_s", [-400, 400])
def test_what_was_signed_too_long_ago_is_refused(sender: Any, name: str, late_s: int) -> None:
    answer = sender.post(name, sender.examples[name].body, now_s=time.time() - late_s)
    assert (answer.status, answer.json["code"]) == (401, "signature-stale")


@pytest.mark.parametrize(
    "header",
    ["", "=", "v1,", "v1,é", "sha256=" + "0" * 64, "t=,v1=", "\\x00", "v1," + "A" * 9_000],
)
def test_odd_signatures_are_wrong_signatures(sender: Any, header: str) -> None:
    body = sender.examples["qa"].body
    headers = sender.headers("qa", body) | {"webhook-signature": header}
    assert sender.post("qa", body, headers).status == 401


def test_a_delivery_id_stands_for_one_body(sender: Any) -> None:
    assert sender.post("zendesk", zendesk(1), delivery="same").status == 200
    assert sender.post("zendesk", zendesk(1), delivery="same").json["reason"]
    other = sender.post("zendesk", zendesk(2), delivery="same")
    assert (other.status, other.json["code"]) == (409, "hook-delivery-conflict")


def test_what_filters_keep_out_is_told(sender: Any) -> None:
    answer = sender.post("zendesk", zendesk(3, type="zen:event-type:ticket.created"), delivery="f")
    assert answer.status == 202
    assert "filters" in answer.json["reason"]
    empty = sender.post("salesforce", b'{"other": 1}')
    assert empty.status == 202
    assert "each" in empty.json["reason"]


def test_an_unknown_name_and_a_body_that_is_no_json(sender: Any) -> None:
    assert sender.post("nobody", b"{}", {}).json["code"] == "hook-unknown"
    assert sender.post("zendesk", b"{", delivery="j").status == 400
    assert sender.post("salesforce", b"[" + b" " * (1 << 20) + b"]").status == 413


def test_what_does_not_map_is_kept_and_replayed_when_the_mapping_is_mended(
    sender: Any, folder: Path, command: Callable[..., Any]
) -> None:
    maybe, won = (
        {"Id": name, "StageName": stage, "CloseDate": "2026-11-01", "OwnerEmail": "a@b.example"}
        for name, stage in (("r1", "Closed Maybe"), ("r2", "Closed Won"))
    )
    body = json.dumps({"records": [maybe, won]}).encode()
    answer = sender.post("salesforce", body)
    assert (answer.status, answer.json["accepted"], answer.json["kept"]) == (200, 1, 1)
    problem = answer.json["problems"][0]
    assert problem["where"] == "/records/0/StageName"
    assert "paths.met ('StageName')" in problem["detail"]
    assert "Closed Won" in problem["rule"]
    kept = folder / "data" / "hooks.quarantine.jsonl"

    def bodies() -> list[str]:
        entries = [json.loads(line) for line in kept.read_text().splitlines()]
        return [entry["record"] for entry in entries if entry["file"] == "hook:salesforce"]

    assert bodies() == [body.decode()]
    sender.post("salesforce", body)
    assert bodies() == [body.decode()]  # kept once, however often it comes

    listed = command("quarantine", "list", "--file", str(kept))
    assert "hook:salesforce" in listed.stdout
    assert "/records/0/StageName" in listed.stdout

    mended = folder / "mended.yaml"
    mended.write_text(sender.examples["salesforce"].mapping.replace("true,", "true, Closed Maybe: false,"))
    (folder / "body.json").write_bytes(body)
    shown = command(
        "hooks", "test", "salesforce", str(folder / "body.json"), "--mapping", str(mended), "--json"
    )
    assert shown.returncode == 0, shown.stderr
    assert [event["id"] for event in json.loads(shown.stdout)["events"]] == [
        "r1-Closed Maybe", "r2-Closed Won",
    ]  # fmt: skip
    replay = ["hooks", "replay", "salesforce", "--mapping", str(mended), "--file", str(kept), "--json"]
    done = command(*replay, **sender.target)
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout) == {"bodies": 1, "accepted": 1, "known": 1, "refused": []}
    assert json.loads(command(*replay, **sender.target).stdout)["known"] == 2


def test_doctor_names_what_is_wrong_with_a_webhook(folder: Path, command: Callable[..., Any]) -> None:
    (folder / "good.yaml").write_text(
        "paths: {id: a, time: b, employee: c}\nconstants: {kind: opportunity}\n"
    )
    (folder / "bad.yaml").write_text("paths: {id: a, tme: b, employee: c}\nconstants: {kind: opportunity}\n")
    (folder / "doctor.toml").write_text(
        f'data_dir = "{folder}/none"\n'
        + "".join(
            f'[webhooks.{name}]\nmapping = "{folder}/{name}.yaml"\nsecret_env = "{secret}"\nsignature = "github"\n'
            for name, secret in (("good", "HOOK_SECRET"), ("bad", "HOOK_SECRET"), ("mute", "HOOK_NONE"))
        )
    )
    done = command(
        "doctor", "--config", str(folder / "doctor.toml"), "--json", HOOK_SECRET="a secret of some length"
    )
    found = {check["name"]: check for check in json.loads(done.stdout)["checks"]}
    assert found["webhook good"]["status"] == "ok"
    assert "bad.yaml:1:" in found["webhook bad"]["detail"]
    assert "webhooks.mute.secret_env" in found["webhook mute"]["detail"]


def test_a_body_that_does_not_map_is_shown_with_its_place(
    sender: Any, folder: Path, command: Callable[..., Any]
) -> None:
    mapping = folder / sender.examples["zendesk"].settings["mapping"]
    (folder / "body.json").write_bytes(zendesk(9, time="yesterday"))
    shown = command("hooks", "test", "zendesk", str(folder / "body.json"), "--mapping", str(mapping))
    assert shown.returncode == 1
    assert "/time" in shown.stderr
    assert "paths.time ('time')" in shown.stderr
    unknown = command("hooks", "test", "zendesk", str(folder / "body.json"))
    assert unknown.returncode == 2
    assert "--mapping" in unknown.stderr


def test_a_conflicting_event_is_kept_and_the_others_are_stored(sender: Any) -> None:
    def body(*scores: str) -> bytes:
        reviews = [
            {"review_id": f"c{n}", "version": 1, "agent": {"employee_number": 18}, "percent": score,
             "reviewed_at": "01.11.2026 11:00"}
            for n, score in enumerate(scores)
        ]  # fmt: skip
        return json.dumps({"data": {"reviews": reviews}}).encode()

    assert sender.post("qa", body("50"), delivery="c-1").json["accepted"] == 1
    answer = sender.post("qa", body("60", "60"), delivery="c-2")
    assert (answer.json["accepted"], answer.json["kept"]) == (1, 1)
    assert answer.json["problems"][0]["code"] == "event-conflict"
    assert "corrects" in answer.json["problems"][0]["fix"]
