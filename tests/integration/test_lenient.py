"""Proves what a lenient sender gets from the whole product: repairs, statements set aside alone, and outcomes.

A server process of its own with a strict and a lenient credential; what it kept is then read from its
folder as the commands of the quarantine read it, and folded again without the server.
"""

from __future__ import annotations

import base64
import http.client
import json
import subprocess
import sys
import urllib.request
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import apsw
import pytest

from carrythrough.gateway.auth import Credentials, new_credential
from carrythrough.pipeline.records import Kind
from carrythrough.testing.offline import compare, offline_fold, stored_state

SERVER = """
import json, sys
from carrythrough.embedded.serve import serve
from carrythrough.settings import Settings
settings = Settings(data_dir=sys.argv[1], port=0, metrics_port=0, program=sys.argv[2], log_level="error")
serve(settings, on_ready=lambda info: print(json.dumps(info), flush=True))
"""
PROGRAM = Path(sys.executable).with_name("carrythrough")
OUTCOMES = "application/vnd.carrythrough.outcomes+json"
SCOPES = ("statements/write", "statements/read")
PLAIN: dict[str, Any] = {
    "actor": {"mbox": "mailto:ana@example.org"},
    "verb": {"id": "http://example.org/did"},
    "object": {"id": "http://example.org/it"},
    "timestamp": "2026-03-01T09:30:00.000Z",
}


def named(**more: Any) -> dict[str, Any]:
    """Return a statement with an id of its own."""
    return {"id": str(uuid.uuid4()), **PLAIN, **more}


class House:
    """The running server; asks in the name of `strict` or `vr` (lenient)."""

    def __init__(self, folder: Path, program: Path) -> None:
        self.folder, self.secrets = folder, {}
        folder.mkdir()
        made = {
            "strict": new_credential("strict", SCOPES),
            "vr": new_credential("vr", SCOPES, mode="lenient"),
            "admin": new_credential("admin", ("all",)),
        }
        (folder / "credentials.json").write_text(Credentials([one for one, _ in made.values()]).to_file())
        for name, (credential, secret) in made.items():
            pair = f"{credential.key}:{secret}".encode()
            self.secrets[name] = "Basic " + base64.b64encode(pair).decode()
        command = [sys.executable, "-c", SERVER, str(folder), str(program)]
        self.process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
        assert self.process.stdout is not None
        info = json.loads(self.process.stdout.readline())
        self.port, self.metrics_url = int(info["url"].rpartition(":")[2]), info["metrics_url"]

    def ask(
        self,
        body: Any,
        who: str = "vr",
        method: str = "POST",
        target: str = "/xapi/statements",
        version: str = "1.0.3",
        **headers: str,
    ) -> tuple[int, Any, dict[str, str]]:
        link = http.client.HTTPConnection("127.0.0.1", self.port, timeout=20)
        sent = {
            "Authorization": self.secrets[who],
            "X-Experience-API-Version": version,
            "Content-Type": "application/json",
            **headers,
        }
        link.request(method, target, None if body is None else json.dumps(body), sent)
        answer = link.getresponse()
        text = answer.read()
        link.close()
        found = {name.lower(): value for name, value in answer.getheaders()}
        return answer.status, json.loads(text) if text else None, found

    def outcomes(self, *statements: Any, **more: str) -> list[dict[str, Any]]:
        status, found, _ = self.ask(list(statements), Accept=OUTCOMES, **more)
        assert status == 200
        assert isinstance(found, list)
        return found

    def log(self) -> apsw.Connection:
        return apsw.Connection(str(self.folder / "log.sqlite"), flags=apsw.SQLITE_OPEN_READONLY)

    def stop(self) -> None:
        self.process.terminate()
        self.process.wait(20)


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory, repository: Path) -> Iterator[House]:
    folder = tmp_path_factory.mktemp("lenient") / "data"
    running = House(folder, repository / "examples" / "tccc" / "program-map.yaml")
    yield running
    running.stop()


