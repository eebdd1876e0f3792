"""Proves the roster's own API and commands against a running server and a folder: put, change, remove, many at once.

A change is readable as soon as it is acknowledged, and outlives a kill; two doors (SCIM and this one) see one roster.
"""

from __future__ import annotations

import json
import subprocess
import sys
import uuid
from pathlib import Path
from typing import Any

import httpx
import pytest

from carrythrough.cli.main import main

PEOPLE = "/v1/roster/people"
CHANGES = "/v1/roster/changes"


def put(client: httpx.Client, id_: str, **person: Any) -> dict[str, Any]:
    answer = client.put(f"{PEOPLE}/{id_}", json=person)
    assert answer.status_code in {200, 201}, answer.text
    return dict(answer.json()["person"])


@pytest.fixture
def writer(live: Any) -> Any:
    with live.client("writer") as client:
        yield client


def test_a_person_is_put_changed_read_and_removed(writer: httpx.Client, live: Any) -> None:
    answer = writer.put(f"{PEOPLE}/a-1", json={"name": "Ada", "team": "N", "work_hours": "08:00-17:00"})
    assert answer.status_code == 201
    tag = answer.headers["etag"]
    answer = writer.patch(
        f"{PEOPLE}/a-1",
        json={"team": "S", "work_hours": None, "leave": [{"from": "2026-07-06"}]},
        headers={"If-Match": tag},
    )
    wanted = {"id": "a-1", "name": "Ada", "team": "S", "leave": [{"from": "2026-07-06"}]}
    assert answer.json()["person"] == wanted
    with live.client("reader") as reader:
        assert reader.get(f"{PEOPLE}/a-1").json() == wanted
        assert reader.put(f"{PEOPLE}/a-1", json={}).status_code == 403
    assert writer.delete(f"{PEOPLE}/a-1", headers={"If-Match": tag}).status_code == 412
    assert writer.delete(f"{PEOPLE}/a-1").status_code == 204
    assert writer.get(f"{PEOPLE}/a-1").status_code == 404


def test_a_person_is_found_by_alias(writer: httpx.Client) -> None:
    put(writer, "a-2", aliases=["old-2"])
    assert writer.get(f"{PEOPLE}/old-2").json()["id"] == "a-2"


@pytest.mark.parametrize(
    ("person", "where", "words"),
    [
        ({"mangaer": "x"}, "/mangaer", 'did you mean "manager"?'),
        ({"time_zone": "Zurich"}, "/time_zone", 'did you mean "Europe/Zurich"?'),
        ({"hire_date": "2026-02-30"}, "/hire_date", "no day of the calendar"),
        ({"exit_date": "9999-12-31"}, "/exit_date", "leave the field out"),
        ({"hire_date": "2026-02-02", "exit_date": "2026-01-01"}, "/exit_date", "wrong way round"),
        ({"leave": [{"from": "2026-02-02", "to": "2026-02-01"}]}, "/leave/0/to", "wrong way round"),
        ({"manager": "bad"}, "/manager", "their own manager"),
        ({"identifiers": [{}]}, "/identifiers/0", "exactly one"),
        ({"team": 7}, "/team", 'put it in quotes: "7"'),
        ({"id": "other"}, "/id", "not the one in the address"),
        ([], "body", "mapping"),
    ],
)
def test_a_fault_is_named_with_its_pointer_and_cure(
    writer: httpx.Client, person: Any, where: str, words: str
) -> None:
    answer = writer.put(f"{PEOPLE}/bad", json=person)
    problem = answer.json()
    assert (answer.status_code, problem["code"], problem["where"]) == (400, "bad-person", where)
    assert words in json.dumps(problem, ensure_ascii=False).replace('\\"', '"')
    assert writer.get(f"{PEOPLE}/bad").status_code == 404


@pytest.mark.parametrize("levels", [40, 950, 20_000])
def test_a_body_nested_deeply_is_refused(writer: httpx.Client, levels: int) -> None:
    put(writer, "deep")
    nested = b'{"week": ' + b'{"a": ' * levels + b"1" + b"}" * levels + b"}"
    for method, path in (("PUT", f"{PEOPLE}/deep"), ("PATCH", f"{PEOPLE}/deep"), ("POST", CHANGES)):
        answer = writer.request(method, path, content=nested, headers={"Content-Type": "application/json"})
        assert answer.status_code in {400, 413}, answer.text
        assert answer.json()["fix"]


