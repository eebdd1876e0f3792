"""Bytes of a roster file as text: UTF-8, UTF-16, and Windows-1252 when it can be nothing else.

HR exports come from spreadsheets. What is certain is read in silence, what is likely is read with a
warning, and what is neither is refused at the first byte that is wrong.
"""

from __future__ import annotations

import codecs

import msgspec

from carrythrough.authoring.source import Lint, SourceError, refusal

BYTES_MAX = 600_000_000
"""About a million people with all their fields."""
_BOMS = (
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
_SAMPLE = 4_096


class Decoded(msgspec.Struct, frozen=True):
    """A text, how it was encoded, and what is worth a warning about that."""

    text: str
    encoding: str
    lints: list[Lint]


def decode_roster(data: bytes, filename: str) -> Decoded:
    """Return the text of a file; raises PermanentError, code "bad-roster", naming the byte that is wrong."""
    try:
        return decode(data, filename)
    except SourceError as error:
        raise refusal([error.lint], "bad-roster", "The roster cannot be read") from None


def decode(data: bytes, filename: str) -> Decoded:
    """Return the text of a file; raises `SourceError` naming the byte that is wrong."""
    if len(data) > BYTES_MAX:
        message = f"the file has {len(data)} bytes, more than {BYTES_MAX}"
        raise _refused(filename, 1, 1, message, "split it by site or team")
    for bom, encoding in _BOMS:
        if data.startswith(bom):
            return Decoded(_certain(data, encoding, filename).removeprefix("\ufeff"), encoding, [])
    wide = _wide(data[:_SAMPLE])
    if wide:
        return Decoded(_certain(data, wide, filename), wide, [])
    try:
        return Decoded(data.decode("utf-8"), "utf-8", [])
    except UnicodeDecodeError as error:
        return _western(data, error, filename)


def _wide(sample: bytes) -> str:
    """Return the UTF-16 that a sample without a mark is in: Latin text has every other byte zero."""
    half = len(sample) // 2
    if half < 2:
        return ""
    even, odd = sample[0::2].count(0), sample[1::2].count(0)
    if odd > half * 0.7 and not even:
        return "utf-16-le"
    return "utf-16-be" if even > half * 0.7 and not odd else ""


def _certain(data: bytes, encoding: str, filename: str) -> str:
    try:
        return data.decode(encoding)
    except UnicodeDecodeError as error:
        line = data[: error.start].decode(encoding, "replace").count("\n") + 1
        message = (
            f"the file begins as {encoding.upper()}, but byte {error.start} is none of it: {error.reason}"
        )
        raise _refused(filename, line, 1, message, "export the file again, as UTF-8") from None


def _western(data: bytes, error: UnicodeDecodeError, filename: str) -> Decoded:
    """Read as Windows-1252 what is no UTF-8; refuse what has bytes that it does not have either."""
    line, column = _place(data, error.start)
    try:
        text = data.decode("cp1252")
    except UnicodeDecodeError as other:
        line, column = _place(data, other.start)
        message = f"byte 0x{data[other.start]:02x} is neither UTF-8 nor Windows-1252"
        raise _refused(filename, line, column, message, "save the file as UTF-8") from None
    if any(character < " " and character not in "\t\r\n" for character in text[:_SAMPLE]):
        message = "this is no text file"
        fix = "export a spreadsheet as CSV (UTF-8); .xlsx and .xls are not read"
        raise _refused(filename, 1, 1, message, fix) from None
    sample = text.splitlines()[line - 1][max(0, column - 12) : column + 12].strip()
    lint = Lint(
        code="encoding-guessed",
        file=filename,
        line=line,
        column=column,
        message=f'the file is not UTF-8; it is read as Windows-1252, so that here stands "{sample}"',
        rule="roster files are UTF-8 or UTF-16; Windows-1252 is taken as a guess",
        fix="save it as UTF-8 if that looks wrong",
        severity="warning",
    )
    return Decoded(text, "cp1252", [lint])


def _place(data: bytes, offset: int) -> tuple[int, int]:
    return data.count(b"\n", 0, offset) + 1, offset - data.rfind(b"\n", 0, offset)


def _refused(filename: str, line: int, column: int, message: str, fix: str) -> SourceError:
    lint = Lint(
        code="encoding",
        file=filename,
        line=line,
        column=column,
        message=message,
        rule="roster files are text in UTF-8 (or UTF-16 with a byte order mark)",
        fix=fix,
    )
    return SourceError(lint)