def test_the_answer_is_what_senders_understand(house: House) -> None:
    good, mended, bad = named(), named(result={"extensions": {"sessionId": 7}}), named(verb={"id": "did"})
    status, ids, headers = house.ask([good, mended, bad])
    assert status == 200
    assert ids == [good["id"], mended["id"], bad["id"]]
    assert headers["x-carrythrough-outcomes"] == (
        "stored=1, known=0, repaired=1, quarantined=1; 1=repaired:extension-key-not-iri, 2=quarantined:iri-invalid"
    )


def test_who_asks_for_outcomes_gets_them(house: House) -> None:
    good, mended, bad = named(), named(version="1.03"), named(actor={})
    found = house.outcomes(good, mended, bad)
    assert found[0] == {"id": good["id"], "outcome": "stored"}
    assert found[1] == {"id": mended["id"], "outcome": "repaired", "repairs": ["statement-version-wrong"]}
    assert (found[2]["id"], found[2]["outcome"]) == (bad["id"], "quarantined")
    assert (found[2]["problem"]["code"], found[2]["problem"]["where"]) == ("identifier-missing", "/actor")
    assert [one["outcome"] for one in house.outcomes(good, mended, bad)] == ["known", "known", "quarantined"]


def test_a_strict_credential_is_refused_as_ever(house: House) -> None:
    good = named()
    status, problem, headers = house.ask([good, named(verb={"id": "did"})], "strict")
    assert (status, problem["where"]) == (400, "/1/verb/id")
    assert "x-carrythrough-outcomes" not in headers
    assert house.ask([good], "strict", version="1.03")[0] == 400
    assert house.ask(None, "strict", "GET", f"/xapi/statements?statementId={good['id']}")[0] == 404


def test_a_version_header_that_is_nearly_right(house: House) -> None:
    good = named()
    status, found, headers = house.ask([good], version="1.03", Accept=OUTCOMES)
    assert (status, headers["x-experience-api-version"]) == (200, "1.0.3")
    assert found == [{"id": good["id"], "outcome": "repaired", "repairs": ["request-version-wrong"]}]
    assert house.ask([good], version="0.95")[0] == 400


def test_what_was_mended_is_given_out_mended_and_kept_as_sent(house: House) -> None:
    sent = named(object={"objectType": "GroupActivity", "id": "http://example.org/g"})
    assert house.outcomes(sent)[0]["outcome"] == "repaired"
    status, given, _ = house.ask(None, "vr", "GET", f"/xapi/statements?statementId={sent['id']}")
    assert (status, given["object"]) == (200, {"objectType": "Activity", "id": "http://example.org/g"})
    query = "SELECT original.raw, repairs FROM original JOIN log USING (position) WHERE id = ? AND kind = ?"
    [(raw, repairs)] = house.log().execute(query, (uuid.UUID(sent["id"]).bytes, int(Kind.STATEMENT)))
    assert json.loads(raw) == sent
    assert repairs == "object-type-unknown"


def test_an_id_that_stands_for_something_else_is_set_aside_alone(house: House) -> None:
    first, other = named(), named()
    assert house.outcomes(first)[0]["outcome"] == "stored"
    collided = {**first, "result": {"success": True}}
    found = house.outcomes(collided, other)
    assert [one["outcome"] for one in found] == ["quarantined", "stored"]
    assert found[0]["problem"]["code"] == "statement-conflict"
    assert "/result" in found[0]["problem"]["detail"]
    assert house.ask([collided], "strict")[0] == 409


def test_an_id_twice_in_a_request(house: House) -> None:
    one = named()
    found = house.outcomes(one, one, {**one, "result": {"success": False}})
    assert [entry["outcome"] for entry in found] == ["stored", "known", "quarantined"]


def test_a_refused_statement_is_kept_once_however_often_it_is_sent(house: House) -> None:
    bad = {**PLAIN, "verb": {"id": f"did {uuid.uuid4()}"}}
    ids = [house.outcomes(bad)[0]["id"] for _ in range(3)]
    assert len(set(ids)) == 1
    [(count,)] = house.log().execute(
        "SELECT count(*) FROM log WHERE kind = ? AND id = ?", (int(Kind.REFUSED), uuid.UUID(ids[0]).bytes)
    )
    assert count == 1
    assert house.ask(None, "vr", "GET", f"/xapi/statements?statementId={ids[0]}")[0] == 404


