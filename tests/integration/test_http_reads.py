"""The read side over HTTP against a real server process: scores, explanation, actions, and a resumable stream."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import time
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from carrythrough.gateway.auth import Credentials, new_credential

MAP = """
map: m
version: 1
name: M
goals: [{id: g, name: G, kpis: [{id: k, name: K}]}]
skills:
  - {id: calm, name: Calm, kpis: [k]}
  - {id: fix, name: Fix, kpis: [k]}
activities:
  - {id: quiz, name: Quiz, match: {activity_prefix: "https://x.example/q/"}, evidence: [{skill: calm, channel: learn, outcome: score, item: activity}]}
  - {id: sim, name: Sim, match: {activity_prefix: "https://x.example/s/"}, evidence: [{skill: fix, channel: practice, outcome: score}]}
events: [{id: qa, match: {kind: qa-result}, evidence: [{skill: calm, channel: job}]}]
"""  # noqa: E501
ROSTER = """
people:
  - {id: e-1, name: Ann Lee, email: ann@x.example, team: north, role: agent}
  - {id: e-2, name: Bo Olsen, email: bo@x.example, team: south, role: agent}
"""
SERVER = """
import json, sys
from carrythrough.embedded.serve import serve
from carrythrough.settings import Settings
folder = sys.argv[1]
serve(
    Settings(data_dir=folder + "/data", program=folder + "/map.yaml", roster=folder + "/roster.yaml", port=0, metrics_port=0),
    on_ready=lambda info: print(json.dumps(info), flush=True),
)
"""  # noqa: E501


SCOPES = {
    "lms": ("statements/write",),
    "reader": ("scores/read", "people/read"),
    "plain": ("scores/read",),
    "coach": ("scores/read", "learner/read"),
    "board": ("groups/read",),
    "steward": ("scores/read", "scores/contest"),
}


def write_credentials(folder: Path) -> dict[str, tuple[str, str]]:
    """Make a credential of each kind and return (key, secret) by name."""
    folder.mkdir()
    made = {name: new_credential(name, scopes) for name, scopes in SCOPES.items()}
    (folder / "credentials.json").write_text(Credentials(c for c, _ in made.values()).to_file())
    return {name: (credential.key, secret) for name, (credential, secret) in made.items()}


class Server:
    """A server process, with one client for each credential."""

    def __init__(self, folder: Path) -> None:
        self.logins = logins = write_credentials(folder / "data")
        self.process = subprocess.Popen(
            [sys.executable, "-c", SERVER, str(folder)], stdout=subprocess.PIPE, stderr=subprocess.PIPE
        )
        assert self.process.stdout is not None
        line = self.process.stdout.readline()
        assert line, self.process.stderr.read().decode() if self.process.stderr else ""
        self.info: dict[str, Any] = json.loads(line)
        self.clients = {
            name: httpx.Client(base_url=self.info["url"], auth=login, timeout=10)
            for name, login in logins.items()
        }
        self.reader = self.clients["reader"]
        self.lms = self.clients["lms"]
        self.lms.headers["X-Experience-API-Version"] = "1.0.3"

    def post(self, *statements: dict[str, Any]) -> list[str]:
        answer = self.lms.post("/xapi/statements", json=list(statements))
        assert answer.status_code == 200, answer.text
        return list(answer.json())

    def settle(self) -> None:
        deadline = time.monotonic() + 20
        while self.reader.get("/v1/summary").json()["lag_records"]:
            assert time.monotonic() < deadline
            time.sleep(0.01)

    def stop(self) -> int:
        for client in self.clients.values():
            client.close()
        self.process.send_signal(signal.SIGTERM)
        return self.process.wait(20)


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    folder = tmp_path_factory.mktemp("server")
    (folder / "map.yaml").write_text(MAP)
    (folder / "roster.yaml").write_text(ROSTER)
    running = Server(folder)
    running.post(*(answer("ann", n) for n in range(7)), *(answer("bo", n, 0.3) for n in range(7)))
    running.post(*(answer("ann", n, 0.9, "s") for n in range(7)))
    running.settle()
    yield running
    assert running.stop() == 0, "SIGTERM ends the server cleanly"


def answer(who: str, number: int, scaled: float = 1.0, kind: str = "q") -> dict[str, Any]:
    return {
        "id": str(uuid.uuid4()),
        "actor": {"mbox": f"mailto:{who}@x.example"},
        "verb": {"id": "http://adlnet.gov/expapi/verbs/answered"},
        "object": {"id": f"https://x.example/{kind}/{number}"},
        "result": {"score": {"scaled": scaled}},
    }


def test_scores_by_roster_id_and_by_pseudonym(server: Server) -> None:
    by_id = server.reader.get("/v1/employees/e-1/scores").json()
    by_subject = server.reader.get(f"/v1/employees/{by_id['subject']}/scores").json()
    assert [s["skill"] for s in by_id["skills"]] == ["calm", "fix"]
    assert by_id["name"] == by_subject["name"] == "Ann Lee"
    assert by_id["overall"]["weakest_skill"] in {"calm", "fix"}
    assert "ann@" not in json.dumps(by_id)


def test_pages_of_scores_cover_everything_once(server: Server) -> None:
    seen, cursor = [], ""
    while cursor is not None:
        page = server.reader.get("/v1/scores", params={"limit": 1, "cursor": cursor}).json()
        seen += [(s["subject"], s["skill"]) for s in page["scores"]]
        cursor = page["next"]
    assert len(seen) == len(set(seen)) == 3
    assert seen == sorted(seen)


@pytest.mark.parametrize(
    ("filters", "count"),
    [
        ({"skill": "fix"}, 1),
        ({"team": "south"}, 1),
        ({"skill": "nope"}, 0),
        ({"team": "north", "skill": "calm"}, 1),
    ],
)
def test_filters_of_scores(server: Server, filters: dict[str, str], count: int) -> None:
    assert len(server.reader.get("/v1/scores", params=filters).json()["scores"]) == count


def test_an_explanation_can_be_recomputed_by_hand(server: Server) -> None:
    found = server.reader.get("/v1/employees/e-1/explanation", params={"skill": "calm"}).json()
    prior, job = found["prior"], found["job"]
    total = sum(c["weight"] * c["value"] for c in prior["contributions"])
    assert total == pytest.approx(prior["logit"], abs=1e-4)
    pi = 1 / (1 + 2.718281828459045 ** -prior["logit"])
    alpha = job["m"] * pi + job["successes"]
    beta = job["m"] * (1 - pi) + job["trials"] - job["successes"]
    assert alpha / (alpha + beta) == pytest.approx(found["score"], abs=1e-3)
    assert len(found["evidence"]) >= 7
    assert {e["channel"] for e in found["evidence"]} == {"learn"}
    assert found["trajectory"][-1]["score"] == pytest.approx(found["score"], abs=1e-3)


def test_an_explanation_of_the_past_knows_only_the_past(server: Server) -> None:
    past = server.reader.get(
        "/v1/employees/e-1/explanation", params={"skill": "calm", "at": "2020-01-01T00:00:00Z"}
    ).json()
    assert past["score"] is None
    assert past["evidence"] == []
    assert "Not enough evidence" in past["sentences"][0]


@pytest.mark.parametrize(
    ("path", "status", "where"),
    [
        ("/v1/employees/nobody/scores", 404, "reference"),
        ("/v1/employees/e-1/explanation", 400, "skill"),
        ("/v1/employees/e-1/explanation?skill=nope", 404, "skill"),
        ("/v1/employees/e-1/explanation?skill=calm&at=yesterday", 400, "at"),
        ("/v1/scores?limit=0", 400, "limit"),
        ("/v1/scores?colour=red", 400, "colour"),
        ("/v1/stream?types=gossip", 400, "types"),
        ("/v1/stream?last-event-id=x", 400, "Last-Event-ID"),
        ("/v1/scores?limit=²", 400, "limit"),
        ("/v1/scores?limit=" + "0" * 5_000 + "1", 400, "limit"),
        ("/v1/stream?last-event-id=²", 400, "Last-Event-ID"),
        ("/v1/stream?last-event-id=" + "9" * 23, 400, "Last-Event-ID"),
        ("/v1/employees/e-1/explanation?skill=calm&at=0001-01-01T00:00:00%2B14:00", 400, "at"),
        (
            "/v1/employees/e-1/explanation?skill=calm&as_known_at=9999-12-31T23:59:59-14:00",
            400,
            "as_known_at",
        ),
    ],
)
def test_wrong_questions_get_problems(server: Server, path: str, status: int, where: str) -> None:
    answered = server.reader.get(path)
    assert answered.status_code == status
    assert answered.headers["content-type"] == "application/problem+json"
    problem = answered.json()
    assert problem["where"] == where
    assert problem["rule"]
    assert problem["fix"]


@pytest.mark.parametrize("name", ["actions", "quarantine", "dead-letters", "contests"])
@pytest.mark.parametrize("cursor", ["x", "²", "9" * 23, "0" * 5_000 + "1", "-1"])
def test_a_cursor_that_is_none_of_ours_breaks_nothing(server: Server, name: str, cursor: str) -> None:
    client = server.clients["steward"]
    assert client.get(f"/v1/{name}", params={"cursor": cursor}).status_code == 200
    assert client.get(f"/v1/{name}", params={"limit": "²"}).status_code == 400


def test_a_time_before_the_year_1000_is_written_with_four_digits(server: Server) -> None:
    then = {"skill": "calm", "at": "0500-01-01T00:00:00Z"}
    past = server.reader.get("/v1/employees/e-1/explanation", params=then).json()
    assert past["as_of"] == "0500-01-01T00:00:00.000Z"


def test_a_time_before_the_program_is_told_from_an_unknown_skill(server: Server) -> None:
    then = {"skill": "calm", "as_known_at": "2001-01-01T00:00:00Z"}
    problem = server.reader.get("/v1/employees/e-1/explanation", params=then).json()
    assert problem["code"] == "skill-unknown"
    assert "in force then" in problem["detail"]


def test_reading_needs_the_scope(server: Server) -> None:
    nobody = httpx.get(server.info["url"] + "/v1/scores")
    assert nobody.status_code == 401
    assert nobody.headers["www-authenticate"].startswith("Basic")
    assert httpx.get(server.info["url"] + "/v1/scores", auth=("reader-x", "wrong")).status_code == 401
    sender = server.lms.get("/v1/scores")
    assert sender.status_code == 403
    assert "scores/read" in sender.json()["fix"]
    assert httpx.get(server.info["url"] + "/healthz").status_code == 200
    assert httpx.get(server.info["url"] + "/readyz").status_code == 200


def test_single_practices_are_for_the_learner_alone(server: Server) -> None:
    shown = {
        name: server.clients[name].get("/v1/employees/e-1/explanation", params={"skill": "fix"}).json()
        for name in ("reader", "coach")
    }
    assert shown["reader"]["score"] == shown["coach"]["score"]
    assert {round(entry["outcome"], 3) for entry in shown["coach"]["evidence"]} == {0.9}
    assert {entry["outcome"] for entry in shown["reader"]["evidence"]} == {None}
    coached, read = (
        {c["feature"]: c for c in shown[name]["prior"]["contributions"]} for name in ("coach", "reader")
    )
    assert coached["practice_7d"]["value"] > 0
    assert not [name for name in read if name.startswith("practice_")]
    assert sum(c["logit"] for c in read.values()) == pytest.approx(
        shown["reader"]["prior"]["logit"], abs=1e-4
    )
    assert not [line for line in shown["reader"]["calculation"] if line.startswith("success in simulations")]
    assert shown["reader"]["withheld"]
    assert "withheld" not in shown["coach"]


def test_a_reader_sees_reviews_without_what_is_the_learners(server: Server) -> None:
    key, secret = server.logins["reader"]
    reviews = (sys.executable, "-m", "carrythrough.cli.main", "reviews", "e-2")
    done = subprocess.run(
        [*reviews, "--url", server.info["url"], "--key", key, "--secret", secret],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert "https://x.example/q/" in done.stdout
    assert "is for the learner alone" in done.stdout


def test_groups_are_hidden_in_small_organisations(server: Server) -> None:
    found = server.reader.get("/v1/groups", params={"by": "team"}).json()
    assert [group["group"] for group in found["groups"]] == ["north", "south"]
    assert {group["overall"]["hidden"] for group in (found["program"], *found["groups"])} == {"small"}
    assert server.lms.get("/v1/groups").status_code == 403
    board = server.clients["board"]
    assert board.get("/v1/groups").status_code == 200
    assert board.get("/v1/scores").status_code == 403


def test_metrics_stand_on_a_port_of_their_own(server: Server) -> None:
    text = httpx.get(server.info["metrics_url"]).text
    assert "carrythrough_records_acknowledged_total" in text
    assert "ann" not in text
    assert httpx.get(server.info["url"] + "/metrics").status_code == 404


def _events(response: httpx.Response, count: int) -> list[tuple[int, str, dict[str, Any]]]:
    found, current = [], {}
    for line in response.iter_lines():
        if line.startswith(("id:", "event:", "data:")):
            name, _, value = line.partition(":")
            current[name] = value.strip()
        elif not line and "data" in current:
            found.append((int(current["id"]), current["event"], json.loads(current["data"])))
            current = {}
            if len(found) == count:
                break
    return found


def test_the_stream_is_live_and_resumes_where_it_was_cut(server: Server) -> None:
    with server.reader.stream("GET", "/v1/stream", params={"types": "score"}) as stream:
        server.post(answer("bo", 100, 0.2))
        server.post(answer("bo", 101, 0.2))
        first = _events(stream, 2)
    assert [kind for _, kind, _ in first] == ["score", "score"]
    assert first[1][2]["sequence"] == first[0][2]["sequence"] + 1
    server.post(answer("bo", 102, 0.2))
    header = {"Last-Event-ID": str(first[0][0])}
    with server.reader.stream("GET", "/v1/stream", params={"types": "score"}, headers=header) as stream:
        resumed = _events(stream, 2)
    assert resumed[0] == first[1]
    assert resumed[1][2]["sequence"] == first[1][2]["sequence"] + 1


def test_the_stream_filters_by_person_and_skill(server: Server) -> None:
    everything = {"last-event-id": "0", "types": "score,stage", "subject": "e-1", "skill": "fix"}
    with server.reader.stream("GET", "/v1/stream", params=everything) as stream:
        found = _events(stream, 7)
    subject = server.reader.get("/v1/employees/e-1/scores").json()["subject"]
    assert {(e["subject"], e["skill"]) for _, _, e in found} == {(subject, "fix")}


def test_a_score_is_visible_on_the_stream_soon_after_the_answer(server: Server) -> None:
    with server.reader.stream("GET", "/v1/stream", params={"types": "score"}) as stream:
        (sent,) = server.post(answer("ann", 200, 0.8))
        ((_, _, effect),) = _events(stream, 1)
    assert effect["source"] == sent.replace("-", "")


def test_names_stay_behind_their_scope(server: Server) -> None:
    named = server.reader.get("/v1/scores").json()["scores"][0]
    assert named["name"] in {"Ann Lee", "Bo Olsen"}
    unnamed = server.clients["plain"].get("/v1/scores").json()["scores"][0]
    assert unnamed["subject"] == named["subject"]
    assert not {"name", "employee", "team", "email"} & set(unnamed)