def test_a_manager_may_come_later(writer: httpx.Client) -> None:
    answer = writer.put(f"{PEOPLE}/m-1", json={"manager": "m-2"})
    assert [one["code"] for one in answer.json()["warnings"]] == ["unknown-manager"]
    put(writer, "m-2")
    answer = writer.put(f"{PEOPLE}/m-1", json={"manager": "m-2", "role": "x"})
    assert answer.json()["warnings"] == []
    assert writer.put(f"{PEOPLE}/m-2", json={"manager": "m-1"}).json()["code"] == "manager-circle"


def test_two_people_swap_an_address_in_one_step(writer: httpx.Client) -> None:
    put(writer, "s-1", email="one@corp.example")
    put(writer, "s-2", email="two@corp.example")
    assert (
        writer.patch(f"{PEOPLE}/s-1", json={"email": "two@corp.example"}).json()["code"] == "roster-conflict"
    )
    changes = [
        {"change": "put", "person": {"id": "s-1", "email": "two@corp.example"}},
        {"change": "put", "person": {"id": "s-2", "email": "one@corp.example"}},
    ]
    assert writer.post(CHANGES, json={"changes": changes}).json()["accepted"] == 2
    assert writer.get(f"{PEOPLE}/s-2").json()["email"] == "one@corp.example"


def test_all_or_none_and_each_for_itself(writer: httpx.Client) -> None:
    changes = [
        {"change": "put", "person": {"id": "b-1", "email": "b1@corp.example"}},
        {"change": "put", "person": {"id": "b-2", "email": "ann@corp.example"}},
        {"change": "remove", "id": "nobody"},
    ]
    assert writer.post(CHANGES, json=changes).status_code == 409
    assert writer.get(f"{PEOPLE}/b-1").status_code == 404
    answer = writer.post(CHANGES, json=changes, params={"each": "true"}).json()
    assert answer["accepted"] == 2
    (refused,) = answer["refused"]
    assert (refused["change"], refused["id"], refused["problem"]["code"]) == (1, "b-2", "roster-conflict")
    assert '"e-1"' in refused["problem"]["detail"]
    assert writer.get(f"{PEOPLE}/b-1").status_code == 200


def test_changes_come_as_cloudevents(writer: httpx.Client) -> None:
    def event(kind: str, **more: Any) -> dict[str, Any]:
        return {
            "specversion": "1.0",
            "id": uuid.uuid4().hex,
            "source": "hr",
            "type": f"io.carrythrough.roster.person.{kind}",
        } | more

    body = json.dumps(
        [event("put", data={"id": "c-1"}), event("put", data={"id": "c-2"}), event("removed", subject="c-1")]
    )
    sent = writer.post(CHANGES, content=body, headers={"Content-Type": "application/cloudevents-batch+json"})
    assert sent.json()["accepted"] == 3, sent.text
    assert [writer.get(f"{PEOPLE}/{id_}").status_code for id_ in ("c-1", "c-2")] == [404, 200]
    wrong = json.dumps(event("promoted", data={}))
    answer = writer.post(CHANGES, content=wrong, headers={"Content-Type": "application/cloudevents+json"})
    assert (answer.status_code, answer.json()["where"]) == (400, "/type")


def test_pages_have_everybody_once(writer: httpx.Client) -> None:
    changes = [{"change": "put", "person": {"id": f"page-{n:03}", "team": "paged"}} for n in range(25)]
    writer.post(CHANGES, json=changes)
    found: list[str] = []
    cursor = ""
    while cursor is not None:
        page = writer.get(PEOPLE, params={"team": "paged", "limit": 10, "cursor": cursor}).json()
        found += [person["id"] for person in page["people"]]
        cursor = page["next"]
    assert found == [f"page-{n:03}" for n in range(25)]


