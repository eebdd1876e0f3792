"""Proves that tables as offices export them become events by a mapping, and every fault is placed and explained."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from carrythrough.cli.files.opening import InputFile
from carrythrough.cli.files.records import Piece, Refused
from carrythrough.cli.files.tables import load_mapping, pieces_of
from carrythrough.errors import PermanentError, Problem

MAPPING = """
columns:
  id: Vorgang
  employee: Kürzel
  time: Erledigt am
  score: Qualität
  value: Dauer (min)
  assisted: Hilfe
constants:
  source: helpdesk
  kind: qa-result
  skill: de-escalation
"""
FULL = (
    MAPPING.replace("  value: Dauer (min)\n", "")
    + """
values:
  assisted: {ja: true, nein: false}
scale: {score: 0.01}
decimal: ","
time: {format: "%d.%m.%Y %H:%M", zone: Europe/Berlin}
filters:
  - {column: Status, in: [geschlossen, erledigt]}
  - {column: Kürzel, not_in: [bot]}
"""
)
HEADER = "Vorgang;Kürzel;Erledigt am;Qualität;Hilfe;Status;Bemerkung"
ROW = "17;e-1;01.11.2026 11:00;87,5;ja;geschlossen;gut"


def read(folder: Path, *lines: str, mapping: str = FULL, encoding: str = "utf-8") -> list[Piece | Refused]:
    (folder / "m.yaml").write_text(mapping, "utf-8")
    (folder / "t.csv").write_bytes("\r\n".join((*lines, "")).encode(encoding))
    with InputFile(folder / "t.csv") as file:
        return list(pieces_of(file, load_mapping(folder / "m.yaml")))


def event(piece: Piece | Refused) -> dict[str, Any]:
    assert isinstance(piece, Piece), piece
    found: dict[str, Any] = json.loads(piece.raw)
    return found


def problem(piece: Piece | Refused) -> Problem:
    assert isinstance(piece, Refused), piece
    return piece.problem


def unusable(folder: Path, *lines: str, **more: str) -> Problem:
    with pytest.raises(PermanentError) as caught:
        read(folder, *lines, **more)
    return caught.value.problem


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig"])
def test_an_export_of_a_german_office_is_read(tmp_path: Path, encoding: str) -> None:
    (one,) = read(tmp_path, HEADER, ROW, encoding=encoding)
    assert event(one) == {
        "id": "17", "source": "helpdesk", "kind": "qa-result", "time": "2026-11-01T11:00:00+01:00",
        "employee": "e-1", "skill": "de-escalation", "outcome": {"score": 0.875}, "assisted": True,
    }  # fmt: skip


def test_another_encoding_is_read_when_it_is_named_and_explained_when_not(tmp_path: Path) -> None:
    named = FULL + 'encoding: windows-1252\ndelimiter: ";"\n'
    (one,) = read(tmp_path, HEADER, ROW, mapping=named, encoding="windows-1252")
    assert event(one)["employee"] == "e-1"
    said = unusable(tmp_path, HEADER, ROW, encoding="windows-1252")
    assert said.where.endswith("t.csv:1:2")
    assert "encoding: windows-1252" in said.fix


def test_a_byte_that_is_not_utf8_spoils_its_row_only(tmp_path: Path) -> None:
    (tmp_path / "m.yaml").write_text(FULL, "utf-8")
    rows = [ROW.replace("e-1", "Jürgen").encode("windows-1252"), ROW.replace("17;", "18;").encode()]
    (tmp_path / "t.csv").write_bytes(b"\n".join([HEADER.encode(), *rows]))
    with InputFile(tmp_path / "t.csv") as file:
        bad, good = pieces_of(file, load_mapping(tmp_path / "m.yaml"))
    said = problem(bad)
    assert (said.code, said.where.rsplit("/", 1)[-1]) == ("bad-encoding", "t.csv:2:2")
    assert "0xFC" in said.detail
    assert event(good)["id"] == "18"


def test_rows_that_do_not_count_are_left_out(tmp_path: Path) -> None:
    rows = [
        ROW.replace("geschlossen", "offen"),
        ROW.replace("e-1", "bot"),
        ROW.replace("geschlossen", "erledigt"),
    ]
    assert len(read(tmp_path, HEADER, *rows)) == 1


def test_lines_are_counted_through_quoted_breaks(tmp_path: Path) -> None:
    broken = ROW.replace(";gut", ';"gut,\r\naber ""laut"""')
    first, second = read(tmp_path, HEADER, broken, ROW.replace("87,5", "viel"))
    assert event(first)["id"] == "17"
    assert problem(second).where.endswith("t.csv:4:4")


