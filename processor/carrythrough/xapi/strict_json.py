"""Reading JSON text without letting anything through that another reader might read differently.

The fast decoder keeps the last of two equal keys and stops at a fault without saying where it
stands in the document. This reader is slower, finds every such fault and names its place. It is
used for texts that the fast way could not vouch for, so a sender who keeps to the rules and
writes plain JSON never meets it.
"""

from __future__ import annotations

import json
import math
import re
from collections import Counter
from typing import Any, NoReturn

from carrythrough.xapi.refusals import refuse, shown, step

RULE_JSON = "RFC 8259, and Communication 1.5.1: statements are application/json"
RULE_UNICODE = "Communication 1.4: all strings are UTF-8"
RULE_TWICE = "Data 2.2.s2.b2: each property at most once (also RFC 7493, 2.3)"
RULE_CONTENT = "Communication 2.1.2: the content is a statement or an array of statements"

_BRACKET = re.compile(r'"(?:[^"\\]|\\.)*+"?|[\[{\]}]', re.DOTALL)
_CONSTANT = re.compile(r"-?(?:NaN|Infinity)")
_BYTE_OFFSET = re.compile(r" \(byte (\d+)\)")
SECOND_READING_BYTES_MAX = 256 << 10
"""Bodies larger than this are not read again only to say more exactly what is wrong with them."""


class _Repeated(dict[str, Any]):
    """An object in which a key stood twice; `key` is the first such key."""

    key: str = ""


class _NotFiniteError(ValueError):
    """The reader met NaN or Infinity."""


def text_of(body: bytes) -> str:
    """Return the body as text; refuses what is not UTF-8 (surrogates written as bytes included)."""
    try:
        return str(body, "utf-8")
    except UnicodeDecodeError as error:
        refuse(
            "json-not-unicode",
            "",
            f"byte {error.start} of the body begins no UTF-8 character ({_place(body, error.start)})",
            rule=RULE_UNICODE,
            fix="encode the request body as UTF-8",
        )


def read(body: bytes, where: str, depth_max: int) -> Any:
    """Return the value of a JSON text; raises PermanentError with a pointer for every doubtful text.

    Refuses: malformed JSON, NaN and Infinity, numbers beyond a double, lone surrogates, repeated
    keys at any depth, more than `depth_max` levels. `where` is the pointer of the text itself.
    """
    text = text_of(body)
    _check_nesting(text, where, depth_max)
    faulty: list[object] = []
    value = _parsed(body, text, where, faulty)
    if faulty or "\\u" in text:  # only an escape can spell half a character
        _refuse_faults(value, where)
    return value


def refuse_undecodable(body: bytes, error: Exception, where: str, depth_max: int) -> NoReturn:
    """Raise the refusal of a text that the fast decoder stopped at with `error`.

    Large bodies are not read a second time: then the place is the one that the decoder names.
    """
    if isinstance(error, RecursionError):
        refuse_depth(where, depth_max)  # its stack is deeper than any limit of ours
    if len(body) <= SECOND_READING_BYTES_MAX:
        read(body, where, depth_max)
    found = _BYTE_OFFSET.search(str(error))
    if found is None:
        _refuse_malformed(body, where, len(body), "the text ends too early")
    offset = int(found[1])
    constant = _CONSTANT.match(body[offset : offset + 9].decode(errors="replace"))
    if constant:
        _refuse_constant(body, where, offset, constant[0])
    words = str(error).removeprefix("JSON is malformed: ").removesuffix(found[0])
    _refuse_malformed(body, where, offset, words)


def refuse_depth(where: str, depth_max: int) -> NoReturn:
    """Raise the refusal of a text nested too deeply."""
    refuse(
        "json-too-deep",
        where,
        f"objects and arrays are nested more than {depth_max} deep",
        rule=f"Limit depth_max = {depth_max}",
        fix="flatten the value, or send it as a text",
    )


def _check_nesting(text: str, where: str, depth_max: int) -> None:
    if text.count("[") + text.count("{") <= depth_max:
        return
    depth = 0
    for token in _BRACKET.finditer(text):
        if token[0] in "[{":
            depth += 1
            if depth > depth_max:
                refuse_depth(where, depth_max)
        elif token[0] in "]}":
            depth -= 1


