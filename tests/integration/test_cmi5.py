"""Proves over the running server that cmi5 registrations are judged, shown, explained and survive a restart."""

from __future__ import annotations

import json
import os
import random
import subprocess
import sys
import uuid
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx
import pytest

from carrythrough.embedded.decoding import record_of
from carrythrough.embedded.log import LogFile
from carrythrough.embedded.registrations import Registrations
from carrythrough.embedded.runtime import Embedded
from carrythrough.pipeline.plan import InForce
from carrythrough.pipeline.records import SUPERSEDED, Kind, Record
from carrythrough.pipeline.step import State, step
from carrythrough.settings import Settings
from carrythrough.testing.offline import compare, offline_fold, stored_state
from carrythrough.xapi.admission import Limits, admit

PROGRAM = Path(sys.executable).with_name("carrythrough")
CMI5 = "https://w3id.org/xapi/cmi5/context/"
ADL, W3ID = "http://adlnet.gov/expapi/verbs/", "https://w3id.org/xapi/adl/verbs/"
REGISTRATION = "6d2e4a0e-6b5e-4f0e-9d1f-0c8f8d8f1a2b"
MAP = """
map: cmi5
version: 1
name: cmi5
goals: [{id: g, name: G, kpis: [{id: k, name: K}]}]
skills: [{id: calm, name: Staying calm, kpis: [k]}]
activities:
  - {id: quiz, name: Quiz, match: {activity_prefix: "https://x.example/au/"}, evidence: [{skill: calm, channel: learn, outcome: score}]}
  - {id: sim, name: Simulation, match: {activity_prefix: "https://x.example/sim/"}, evidence: [{skill: calm, channel: practice, outcome: score}]}
policy: {holdout: 0.0, minimum_outcomes: 1, minimum_effective: 0.1}
"""  # noqa: E501


def of(
    verb: str, minute: int, *, scaled: float | None = None, defined: bool = True, **changes: Any
) -> dict[str, Any]:
    """Return a statement of Ada's registration, cmi5-defined unless said otherwise."""
    root = W3ID if verb in ("abandoned", "waived", "satisfied") else ADL
    result: dict[str, Any] = {}
    if verb in ("passed", "failed", "waived"):
        result["success"] = verb != "failed"
    if verb in ("completed", "waived"):
        result["completion"] = True
    if scaled is not None:
        result["score"] = {"scaled": scaled}
    extensions = {CMI5 + "extensions/sessionid": changes.pop("session", "s-1")}
    mastery = changes.pop("mastery", 0.8)
    if verb == "launched":
        extensions |= {
            CMI5 + "extensions/masteryscore": mastery,
            CMI5 + "extensions/moveon": changes.pop("move_on", "CompletedAndPassed"),
            CMI5 + "extensions/launchmode": "Normal",
        }
    category = [{"id": CMI5 + "categories/cmi5"}, {"id": CMI5 + "categories/moveon"}] if defined else []
    return {
        "id": str(uuid.uuid4()),
        "actor": {"account": {"homePage": "https://lms.example", "name": "ada"}},
        "verb": {"id": root + verb},
        "object": {"id": changes.pop("unit", "https://x.example/au/1")},
        **({"result": result} if result else {}),
        "context": {
            "registration": REGISTRATION,
            "contextActivities": {"category": category},
            "extensions": extensions,
        },
        "timestamp": f"2026-03-01T10:{minute:02d}:00Z",
        **changes,
    }


