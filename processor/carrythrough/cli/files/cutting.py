"""From a stream of bytes to the text of each record, in bounded memory and without decoding it.

Lines: a record a line. Elements: the objects of an array, or objects one after another, found by
their brackets alone, so that one that is not valid JSON spoils only itself and admission can say
what is wrong with it.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from io import BufferedIOBase

from carrythrough.cli.files.records import KEPT_BYTES_MAX, RECORD_BYTES_MAX, Piece, Refused, broken

CHUNK_BYTES = 1 << 20
BOM = b"\xef\xbb\xbf"
_PLAIN = rb'[^"{}\[\]]++|"(?:[^"\\\n]++|\\[^\n])*+"'
_NEXT_BRACKET = re.compile(rb"(?:" + _PLAIN + rb')*+(?:([{\[])|([}\]])|("))')
"""Everything up to a bracket outside strings, in one match; or up to a quote that nothing closes on its line."""


def _nested(levels: int) -> bytes:
    inside = rb"(?:" + _PLAIN + rb")*+"
    for _ in range(levels):
        inside = rb"(?:" + _PLAIN + rb"|[{\[]" + inside + rb"[}\]])*+"
    return rb"[{\[]" + inside + rb"[}\]]"


_WHOLE = re.compile(_nested(8))
"""A whole value of ordinary depth in one match: what is deeper, cut or broken is gone through by its brackets."""
_BETWEEN = b" \t\r\n,[]"
_FIX_LARGE = "send large content as an attachment or a link"


def lines(stream: BufferedIOBase) -> Iterator[Piece | Refused]:
    """Yield the record of each line that is not empty."""
    number = 0
    while line := stream.readline(RECORD_BYTES_MAX + 1):
        number += 1
        if number == 1:
            line = line.removeprefix(BOM)
        if len(line) > RECORD_BYTES_MAX:
            while (rest := stream.readline(CHUNK_BYTES)) and not rest.endswith(b"\n"):
                pass
            detail = f"the line has more than {RECORD_BYTES_MAX} bytes"
            yield broken(number, line, detail, _FIX_LARGE, code="record-too-large")
            continue
        text = line.strip()
        if text:
            yield Piece(number, text[:-1] if text.endswith(b"},") else text)


def elements(
    stream: BufferedIOBase, *, in_array: bool, only_first: bool = False
) -> Iterator[Piece | Refused]:
    """Yield the objects of a stream of JSON.

    in_array: they are the elements of an array (or of several). only_first: stop at the end of the
    first array; what follows is the rest of an envelope.
    """
    return _Cutter(stream, 1 if in_array else 0, only_first=only_first).run()


class _Cutter:
    """One pass; positions are places in `_buffer`, which holds the current element and what follows."""

    def __init__(self, stream: BufferedIOBase, base: int, *, only_first: bool) -> None:
        self._stream = stream
        self._base = base
        self._only_first = only_first
        self._buffer = b""
        self._at = 0  # everything before is looked at
        self._start = -1  # of the element that is open, -1 between elements
        self._end = 0  # of the element before
        self._depth = 0
        self._line = 1
        self._counted = 0  # up to here the line breaks are in `_line`
        self._dropping = False
        self._done = False
        self._first = True

    def run(self) -> Iterator[Piece | Refused]:
        ended = False
        while not ended and not self._done:
            chunk = self._stream.read1(CHUNK_BYTES)
            ended = not chunk
            if self._first:
                self._first, chunk = False, chunk.removeprefix(BOM)
            self._refill(chunk)
            yield from self._scan(ended=ended)
            if self._start >= 0 and not self._dropping and len(self._buffer) - self._start > RECORD_BYTES_MAX:
                self._dropping = True
                detail = f"the record that begins here has more than {RECORD_BYTES_MAX} bytes"
                yield broken(
                    self._line_of(self._start), self._kept(), detail, _FIX_LARGE, code="record-too-large"
                )
        if not self._done:
            yield from self._rest()

    def _refill(self, chunk: bytes) -> None:
        """Forget what is done with and append what was read."""
        cut = self._start if self._start >= 0 else self._end
        if self._dropping:
            cut = self._at
            self._start = cut
        self._line_of(cut)
        self._buffer = self._buffer[cut:] + chunk
        self._at -= cut
        self._end = max(self._end - cut, 0)
        self._counted -= cut
        if self._start >= 0:
            self._start -= cut

    def _scan(self, *, ended: bool) -> Iterator[Piece | Refused]:
        base, buffer = self._base, self._buffer
        # match, never search: a search would begin again inside a string.
        while found := _NEXT_BRACKET.match(buffer, self._at):
            at = found.end() - 1
            group = found.lastindex
            if group == 3 and not ended and self._cut_string(at):
                self._at = at
                return
            self._at = at + 1
            if group == 1:
                if self._depth == base and self._start < 0:
                    self._start = at
                    yield from self._between(at)
                    if whole := _WHOLE.match(buffer, at):
                        self._at = whole.end()
                        yield from self._element(whole.end())
                        continue
                self._depth += 1
            elif group == 2:
                self._depth = max(self._depth - 1, 0)
                if self._depth == base and self._start >= 0:
                    yield from self._element(at + 1)
                elif self._depth == 0 and self._only_first:
                    self._done = True
                    return
        self._at = len(buffer)

    def _cut_string(self, at: int) -> bool:
        """Say whether a quote that nothing closes may be closed by what is still to be read."""
        return self._buffer.find(b"\n", at) < 0 and len(self._buffer) - at <= RECORD_BYTES_MAX

    def _element(self, end: int) -> Iterator[Piece]:
        if not self._dropping:
            yield Piece(self._line_of(self._start), self._buffer[self._start : end])
        self._start, self._end, self._dropping = -1, end, False

    def _between(self, start: int) -> Iterator[Refused]:
        """Refuse what stands between elements and is none."""
        stray = self._buffer[self._end : start].strip(_BETWEEN)
        if stray:
            line = self._line_of(self._buffer.index(stray, self._end))
            detail = f"{stray[:60].decode(errors='replace')!r} stands where an object is expected"
            yield broken(line, stray, detail, "remove it, or put the record into braces")

    def _rest(self) -> Iterator[Refused]:
        if self._start >= 0 and not self._dropping:
            detail = "the text ends inside the record that begins here"
            fix = "complete the file; with one record a line (.jsonl) a fault spoils its own line only"
            yield broken(self._line_of(self._start), self._kept(), detail, fix)
        elif self._start < 0:
            yield from self._between(len(self._buffer))

    def _kept(self) -> bytes:
        return self._buffer[self._start : self._start + KEPT_BYTES_MAX]

    def _line_of(self, position: int) -> int:
        """Return the line of a position; positions never go back."""
        if position > self._counted:
            self._line += self._buffer.count(b"\n", self._counted, position)
            self._counted = position
        return self._line