@pytest.mark.parametrize(
    ("old", "new", "column", "words"),
    [
        ("87,5", "87.5.1", 4, "decimal comma"),
        ("87,5", "1.087,5", 4, "0 to 1"),
        ("87,5", "120", 4, "0 to 1"),
        ("ja", "vielleicht", 5, "values.assisted"),
        ("01.11.2026 11:00", "2026-11-01", 3, "%d.%m.%Y %H:%M"),
        ("01.11.2026 11:00", "31.02.2026 11:00", 3, "time.format"),
        ("01.11.2026 11:00", "", 3, "time is missing"),
        ("e-1", "", 2, "employee"),
        ("17;", ";", 1, "id is missing"),
    ],
)
def test_a_bad_cell_is_named_by_line_and_column(
    tmp_path: Path, old: str, new: str, column: int, words: str
) -> None:
    assert old in ROW
    bad, good = read(tmp_path, HEADER, ROW.replace(old, new), ROW.replace("17;", "18;"))
    assert event(good)["id"] == "18"
    said = problem(bad)
    assert said.where.endswith(f"t.csv:2:{column}")
    assert words in said.sentence()
    assert said.fix


def test_a_refused_row_comes_in_again_when_the_mapping_is_mended(tmp_path: Path) -> None:
    (bad,) = read(tmp_path, HEADER, ROW.replace("ja", "etwas"))
    assert isinstance(bad, Refused)
    (tmp_path / "again.jsonl").write_bytes(bad.raw + b"\n")
    (tmp_path / "m.yaml").write_text(FULL.replace("nein: false", "nein: false, etwas: true"), "utf-8")
    with InputFile(tmp_path / "again.jsonl") as file:
        assert file.found.kind == "events"
        (good,) = pieces_of(file, load_mapping(tmp_path / "m.yaml"))
    (whole,) = read(tmp_path, HEADER, ROW)
    assert event(good) == event(whole)


def test_a_missing_column_is_named_with_what_was_meant(tmp_path: Path) -> None:
    said = unusable(tmp_path, HEADER.replace("Qualität", "Qualitaet"), ROW)
    assert said.where.endswith("t.csv:1:1")
    assert 'did you mean "Qualitaet"?' in said.fix
    filtered = unusable(tmp_path, HEADER.replace("Status", "Stand"), ROW)
    assert "filters by" in filtered.detail


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        ("scale:", "scales:", 'did you mean "scale"?'),
        ("  score: Qualität", "  skore: Qualität", 'did you mean "score"?'),
        ("Europe/Berlin", "Europe/Berln", 'did you mean "Europe/Berlin"?'),
        ('"%d.%m.%Y %H:%M"', '"%H:%M"', "is no format of a time"),
        ('decimal: ","', 'decimal: ";"', "decimal is one of"),
        ("{score: 0.01}", "{skill: 0.01}", "no number"),
        ("  source: helpdesk", "  source: helpdesk\n  id: x", "mapped and constant"),
        ("filters:", "encoding: utf-16\nfilters:", "no encoding that is read here"),
        ("filters:", "encoding: klingon\nfilters:", "no encoding that is read here"),
        ("in: [geschlossen, erledigt]", "any: [x]", "unknown key"),
    ],
)
def test_a_mapping_that_cannot_work_is_refused_with_its_place(
    tmp_path: Path, old: str, new: str, words: str
) -> None:
    assert old in FULL
    said = unusable(tmp_path, HEADER, ROW, mapping=FULL.replace(old, new, 1))
    assert said.code == "bad-mapping"
    assert "m.yaml:" in said.where
    assert words in said.sentence()


def test_excel_writes_numbers_and_dates_its_own_way(tmp_path: Path) -> None:
    mapping = """
columns: {id: no, email: mail, time: day, value: seconds}
constants: {source: phone, kind: kpi-reading, kpi: handling-time}
time: {format: "%m/%d/%y", zone: America/New_York, clock: "17:00"}
decimal: ","
"""
    (one,) = read(tmp_path, "no\tmail\tday\tseconds", "1\ta@b.example\t11/01/26\t1.234,50", mapping=mapping)
    found = event(one)
    assert found["actor"] == {"mbox": "mailto:a@b.example"}
    assert found["outcome"] == {"value": 1234.5}
    assert found["time"] == "2026-11-01T17:00:00-05:00"


def test_unix_time_in_the_wrong_unit_is_told(tmp_path: Path) -> None:
    mapping = "columns: {id: a, employee: b, time: c}\nconstants: {source: s, kind: opportunity}\n"
    mapping += "time: {format: unix}\n"
    good, bad = read(tmp_path, "a,b,c", "1,e,1793527200", "2,e,1793527200000", mapping=mapping)
    assert event(good)["time"] == "2026-11-01T10:00:00.000+00:00"
    assert "unix-ms" in problem(bad).fix