def _parsed(body: bytes, text: str, where: str, faulty: list[object]) -> Any:
    """Return the value of `text`; puts what the grammar allows and we do not into `faulty`."""

    def members(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        found = dict(pairs)
        if len(found) == len(pairs):
            return found
        repeated = _with_first_repeated(found, pairs)
        faulty.append(repeated)
        return repeated

    def number(digits: str) -> float:
        value = float(digits)
        if math.isinf(value):
            faulty.append(value)
        return value

    def long_integer(digits: str) -> int | float:
        try:
            return int(digits)
        except ValueError:
            faulty.append(digits)
            return math.inf

    hooks: dict[str, Any] = {
        "object_pairs_hook": members,
        "parse_constant": _not_finite,
        "parse_float": number,
    }
    try:
        return json.loads(text, **hooks)
    except json.JSONDecodeError as error:
        words = error.msg[:1].lower() + error.msg[1:]
        _refuse_malformed(body, where, len(text[: error.pos].encode()), words)
    except _NotFiniteError as error:
        offset = _outside_strings(body, str(error))
        _refuse_constant(body, where, offset, str(error))
    except ValueError:  # an integer longer than Python reads
        return json.loads(text, parse_int=long_integer, **hooks)


def _refuse_malformed(body: bytes, where: str, offset: int, words: str) -> NoReturn:
    if not body.strip():
        refuse(
            "body-empty",
            where,
            "the request body is empty or white space only",
            rule=RULE_CONTENT,
            fix="send a statement, or an array of statements",
        )
    refuse(
        "json-malformed",
        where,
        f"{words}, at byte {offset} ({_place(body, offset)})",
        rule=RULE_JSON,
        fix=_likely_fix(body, offset)
        or "send well-formed JSON; a JSON library does the quoting and the escaping",
    )


def _likely_fix(body: bytes, offset: int) -> str:
    """Return what usually helps where a reader stops at this byte, "" when it is anybody's guess."""
    here, before = body[offset : offset + 1], body[:offset].rstrip()[-1:]
    if body.lstrip()[:1] == b"<":
        return "this is HTML or XML: look at what the sender posts, and send JSON"
    if here == b"'" or (here in (b"{", b"[", b",") and body[offset + 1 : offset + 2] == b"'"):
        return "put keys and texts in double quotes"
    if (here in (b"]", b"}") and before == b",") or (
        here == b"," and body[offset + 1 :].lstrip()[:1] in (b"]", b"}")
    ):
        return "take out the comma that nothing follows"
    if body[offset : offset + 4] in (b"None", b"True") or body[offset : offset + 5] == b"False":
        return "this looks like Python written out: let json.dumps write it"
    if offset >= len(body.rstrip()):
        return "the text ends too early: send all of it, with a Content-Length that counts bytes"
    return ""


def _refuse_constant(body: bytes, where: str, offset: int, name: str) -> NoReturn:
    refuse(
        "json-not-finite",
        where,
        f"{name} at byte {offset} ({_place(body, offset)}) is no JSON number",
        rule=RULE_JSON,
        fix="leave the property out when there is no number to give",
    )


def _place(body: bytes, offset: int) -> str:
    line = body.count(b"\n", 0, offset) + 1
    line_start = body.rfind(b"\n", 0, offset) + 1
    return f"line {line}, column {offset - line_start + 1}"


def _outside_strings(body: bytes, name: str) -> int:
    token = re.compile(rb'"(?:[^"\\]|\\.)*+"|' + re.escape(name.encode()), re.DOTALL)
    return next(found.start() for found in token.finditer(body) if found[0][:1] != b'"')


def _with_first_repeated(members: dict[str, Any], pairs: list[tuple[str, Any]]) -> _Repeated:
    repeated = _Repeated(members)
    times = Counter(key for key, _ in pairs)
    repeated.key = next(key for key, count in times.items() if count > 1)
    return repeated


def _not_finite(name: str) -> NoReturn:
    raise _NotFiniteError(name)


def _refuse_faults(value: Any, where: str) -> None:
    """Refuse the first thing, in document order, that the grammar of JSON allows and this reader does not."""
    if isinstance(value, str):
        if not value.isascii() and _has_lone_surrogate(value):
            _refuse_surrogate(where, value)
    elif isinstance(value, float):
        if math.isinf(value):
            refuse(
                "json-number-range",
                where,
                "the number is beyond what a double can hold",
                rule="Data 2.2.s4.b3 and RFC 7493, 2.2: numbers are doubles",
                fix="send a number below 1.8e308, or a text",
            )
    elif isinstance(value, list):
        for number, item in enumerate(value):
            _refuse_faults(item, f"{where}/{number}")
    elif isinstance(value, dict):
        if isinstance(value, _Repeated):
            refuse(
                "json-duplicate-key",
                step(where, value.key),
                f"the key {shown(value.key)} stands twice in this object",
                rule=RULE_TWICE,
                fix="keep one of the two: readers differ in which one they take",
            )
        for key, item in value.items():
            if not key.isascii() and _has_lone_surrogate(key):
                _refuse_surrogate(where, key)
            _refuse_faults(item, step(where, key))


def _refuse_surrogate(where: str, text: str) -> NoReturn:
    refuse(
        "json-not-unicode",
        where,
        f"half of a surrogate pair stands alone in {ascii(text)[:80]}",
        rule=f"{RULE_UNICODE}; RFC 7493, 2.1",
        fix="send both halves or the character itself; never cut a text inside a character",
    )


def _has_lone_surrogate(text: str) -> bool:
    try:
        text.encode()
    except UnicodeEncodeError:
        return True
    return False
