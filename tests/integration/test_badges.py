"""Badges in a running installation: earned on the job, fetched by their owner, checked by anybody without our help.

The check is that of Open Badges 3.0, "JSON Web Token Proof Format": the key is read from where the badge says it is,
the signature is verified with a library of its own, claims and credential must agree, and the credential must have
what the specification requires of an OpenBadgeCredential (its data model, "Credentials" and "Achievement").
"""

from __future__ import annotations

import asyncio
import base64
import datetime as dt
import json
import stat
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import jsonschema_rs
import jwt
import msgspec
import pytest
from starlette.testclient import TestClient

from carrythrough.embedded.runtime import Embedded
from carrythrough.events.performance import admit_events
from carrythrough.gateway.app import build_app
from carrythrough.gateway.auth import Credentials, new_credential
from carrythrough.gateway.limits import GatewayLimits
from carrythrough.gateway.pages.sessions import Sessions
from carrythrough.settings import Settings
from carrythrough.xapi.admission import Limits, admit

START = 1_790_000_000_000
DAY = 86_400_000
BASE = "https://learn.example"
MAP = """
map: m
version: 1
name: M
owner: Larkfield Academy
goals: [{id: g, name: G, kpis: [{id: k, name: K, target: 1}]}]
skills:
  - {id: calm, name: Calm, kpis: [k], target: 0.6, frameworks: https://competencies.example/calm}
  - {id: other, name: Other, kpis: [k], target: 0.6}
activities:
  - {id: quiz, name: Quiz, match: {activity: "https://x.example/q"}, evidence: [{skill: calm, channel: learn, outcome: score}]}
events:
  - {id: qa, match: {kind: qa-result, activity: calm}, evidence: [{skill: calm, channel: job}]}
  - {id: qb, match: {kind: qa-result, activity: other}, evidence: [{skill: other, channel: job}]}
reinforcement:
  - {id: badge, skills: calm, when: {stage: carried-through}, action: recognition, adapters: [file]}
policy: {holdout: 0.0, minimum_outcomes: 2, minimum_effective: 1.0, per_day: 10, per_week: 50, cooldown_h: 1, quiet: {from: "00:00", to: "00:00"}, days_off: []}
"""  # noqa: E501
ROSTER = "people: [{id: e-1, name: Ann Ek, email: ann@x.example}, {id: e-2, name: Bo, email: bo@x.example}]"
URI = {"type": "string", "pattern": "^(https?|urn):"}
REQUIRED: dict[str, Any] = {
    "type": "object",
    "required": ["@context", "id", "type", "issuer", "validFrom", "credentialSubject"],
    "properties": {
        "@context": {
            "prefixItems": [
                {"const": "https://www.w3.org/ns/credentials/v2"},
                {"type": "string", "pattern": "^https://purl.imsglobal.org/spec/ob/v3p0/context"},
            ]
        },
        "id": URI,
        "type": {"allOf": [{"contains": {"const": "VerifiableCredential"}},
                           {"contains": {"enum": ["OpenBadgeCredential", "AchievementCredential"]}}]},
        "issuer": {"type": "object", "required": ["id", "type"],
                   "properties": {"id": URI, "type": {"contains": {"const": "Profile"}}}},
        "validFrom": {"type": "string", "format": "date-time"},
        "credentialSubject": {
            "type": "object",
            "required": ["type", "achievement"],
            "properties": {
                "id": URI,
                "type": {"contains": {"const": "AchievementSubject"}},
                "identifier": {"type": "array", "items": {
                    "required": ["type", "hashed", "identityHash", "identityType"],
                    "properties": {"type": {"const": "IdentityObject"}, "hashed": {"type": "boolean"}}}},
                "achievement": {
                    "type": "object",
                    "required": ["id", "type", "criteria", "description", "name"],
                    "properties": {
                        "id": URI,
                        "type": {"contains": {"const": "Achievement"}},
                        "criteria": {"type": "object", "minProperties": 1},
                        "alignment": {"type": "array", "items": {
                            "required": ["type", "targetName", "targetUrl"],
                            "properties": {"type": {"contains": {"const": "Alignment"}}}}},
                    },
                },
            },
        },
    },
}  # fmt: skip


class HandClock:
    """A clock that stands until it is moved."""

    def __init__(self) -> None:
        self.ms = START

    def now_ms(self) -> int:
        return self.ms