def test_a_put_has_only_one_statement(house: House) -> None:
    mended, bad = named(version="1.03"), named(actor={})
    status, _, headers = house.ask(mended, "vr", "PUT", f"/xapi/statements?statementId={mended['id']}")
    assert status == 204
    assert headers["x-carrythrough-outcomes"].startswith("stored=0, known=0, repaired=1")
    status, problem, _ = house.ask(bad, "vr", "PUT", f"/xapi/statements?statementId={bad['id']}")
    assert (status, problem["code"]) == (400, "identifier-missing")


def test_a_body_that_cannot_be_taken_apart_is_refused(house: House) -> None:
    link = http.client.HTTPConnection("127.0.0.1", house.port, timeout=20)
    link.request(
        "POST",
        "/xapi/statements",
        b'[{"actor":',
        {
            "Authorization": house.secrets["vr"],
            "X-Experience-API-Version": "1.0.3",
            "Content-Type": "application/json",
        },
    )
    answer = link.getresponse()
    assert (answer.status, json.loads(answer.read())["code"]) == (400, "json-malformed")
    link.close()


def test_many_statements_at_once(house: House) -> None:
    found = house.outcomes(*(named() if n % 3 else named(verb={"id": "did"}) for n in range(90)))
    assert [one["outcome"] for one in found] == ["stored" if n % 3 else "quarantined" for n in range(90)]
    _, _, headers = house.ask([named(verb={"id": "did"}) for _ in range(90)])
    assert len(headers["x-carrythrough-outcomes"]) < 2_000
    assert headers["x-carrythrough-outcomes"].endswith(", and 70 more")


def test_the_quarantine_lists_shows_and_exports_it(house: House, tmp_path: Path, wait_until: Any) -> None:
    bad = named(verb={"id": f"did {uuid.uuid4()}"})
    house.outcomes(bad)

    def run(*arguments: str) -> str:
        command = [str(PROGRAM), "quarantine", *arguments, "--data-dir", str(house.folder)]
        done = subprocess.run(command, capture_output=True, text=True, check=True, cwd=tmp_path, timeout=60)
        return done.stdout

    def listed() -> list[dict[str, Any]]:
        entries: list[dict[str, Any]] = json.loads(run("list", "--json"))["set_aside"]
        return [entry for entry in entries if bad["verb"]["id"] in entry["detail"]]

    wait_until(listed, what="the entry in the quarantine")
    [entry] = listed()
    assert (entry["kind"], entry["code"], entry["credential"]) == (int(Kind.REFUSED), "iri-invalid", "vr")
    assert "(at /verb/id)" in entry["detail"]
    assert "beyond repair" in run("list")
    shown = json.loads(run("show", str(entry["position"]), "--json"))
    assert json.loads(shown["record"]) == bad
    assert shown["problem"]["where"] == "/verb/id"
    assert json.loads(run("export", str(entry["position"]))) == bad


def test_repairs_and_refusals_are_counted_once(house: House) -> None:
    def counts() -> tuple[float, float]:
        text = urllib.request.urlopen(house.metrics_url, timeout=20).read().decode()
        names = (
            'carrythrough_statement_repairs_total{repair="extension-key-not-iri"}',
            'carrythrough_statements_set_aside_total{code="uuid-invalid"}',
        )
        found = dict(line.rpartition(" ")[::2] for line in text.splitlines() if line[:1] != "#")
        return float(found.get(names[0], 0)), float(found.get(names[1], 0))

    before = counts()
    sent = (named(context={"extensions": {"room": 7}}), named(context={"registration": "r"}))
    for _ in range(2):
        house.outcomes(*sent)
    assert counts() == (before[0] + 1, before[1] + 1)


def test_the_log_folds_to_the_same_without_the_server(house: House, wait_until: Any) -> None:
    house.outcomes(named(actor={}), named())
    [(end,)] = house.log().execute("SELECT max(position) FROM log")
    wait_until(lambda: stored_state(house.folder).position >= end, what="the fold")
    stored = stored_state(house.folder)
    assert stored.set_aside
    assert compare(stored, offline_fold(house.folder, up_to=stored.position)) == []