def test_scim_and_this_door_see_one_roster(live: Any, writer: httpx.Client) -> None:
    with live.client("hr", "/scim/v2") as scim:
        body = {"schemas": ["urn:ietf:params:scim:schemas:core:2.0:User"], "userName": "w@corp.example"}
        user = scim.post(
            "/Users", json=body | {"externalId": "w-1", "nickName": "Dub", "timezone": "Asia/Tokyo"}
        ).json()
        assert writer.get(f"{PEOPLE}/w-1").json() == {
            "id": "w-1",
            "email": "w@corp.example",
            "time_zone": "Asia/Tokyo",
        }
        writer.patch(f"{PEOPLE}/w-1", json={"name": "Wim", "active": False, "opted_out": ["nudge"]})
        now = scim.get("/Users/w-1").json()
        assert (now["displayName"], now["active"], now["nickName"]) == ("Wim", False, "Dub")
        assert now["meta"]["version"] != user["meta"]["version"]
        # What SCIM does not speak of stays when the HR system puts the whole user again.
        scim.put("/Users/w-1", json=body | {"externalId": "w-1", "active": True})
        person = writer.get(f"{PEOPLE}/w-1").json()
        assert person == {"id": "w-1", "name": "Wim", "email": "w@corp.example", "opted_out": ["nudge"]}
        assert writer.delete(f"{PEOPLE}/w-1").status_code == 204
        assert scim.get("/Users/w-1").status_code == 404


def test_what_was_acknowledged_outlives_a_kill(live: Any, writer: httpx.Client) -> None:
    put(writer, "k-1", name="Kay")
    live.restart()
    with live.client("reader") as again:
        assert again.get(f"{PEOPLE}/k-1").json() == {"id": "k-1", "name": "Kay"}
        assert again.get(f"{PEOPLE}/e-1").json()["leave"] == [{"from": "2026-07-06", "to": "2026-07-17"}]


def carrythrough(capsys: pytest.CaptureFixture[str], *arguments: str) -> tuple[int, dict[str, Any]]:
    code = main([*arguments, "--json"])
    out, err = capsys.readouterr()
    told = json.loads(out or err)
    return code, told.get("error", told)


EXPORT = "Personnel Number;Name;E-Mail;Reports To\nx-1;Ann;x1@corp.example;\nx-2;Bo;x2@corp.example;x-1\n"


def server_flags(live: Any, name: str = "writer") -> tuple[str, ...]:
    key, secret = live.logins[name]
    return ("--url", live.url, "--key", key, "--secret", secret)