class Here:
    """An installation on a clock of ours with its whole HTTP surface."""

    def __init__(self, folder: Path, clock: HandClock) -> None:
        (folder / "map.yaml").write_text(MAP)
        (folder / "roster.yaml").write_text(ROSTER)
        self.sent = folder / "actions.jsonl"
        self.clock = clock
        self.settings = Settings(
            data_dir=str(folder / "data"),
            program=str(folder / "map.yaml"),
            roster=str(folder / "roster.yaml"),
            public_url=BASE,
            adapters={"file": {"adapter": "file", "path": str(self.sent)}},
            shadow_learner=False,
        )
        self.runtime = Embedded(self.settings, clock)
        self.runtime.start()
        self.sessions = Sessions()
        entries = [
            new_credential("reader", ("scores/read", "people/read"), "s" * 24),
            new_credential("plain", ("scores/read",), "p" * 24),
        ]
        self.keys = {credential.name: (credential.key, secret) for credential, secret in entries}
        credentials = Credentials([credential for credential, _ in entries])
        app = build_app(self.runtime, credentials, self.sessions, GatewayLimits())
        self.client = TestClient(app, base_url=BASE)

    def learns(self) -> None:
        """Post good answers."""
        for number in range(6):
            statement = {
                "id": str(uuid.UUID(int=number + 1)),
                "actor": {"mbox": "mailto:ann@x.example"},
                "verb": {"id": "http://adlnet.gov/expapi/verbs/answered"},
                "object": {"id": "https://x.example/q"},
                "result": {"score": {"scaled": 1.0}},
                "timestamp": iso(self.clock.ms),
            }
            asyncio.run(
                self.runtime.submit_statements(
                    admit(json.dumps(statement).encode(), Limits(), "1.0.3"), "lms"
                )
            )

    def works(self, tag: str, *, met: bool, skill: str = "calm", count: int = 14) -> None:
        """Post results of the work."""
        for number in range(count):
            event = {"id": f"{tag}-{number}", "source": "qa", "kind": "qa-result", "employee": "e-1", "activity": skill,
                     "time": iso(self.clock.ms), "outcome": {"met": met}}  # fmt: skip
            admitted = list(admit_events(json.dumps(event).encode(), "application/json"))
            asyncio.run(self.runtime.submit_events(admitted, "qa"))
        assert self.runtime.caught_up()

    def get(self, path: str, who: str = "reader") -> Any:
        return self.client.get(path, auth=self.keys[who])

    def stop(self) -> None:
        self.runtime.stop()


def iso(ms: int) -> str:
    return dt.datetime.fromtimestamp(ms / 1000, dt.UTC).isoformat()


@pytest.fixture
def here(tmp_path: Path) -> Iterator[Here]:
    found = Here(tmp_path, HandClock())
    yield found
    found.stop()


def checked(here: Here, signed: str) -> dict[str, Any]:
    """Verify a badge as a stranger would who has nothing but the badge and the web."""
    header = jwt.get_unverified_header(signed)
    assert set(header) <= {"alg", "kid", "jwk", "typ"}
    assert header["alg"] == "RS256"
    address = urlsplit(header["kid"])
    assert f"{address.scheme}://{address.netloc}" == BASE
    key = here.client.get(address.path).json()
    assert "d" not in key
    assert key in here.client.get("/v1/badges/keys").json()["keys"]
    claims: dict[str, Any] = jwt.decode(
        signed, jwt.PyJWK(key).key, algorithms=["RS256"], options={"verify_nbf": False}
    )
    jsonschema_rs.validator_for(REQUIRED, validate_formats=True).validate(claims)
    assert claims["iss"] == claims["issuer"]["id"]
    assert claims["sub"] == claims["credentialSubject"]["id"]
    assert claims["jti"] == claims["id"]
    assert dt.datetime.fromisoformat(claims["validFrom"]).timestamp() == claims["nbf"]
    return claims


def earned(here: Here) -> Here:
    here.learns()
    here.works("good", met=True)
    return here


def test_who_carries_a_skill_through_has_a_badge_that_anybody_can_check(here: Here) -> None:
    earned(here)
    (badge,) = here.get("/v1/employees/e-1/badges").json()["badges"]
    assert badge["skill_name"] == "Calm"
    given = here.get("/v1/employees/e-1/badges/calm").json()
    claims = checked(here, given["signed"])
    assert {name: claims[name] for name in given["credential"]} == given["credential"]
    assert claims["validFrom"] == badge["achieved"]
    assert here.get("/v1/employees/e-1/badges/calm").json() == given
    profile = here.client.get(urlsplit(claims["iss"]).path).json()
    assert profile["name"] == "Larkfield Academy"
    stands_for = claims["credentialSubject"]["achievement"]
    public = here.client.get(urlsplit(stands_for["id"]).path).json()
    assert {name: public[name] for name in stands_for} == stands_for
    assert stands_for["alignment"][0]["targetUrl"] == "https://competencies.example/calm"


def test_a_badge_says_nothing_of_the_person_unless_they_ask_for_their_name(here: Here) -> None:
    earned(here)
    subject = here.runtime.queries.subject("e-1")
    assert subject is not None
    text = json.dumps(here.get("/v1/employees/e-1/badges/calm").json()["credential"])
    for private in (subject, "e-1", "ann", "Ann", "score", "x.example/q"):
        assert private not in text
    named = here.get("/v1/employees/e-1/badges/calm?name=true").json()
    identity = checked(here, named["signed"])["credentialSubject"]["identifier"]
    assert identity == [
        {"type": "IdentityObject", "identityType": "name", "identityHash": "Ann Ek", "hashed": False}
    ]
    unnamed = here.get("/v1/employees/e-1/badges/calm?name=true", who="plain").json()
    assert "identifier" not in unnamed["credential"]["credentialSubject"]


