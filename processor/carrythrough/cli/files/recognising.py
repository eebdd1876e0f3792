"""What a file holds, told from its first bytes; names only settle what the bytes leave open."""

from __future__ import annotations

import io
import json
import re
from collections.abc import Iterable
from typing import Any, Literal

import msgspec

from carrythrough.cli.files.cutting import BOM, elements, lines
from carrythrough.cli.files.records import Piece
from carrythrough.errors import PermanentError, Problem
from carrythrough.events.types import RecordKind

HEAD_BYTES = 256 * 1024
"""How much of a file is looked at."""
SAMPLES = 20
Holding = Literal["", "statements", "events", "refused", "program", "roster"]
"""refused: a quarantine file of ours."""
Layout = Literal["lines", "objects", "array", "envelope", "csv", "empty"]
"""lines: a record a line. envelope: an LRS answer, {"statements": [...]}; the rest as they say."""

_EVENT_KINDS = frozenset(RecordKind.__args__)  # type: ignore[attr-defined]
_ENVELOPE = re.compile(rb'\s*\{\s*(?:"more"\s*:\s*"[^"]*"\s*,\s*)?"statements"\s*:\s*(?=\[)')
_PACKED = {
    b"PK\x03\x04": "a ZIP archive (or an Excel workbook)",
    b"\x28\xb5\x2f\xfd": "packed with zstd",
    b"BZh": "packed with bzip2",
    b"\xfd7zXZ": "packed with xz",
    b"\xff\xfe": "UTF-16 text",
    b"\xfe\xff": "UTF-16 text",
    b"SQLite format 3": "a SQLite database",
}


class Recognised(msgspec.Struct, frozen=True):
    """kind: "" when nothing in the head tells. skip: bytes before the first record's array."""

    layout: Layout
    kind: Holding
    version: str = "1.0.3"
    skip: int = 0


def recognise(name: str, head: bytes) -> Recognised:
    """Return what the first bytes of a file (at most HEAD_BYTES) tell.

    Raises PermanentError "file-format-unknown" for archives, workbooks and other encodings.
    """
    _refuse_packed(name, head)
    text = head.removeprefix(BOM).lstrip()
    if not text:
        return Recognised("empty", "")
    bare = name.lower().removesuffix(".gz")
    if bare.endswith((".csv", ".tsv")) or text[:1] not in b"{[":
        return Recognised("csv", "events")
    layout, skip = _layout(bare, head.removeprefix(BOM))
    samples = _samples(layout, head.removeprefix(BOM)[skip:])
    kind: Holding = ""
    version = "1.0.3"
    for sample in samples:
        kind = kind or kind_of(sample)
        if str(sample.get("version", "")).startswith("2."):
            version = "2.0.0"
    return Recognised(layout, kind, version, skip)


def kind_of(document: Iterable[str]) -> Holding:
    """Return what an object with these members is; "" when they do not tell."""
    if "verb" in document and ("actor" in document or "object" in document):
        return "statements"
    if "csv_row" in document or "specversion" in document or _is_event(document):
        return "events"
    if "source" in document and ("employee" in document or "outcome" in document):
        return "events"
    if "problem" in document and ("record" in document or "record_base64" in document):
        return "refused"
    if "skills" in document and ("map" in document or "activities" in document):
        return "program"
    return "roster" if "people" in document else ""


def _is_event(document: Iterable[str]) -> bool:
    return isinstance(document, dict) and document.get("kind") in _EVENT_KINDS


def _layout(name: str, text: bytes) -> tuple[Layout, int]:
    start = text.lstrip()
    if start[:1] == b"[":
        return "array", 0
    envelope = _ENVELOPE.match(text)
    if envelope:
        return "envelope", envelope.end()
    if name.endswith((".jsonl", ".ndjson")):
        return "lines", 0
    first, _, rest = start.partition(b"\n")
    return ("lines" if rest.strip() and first.rstrip().endswith((b"}", b"},")) else "objects"), 0


def _samples(layout: Layout, text: bytes) -> list[dict[str, Any]]:
    stream = io.BytesIO(text)
    found: list[dict[str, Any]] = []
    for piece in cut(stream, layout):
        if isinstance(piece, Piece):
            try:
                document = json.loads(piece.raw)
            except (ValueError, RecursionError):
                continue
            if isinstance(document, dict):
                found.append(document)
        if len(found) == SAMPLES:
            break
    return found


def cut(stream: io.BufferedIOBase, layout: Layout) -> Any:
    """Return the records of a stream of JSON that has this layout, lazily."""
    if layout == "lines":
        return lines(stream)
    return elements(stream, in_array=layout != "objects", only_first=layout == "envelope")


def _refuse_packed(name: str, head: bytes) -> None:
    for magic, what in _PACKED.items():
        if head.startswith(magic):
            raise PermanentError(
                Problem(
                    code="file-format-unknown",
                    status=415,
                    title="The file cannot be read as it is",
                    detail=f"{name} is {what}",
                    where=name,
                    rule="files are UTF-8 text: JSON, JSON lines or CSV, plain or packed with gzip",
                    fix="unpack it, or save it as UTF-8 CSV or JSON",
                )
            )