class Live:
    """A server process; `send` posts statements and waits until they are scored."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        (folder / "map.yaml").write_text(MAP, "utf-8")
        self.secrets: dict[str, Any] = {}
        self.start()

    def start(self) -> None:
        clean = {name: value for name, value in os.environ.items() if not name.startswith("CARRYTHROUGH_")}
        self.process = subprocess.Popen(
            [str(PROGRAM), "serve", "--json", "--data-dir", "data", "--program", "map.yaml", "--port", "0",
             "--metrics-port", "0", "--log-level", "error"],
            cwd=self.folder, env=clean, stdout=subprocess.PIPE, text=True,
        )  # fmt: skip
        assert self.process.stdout is not None
        info = json.loads(self.process.stdout.readline())
        self.url, self.signin = info["url"], info["signin_url"]
        self.secrets |= {made["name"]: (made["key"], made["secret"]) for made in info["credentials"]}

    def stop(self) -> None:
        self.process.terminate()
        self.process.wait(20)
        assert self.process.stdout is not None
        self.process.stdout.close()

    def get(self, path: str) -> Any:
        answer = httpx.get(self.url + path, auth=self.secrets["reader"])
        assert answer.status_code == 200, answer.text
        return answer.json()

    def send(self, wait_until: Callable[..., None], *statements: dict[str, Any]) -> None:
        answer = httpx.post(
            self.url + "/xapi/statements",
            json=list(statements),
            auth=self.secrets["lms"],
            headers={"X-Experience-API-Version": "1.0.3"},
        )
        assert answer.status_code == 200, answer.text
        wait_until(lambda: self.get("/v1/summary")["lag_records"] == 0, 10.0, "the fold")

    def subject(self) -> str:
        return str(self.get("/v1/scores")["scores"][0]["subject"])


@pytest.fixture
def live(tmp_path: Path) -> Any:
    server = Live(tmp_path)
    yield server
    server.stop()


def unit(live: Live) -> dict[str, Any]:
    found: dict[str, Any] = live.get(f"/v1/registrations/{REGISTRATION.upper()}")["units"][0]
    return found


def test_a_registration_is_judged_shown_and_explained(live: Live, wait_until: Any) -> None:
    low = of("passed", 5, scaled=0.5)
    good = of("passed", 6, scaled=0.9)
    late = of("failed", 7, scaled=0.1)
    # The launch, which names the mastery score, comes last: until then the low pass counts.
    live.send(wait_until, low)
    assert unit(live)["passed"]["statement"] == low["id"]
    assert unit(live)["met"] is None
    live.send(wait_until, good, late, of("initialized", 2), of("launched", 1))
    found = unit(live)
    assert found["passed"] == {"statement": good["id"], "time": "2026-03-01T10:06:00.000Z", "scaled": 0.9}
    assert {entry["statement"]: entry["reason"] for entry in found["set_aside"]} == {
        low["id"]: "below-mastery",
        late["id"]: "after-passed",
    }
    assert (found["move_on"], found["met"], found["mastery_score"]) == ("CompletedAndPassed", False, 0.8)
    live.send(wait_until, of("completed", 8), of("terminated", 9))
    assert unit(live)["met"] is True
    assert unit(live)["met_since"] == "2026-03-01T10:08:00.000Z"

    explained = live.get(f"/v1/employees/{live.subject()}/explanation?skill=calm")
    outcomes = [piece for piece in explained["evidence"] if piece["outcome"] is not None]
    assert [piece["outcome"] for piece in outcomes] == pytest.approx([0.9], abs=1e-4)
    assert [entry["reason"] for entry in explained["set_aside"]] == ["after-passed", "below-mastery"]
    assert "mastery score" in explained["set_aside"][1]["text"]


def test_a_void_brings_back_what_was_set_aside(live: Live, wait_until: Any) -> None:
    first, second = of("passed", 1, scaled=0.85), of("passed", 2, scaled=0.95)
    live.send(wait_until, first, second)
    assert unit(live)["passed"]["statement"] == first["id"]
    void = {
        "actor": {"mbox": "mailto:admin@lms.example"},
        "verb": {"id": ADL + "voided"},
        "object": {"objectType": "StatementRef", "id": first["id"]},
    }
    live.send(wait_until, void)
    assert unit(live)["passed"]["statement"] == second["id"]
    explained = live.get(f"/v1/employees/{live.subject()}/explanation?skill=calm")
    assert [piece["outcome"] for piece in explained["evidence"]] == pytest.approx([0.95], abs=1e-4)


def test_waived_is_met_and_no_outcome_and_allowed_statements_are_mapped_as_any(
    live: Live, wait_until: Any
) -> None:
    live.send(wait_until, of("launched", 1), of("waived", 2, session="lms-1"))
    assert unit(live)["met"] is True
    assert unit(live)["waived"] is not None
    assert live.get("/v1/scores")["scores"] == []
    assert live.get("/v1/summary")["evidence"] == 0
    live.send(
        wait_until,
        *(of("passed", minute, scaled=0.9, defined=False) for minute in (3, 4)),
        of("abandoned", 5, session="s-2"),
        of("satisfied", 6, unit="https://lms.example/block/7"),
    )
    assert live.get("/v1/scores")["scores"][0]["outcomes"] == 2
    found = live.get(f"/v1/registrations/{REGISTRATION}")
    assert [entry["activity"] for entry in found["satisfied"]] == ["https://lms.example/block/7"]
    assert len(found["units"]) == 1
    assert found["units"][0]["abandoned"] == 1


def test_how_practice_went_is_for_the_learner_alone(live: Live, wait_until: Any) -> None:
    sim = "https://x.example/sim/1"
    live.send(
        wait_until,
        *(of("failed", minute, scaled=0.2, unit=sim) for minute in (1, 2)),
        of("passed", 3, scaled=0.9, unit=sim),
        of("passed", 4, scaled=0.9, unit=sim),
        of("failed", 5, scaled=0.3),
    )
    quiz, practice = live.get(f"/v1/registrations/{REGISTRATION}")["units"]
    assert (quiz["practice"], practice["practice"]) == (False, True)
    assert quiz["failed"]["scaled"] == 0.3
    assert (practice["failed"], practice["set_aside"], practice["passed"]["scaled"]) == (None, [], None)
    of_employee = live.get(f"/v1/employees/{live.subject()}/registrations")["registrations"][0]
    assert of_employee["units"] == [quiz, practice]
    assert of_employee["withheld"] is True
    whole = Registrations(live.folder / "data/state.sqlite")
    try:
        found = whole.registration(uuid.UUID(REGISTRATION).bytes)
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr("carrythrough.embedded.registrations.MARKS_READ_MAX", 4)
            part = whole.registration(uuid.UUID(REGISTRATION).bytes)
    finally:
        whole.close()
    assert part is not None
    assert (len(part["units"]), part["truncated"], part["met"]) == (1, True, None)
    assert found is not None
    assert found["truncated"] is False
    assert found["units"][1]["failed"]["scaled"] == 0.2
    assert [entry["reason"] for entry in found["units"][1]["set_aside"]] == ["after-passed"]


def test_it_survives_a_restart_and_equals_the_log_folded_anew(
    live: Live, wait_until: Any, tmp_path: Path
) -> None:
    live.send(wait_until, of("passed", 5, scaled=0.5), of("passed", 6, scaled=0.9), of("completed", 7))
    live.process.kill()
    live.process.wait(20)
    live.start()
    live.send(wait_until, of("launched", 1), of("passed", 8, scaled=1.0), of("completed", 9, session="s-3"))
    before = live.get(f"/v1/registrations/{REGISTRATION}")
    live.stop()
    assert compare(stored_state(tmp_path / "data"), offline_fold(tmp_path / "data")) == []
    live.start()
    assert live.get(f"/v1/registrations/{REGISTRATION}") == before
    assert len(before["units"][0]["set_aside"]) == 3


def test_a_crowd_of_registrations_in_any_batches_equals_the_log_folded_anew(tmp_path: Path) -> None:
    """Random verbs, sessions, voids and repeats of many learners, through SQLite and a restart in the middle."""
    (tmp_path / "map.yaml").write_text(MAP, "utf-8")
    settings = Settings(data_dir=str(tmp_path / "data"), program=str(tmp_path / "map.yaml"))
    chance = random.Random(5)
    verbs = (
        "launched",
        "initialized",
        "passed",
        "passed",
        "failed",
        "completed",
        "abandoned",
        "waived",
        "satisfied",
    )
    sent: list[dict[str, Any]] = []
    for part in range(2):
        runtime = Embedded(settings)
        runtime.start()
        try:
            for _ in range(40):
                batch = [some(chance, verbs, sent) for _ in range(chance.randrange(1, 12))]
                fresh = [one for one in batch if one not in sent]
                runtime.committer.submit_now(
                    Kind.STATEMENT, admit(json.dumps(fresh).encode(), Limits(), "1.0.3"), "lms"
                )
                sent += fresh
            assert runtime.caught_up()
            assert runtime.queries.summary()["quarantined"] == 0, part
        finally:
            runtime.stop()
    stored = stored_state(tmp_path / "data")
    assert compare(stored, offline_fold(tmp_path / "data")) == []
    assert sum(bool(row.voided & SUPERSEDED) for row in stored.rows.values()) > 20, (
        "too tame to prove anything"
    )
    shuffled, _ = step(State(), reordered(tmp_path / "data", chance), in_force_of(settings))
    assert shuffled.evidence_bytes() == stored.evidence_bytes()


def some(chance: random.Random, verbs: tuple[str, ...], sent: list[dict[str, Any]]) -> dict[str, Any]:
    """Return a random statement of a few learners and registrations, or a void of one sent before."""
    number = chance.randrange(6)
    common = {
        "id": str(uuid.UUID(int=chance.getrandbits(128), version=4)),
        "actor": {"account": {"homePage": "https://lms.example", "name": f"p{number}"}},
    }
    if sent and chance.random() < 0.15:
        target = {"objectType": "StatementRef", "id": chance.choice(sent)["id"]}
        return {**common, "verb": {"id": ADL + "voided"}, "object": target}
    return of(
        chance.choice(verbs),
        chance.randrange(60),
        scaled=chance.choice((None, 0.3, 0.7, 0.9)),
        defined=chance.random() < 0.85,
        session=f"s-{number}-{chance.randrange(3)}",
        mastery=chance.choice((0.5, 0.8)),
        unit=f"https://x.example/au/{chance.randrange(2)}",
        **common,
    )


def reordered(folder: Path, chance: random.Random) -> list[Record]:
    """Return the statements of a log in another order, with the log times that they had."""
    log = LogFile(folder / "log.sqlite")
    reader = log.reader()
    records = [record_of(row) for row in reader.all() if row.kind == Kind.STATEMENT]
    reader.close()
    log.close()
    chance.shuffle(records)
    return records


def in_force_of(settings: Settings) -> InForce:
    runtime = Embedded(settings)
    try:
        return runtime.fold.in_force
    finally:
        runtime.stop()


def test_the_page_of_the_person_shows_the_units(live: Live, wait_until: Any) -> None:
    live.send(
        wait_until,
        of("launched", 1, move_on="Passed"),
        of("passed", 2, scaled=0.9),
        of("failed", 3, scaled=0.1),
        of("launched", 4, unit="https://x.example/au/a&b"),
    )
    with httpx.Client(base_url=live.url, follow_redirects=True) as browser:
        browser.get(live.signin)
        text = browser.get(f"/people/{live.subject()}").text
    table = text[text.index('id="courses"') :]
    assert "https://x.example/au/1" in table
    assert "1 Mar 2026, 10:02" in table
    assert "failed: this unit was passed before" in table
    assert "au/a&amp;b" in table


def test_the_command_shows_it_from_a_folder_and_from_a_server(
    live: Live, wait_until: Any, tmp_path: Path
) -> None:
    live.send(wait_until, of("launched", 1), of("passed", 2, scaled=0.4), of("passed", 3, scaled=0.9))
    key, secret = live.secrets["reader"]
    server = ["--url", live.url, "--key", key, "--secret", secret]

    def run(*arguments: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [str(PROGRAM), *arguments], cwd=tmp_path, capture_output=True, text=True, check=False, timeout=60
        )

    for where in (["--data-dir", "data"], server):
        shown = run("registration", REGISTRATION, *where)
        assert shown.returncode == 0, shown.stderr
        assert "not met" in shown.stdout
        assert "mastery score" in " ".join(shown.stdout.split())
        by_employee = json.loads(run("registration", live.subject(), "--json", *where).stdout)
        assert by_employee["registrations"][0]["registration"] == REGISTRATION
        unknown = run("registration", str(uuid.uuid4()), *where)
        assert unknown.returncode == 1
        assert "cmi5" in unknown.stderr
    assert "Set aside" in run("explain", live.subject(), "--data-dir", "data").stdout