def test_commands_work_on_a_server(live: Any, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    at = server_flags(live)
    file = tmp_path / "hr.csv"
    file.write_text(EXPORT)
    code, told = carrythrough(capsys, "roster", "import", str(file), "--dry-run", *at)
    assert (code, told["new"], told["accepted"]) == (0, 2, 0)
    code, told = carrythrough(capsys, "roster", "import", str(file), *at)
    assert (code, told["new"], told["accepted"], told["refused"]) == (0, 2, 2, [])
    code, told = carrythrough(capsys, "roster", "list", "--manager", "x-1", *at)
    assert [person["id"] for person in told["people"]] == ["x-2"]
    file.write_text(EXPORT.replace("Bo;x2@", "Bo;x1@").replace("x-1;Ann;x1@", "x-1;Anna;x1@"))
    # One identifier for two people: the file itself is refused, both lines named.
    code, told = carrythrough(capsys, "roster", "import", str(file), *at)
    assert (code, told["code"]) == (1, "bad-roster")
    file.write_text("id,email\nx-3,x1@corp.example\nx-4,x4@corp.example\n")
    code, told = carrythrough(capsys, "roster", "import", str(file), *at)
    assert (code, told["accepted"], [one["id"] for one in told["refused"]]) == (1, 1, ["x-3"])
    # What could not stand waits in a file, and goes in once the reason is gone.
    kept = told["kept"]
    assert [person["id"] for person in json.loads(Path(kept).read_text())["people"]] == ["x-3"]
    assert carrythrough(capsys, "roster", "remove", "x-1", *at)[0] == 0
    code, told = carrythrough(capsys, "roster", "import", kept, *at)
    assert (code, told["accepted"]) == (0, 1)
    code, told = carrythrough(capsys, "roster", "show", "x-3", *at)
    assert told == {"id": "x-3", "email": "x1@corp.example"}
    assert carrythrough(capsys, "roster", "show", "x-1", *at)[1]["code"] == "person-unknown"
    assert carrythrough(capsys, "roster", "unknown", *at)[1] == {"unknown": []}


def test_commands_speak_in_words_too(
    live: Any, writer: httpx.Client, capsys: pytest.CaptureFixture[str]
) -> None:
    put(
        writer,
        "t-1",
        name="Tess",
        days_off=["sat", "sun"],
        leave=[{"from": "2026-07-06"}],
        exit_date="2026-12-31",
        team="T",
    )
    put(writer, "t-2", name="Tom", active=False, team="T")
    at = server_flags(live)
    assert main(["roster", "list", "--team", "T", *at]) == 0
    listed = capsys.readouterr().out
    assert "until 2026-12-31" in listed
    assert "suspended" in listed
    assert main(["roster", "show", "t-1", *at]) == 0
    assert "sat, sun" in capsys.readouterr().out
    assert main(["roster", "list", "--team", "nowhere", *at]) == 0
    assert "Nobody" in capsys.readouterr().out


def test_commands_work_on_a_folder(live: Any, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "hr.csv"
    file.write_text(EXPORT)
    begun = [
        sys.executable,
        "-m",
        "carrythrough.cli.main",
        "ingest",
        "--program",
        str(live.folder / "map.yaml"),
    ]
    empty = tmp_path / "none.jsonl"
    empty.write_text(
        '{"actor": {"mbox": "mailto:x1@corp.example"}, "verb": {"id": "http://x.example/v"}, '
        '"object": {"id": "https://x.example/q"}, "result": {"score": {"scaled": 1}}}\n'
    )
    at = ("--data-dir", str(tmp_path / "data"))
    subprocess.run([*begun, str(empty), *at], check=True, capture_output=True)
    code, told = carrythrough(capsys, "roster", "unknown", *at)
    assert [(one["kind"], one["evidence"]) for one in told["unknown"]] == [("mbox", 1)]
    code, told = carrythrough(capsys, "roster", "import", str(file), "--replace", *at)
    assert (code, told["accepted"]) == (0, 2)
    assert carrythrough(capsys, "roster", "unknown", *at)[1] == {"unknown": []}
    file.write_text(EXPORT.replace("x-2;Bo;x2@corp.example;x-1\n", "").replace("Ann", "Anna"))
    code, told = carrythrough(capsys, "roster", "import", str(file), "--replace", *at)
    assert (told["changed"], told["removed"], told["same"]) == (1, 1, 0)
    code, told = carrythrough(capsys, "roster", "list", *at)
    assert told == {"people": [{"id": "x-1", "name": "Anna", "email": "x1@corp.example"}]}


def test_a_file_is_checked_with_its_columns_named(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file, columns = tmp_path / "hr.csv", tmp_path / "columns.yaml"
    file.write_bytes("Key;Unit;Zone\n1;Zürich;Zurich\n".encode("cp1252"))
    columns.write_text("columns: {id: Key, team: Unit, time_zone: Zone}\n")
    code, told = carrythrough(capsys, "roster", "check", str(file), "--columns", str(columns))
    assert code == 1
    assert [(one["code"], one["line"], one["column"]) for one in told["findings"]] == [
        ("encoding-guessed", 2, 4),
        ("unknown-time-zone", 2, 3),
    ]
    file.write_bytes("Key;Unit;Zone\n1;Zürich;\n".encode("utf-16"))
    code, told = carrythrough(capsys, "roster", "check", str(file), "--columns", str(columns))
    assert (code, told["people"], told["findings"]) == (0, 1, []), "as spreadsheets write it"
    columns.write_text("columns: {id: Key}\ndates: sometimes\n")
    code, told = carrythrough(capsys, "roster", "check", str(file), "--columns", str(columns))
    assert (code, told["code"], told["where"]) == (1, "bad-mapping", f"{columns}:2:8")


def test_a_fault_while_importing_shows_no_values() -> None:
    script = (
        "import structlog\n"
        "from carrythrough.cli.importing.folder_delivery import _log_to_stderr\n"
        "_log_to_stderr()\n"
        "def fold(person):\n"
        "    try:\n"
        "        raise ValueError('a fault')\n"
        "    except ValueError:\n"
        "        structlog.get_logger('carrythrough').exception('failed')\n"
        "fold({'email': '-'.join(('ann', 'private'))})\n"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert "a fault" in done.stderr
    assert "ann-private" not in done.stderr