def test_a_badge_that_was_changed_or_signed_by_somebody_else_is_found_out(here: Here) -> None:
    earned(here)
    header, payload, signature = here.get("/v1/employees/e-1/badges/calm").json()["signed"].split(".")
    claims = json.loads(base64.urlsafe_b64decode(payload + "=="))
    claims["credentialSubject"]["achievement"]["name"] = "Everything"
    forged = base64.urlsafe_b64encode(json.dumps(claims).encode()).rstrip(b"=").decode()
    with pytest.raises(jwt.InvalidSignatureError):
        checked(here, f"{header}.{forged}.{signature}")
    kid = jwt.get_unverified_header(f"{header}.{payload}.{signature}")["kid"]
    assert here.client.get(urlsplit(kid).path[:-1] + "_").status_code == 404


def test_the_person_gets_it_by_the_link_in_the_message_without_an_account(
    here: Here, wait_until: Any
) -> None:
    earned(here)
    wait_until(here.sent.exists, 20.0, "the message to be sent")
    actions = [json.loads(line) for line in here.sent.read_text().splitlines()]
    (action,) = [one for one in actions if one["action"] == "recognition"]
    assert action["title"] == "You carry it through: Calm"
    link = urlsplit(action["link"])
    answer = here.client.get(link.path)
    assert answer.status_code == 200
    assert "attachment" in answer.headers["content-disposition"]
    assert "identifier" not in checked(here, answer.text)["credentialSubject"]
    assert "identifier" in checked(here, here.client.get(link.path + "?name=true").text)["credentialSubject"]
    assert here.client.get(link.path[:-2] + "xx").status_code == 404
    assert here.client.get(link.path.replace("/badge/", "/answer/")).status_code in (404, 410)


def test_a_badge_stays_and_the_streak_ends_with_the_stage(here: Here) -> None:
    earned(here)
    here.clock.ms += 9 * DAY
    here.works("again", met=True, count=3)
    (badge,) = here.get("/v1/employees/e-1/badges").json()["badges"]
    assert badge["streak_days"] == 9
    here.clock.ms += DAY
    here.works("bad", met=False, count=60)
    (after,) = here.get("/v1/employees/e-1/badges").json()["badges"]
    assert after == badge | {"streak_days": None}


def test_there_is_no_badge_for_what_was_not_reached_or_is_not_recognised(here: Here) -> None:
    earned(here)
    here.works("other", met=True, skill="other")
    assert [one["skill"] for one in here.get("/v1/employees/e-1/badges").json()["badges"]] == ["calm"]
    for path in (
        "/v1/employees/e-1/badges/other",
        "/v1/employees/e-2/badges/calm",
        "/v1/badges/achievements/other",
    ):
        answer = here.get(path)
        assert (answer.status_code, answer.json()["code"]) == (404, "badge-unknown")
    assert here.get("/v1/employees/e-9/badges").status_code == 404
    assert here.client.get("/v1/employees/e-1/badges").status_code == 401
    assert here.get("/v1/employees/e-1/badges/calm?name=yes").status_code == 400


def test_key_and_badges_outlive_a_restart(tmp_path: Path) -> None:
    clock = HandClock()
    first = Here(tmp_path, clock)
    try:
        earned(first)
        given = first.get("/v1/employees/e-1/badges/calm").json()
    finally:
        first.stop()
    assert stat.S_IMODE((tmp_path / "data" / "badges.key").stat().st_mode) == 0o600
    second = Here(tmp_path, clock)
    try:
        assert second.get("/v1/employees/e-1/badges/calm").json() == given
        checked(second, given["signed"])
    finally:
        second.stop()


def test_the_page_of_the_person_shows_badges_and_streaks(here: Here) -> None:
    earned(here)
    here.clock.ms += 2 * DAY
    assert here.client.get(f"/signin?token={here.sessions.new_link_token()}").status_code == 200
    page = here.client.get("/people/e-1").text
    assert 'id="badges"' in page
    assert "2 days" in page
    assert 'id="badges"' not in here.client.get("/people/e-2").text


def test_changes_of_stage_say_what_they_rest_on(here: Here) -> None:
    earned(here)
    effects = [msgspec.json.decode(one.body) for one in here.runtime.queries.effects_after(0, 1_000)]
    stages = [one for one in effects if one["type"] == "stage"]
    assert stages[-1]["after"] == "carried-through"
    assert stages[-1]["why"] == "You use this on the job with success."
    assert {reason["code"] for reason in stages[-1]["reasons"]} >= {"learning", "job"}
