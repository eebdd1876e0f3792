"""Mutations of real statements by the grammar of JSON, and what must hold whatever they have become.

Every choice is drawn from a `random.Random`, so a run is repeated by its seed, and hypothesis can drive the
same grammar and shrink what it finds. `check` is the judge: the outcome of any bytes is statements or one
clear refusal, in both versions, for strict and for lenient senders, and the fast way in never accepts what
the rules of record refuse.
"""

from __future__ import annotations

import json
import random
from copy import deepcopy
from typing import Any

import msgspec

from carrythrough.errors import PermanentError, Problem
from carrythrough.xapi import admission, fast_path, lenient
from carrythrough.xapi.admitted import Admitted, Limits
from carrythrough.xapi.refusals import ERROR_CODES
from carrythrough.xapi.repairs import CLOCK_AHEAD, CLOCK_NOT_SET, REPAIRS

LIMITS = Limits(depth_max=24)
NOW_MS = 1_800_000_000_000
CHANGES_MAX = 4
STYLES = ("compact", "spaced", "pretty", "colons", "slashes", "ascii")
DAMAGE = (
    b"\\",
    b'"',
    b":",
    b"\x00",
    b"\xed\xa0\x80",
    b"\\ud800",
    b"NaN",
    b"[" * 70,
    b"1e999",
    b",",
    b"\xff",
    b"}",
)
TEXTS = (
    "", " ", "x", "http://", "http://example.org/y", "https://example.org/ä", "\x00", "mailto:b@example.org",
    "PT0S",
    "P4W1D", "1.0.3", "1.03", "2.0.0", "Group", "Agent", "Activity", "GroupActivity", "StatementRef",
    "SubStatement",
    "en-US", "en_US", "2026-01-01T00:00:00-00:00", "2026-01-01T00:00:00+01:00", "2026-01-01 00:00:00Z",
    "1970-01-01T00:00Z",
    "11111111-1111-4111-8111-111111111111", "é", "😀", '":', '" :', "\\",
    "http://adlnet.gov/expapi/verbs/voided", "choice",
    "contextAgent", "contextGroup", "a" * 64, "application/pdf",
)  # fmt: skip
KEYS = (
    "id", "actor", "verb", "object", "result", "context", "timestamp", "stored", "authority", "version",
    "attachments",
    "objectType", "objecttype", "name", "mbox", "mbox_sha1sum", "openid", "account", "homePage", "member",
    "display",
    "definition", "description", "type", "moreInfo", "interactionType", "correctResponsesPattern", "choices",
    "extensions",
    "score", "scaled", "raw", "min", "max", "success", "completion", "response", "duration", "registration",
    "instructor",
    "team", "contextActivities", "contextAgents", "contextGroups", "revision", "platform", "language",
    "statement", "parent",
    "grouping", "agent", "group", "relevantTypes", "usageType", "sha2", "length", "contentType", "fileUrl",
    "en", "http://x/y",
    "sessionId", "\x00", "a/b~c", "",
)  # fmt: skip
NUMBERS = (0, 1, -1, 2, 0.5, -1.5, 1e308, 10**30, -0.0, 87, 1e-300)


_UUID = "6b7a7e0c-5d0f-4f0e-9a3d-0c6f0f3b2a11"
_AGENT = {"objectType": "Agent", "mbox": "mailto:ana@example.org"}
_GROUP = {"objectType": "Group", "name": "G", "member": [_AGENT, {"openid": "https://id.example.org/b"}]}
_ATTACHMENT = {
    "usageType": "http://example.org/certificate", "display": {"en": "Certificate"},
    "description": {"de": "Urkunde"},
    "contentType": "application/pdf", "length": 27, "sha2": "0" * 64, "fileUrl": "https://example.org/c.pdf",
}  # fmt: skip
_CONTEXT = {
    "registration": _UUID, "instructor": _AGENT, "team": _GROUP, "platform": "web", "revision": "2",
    "language": "fr-CA",
    "contextActivities": {"parent": {"id": "http://example.org/p"}, "other": [{"id": "http://example.org/o"}]},
    "statement": {"objectType": "StatementRef", "id": _UUID},
    "extensions": {"https://example.org/x": [{"a": None}]},
}  # fmt: skip
_RESULT = {
    "score": {"scaled": 0.5, "raw": 5, "min": 0, "max": 10.0}, "success": True, "completion": False,
    "duration": "PT1M",
    "response": "a[,]b", "extensions": {"https://example.org/y": 1},
}  # fmt: skip
RICH: tuple[dict[str, Any], ...] = (
    {
        "id": _UUID, "actor": _GROUP, "verb": {"id": "http://example.org/did", "display": {"en": 'said "x": 1'}},
        "object": {
            "objectType": "Activity", "id": "http://example.org/q",
            "definition": {
                "name": {"en": "Q"}, "type": "http://adlnet.gov/expapi/activities/cmi.interaction",
                "moreInfo": "http://example.org/i", "interactionType": "matching",
                "correctResponsesPattern": ["a[.]1"],
                "source": [{"id": "a", "description": {"en": "A"}}], "target": [{"id": "1"}],
            },
        },
        "result": _RESULT, "context": _CONTEXT, "timestamp": "2026-03-01T09:30:00.000Z",
        "stored": "2026-03-01T09:30:01Z",
        "authority": {"objectType": "Group", "member": [_AGENT, _AGENT]}, "version": "1.0.0",
        "attachments": [_ATTACHMENT],
    },
    {
        "actor": {"account": {"homePage": "https://example.org", "name": "7"}},
        "verb": {"id": "http://example.org/planned"},
        "object": {
            "objectType": "SubStatement", "actor": _AGENT, "verb": {"id": "http://example.org/visit"},
            "object": _GROUP,
            "result": _RESULT, "timestamp": "2030-01-01T00:00:00Z", "attachments": [_ATTACHMENT],
        },
    },
    {
        "actor": {"mbox_sha1sum": "a" * 40}, "verb": {"id": "http://adlnet.gov/expapi/verbs/voided"},
        "object": {"objectType": "StatementRef", "id": _UUID},
    },
    {
        "actor": _AGENT, "verb": {"id": "http://example.org/met"}, "object": _AGENT, "version": "2.0.0",
        "context": {
            "contextAgents": [{"objectType": "contextAgent", "agent": _AGENT, "relevantTypes": ["http://x/y"]}],
            "contextGroups": [{"objectType": "contextGroup", "group": _GROUP}],
        },
    },
)  # fmt: skip
"""Statements that use what real senders seldom do, so that every rule is met."""


def mutated(statement: Any, chance: random.Random) -> Any:
    """Return a copy of a statement with up to CHANGES_MAX changes anywhere in it."""
    value = deepcopy(statement)
    for _ in range(chance.randint(0, CHANGES_MAX)):
        found = places(value)
        if not found:
            break
        _change(value, found, chance)
    return value


def places(value: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    """Return the paths of all values inside `value`."""
    found = [path] if path else []
    inside = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for name, item in inside:
        found += places(item, (*path, name))
    return found


def _at(value: Any, path: tuple[Any, ...]) -> Any:
    for name in path:
        value = value[name]
    return value


def _change(value: Any, found: list[tuple[Any, ...]], chance: random.Random) -> None:
    path = chance.choice(found)
    parent, name = _at(value, path[:-1]), path[-1]
    change = chance.choice(("remove", "replace", "rename", "add", "copy", "wrap", "null", "case"))
    if change == "remove":
        del parent[name]
    elif change == "replace":
        parent[name] = free(chance)
    elif change == "null":
        parent[name] = None
    elif change == "wrap":
        parent[name] = chance.choice(([parent[name]], {"a": parent[name]}))
    elif change == "copy":
        parent[name] = deepcopy(_at(value, chance.choice(found)))
    elif not isinstance(parent, dict):
        parent.insert(name, free(chance))
    elif change == "rename":
        parent[chance.choice(KEYS)] = parent.pop(name)
    elif change == "case":
        parent[name.swapcase()] = parent.pop(name)
    else:
        parent[chance.choice(KEYS)] = free(chance)


def free(chance: random.Random, depth: int = 2) -> Any:
    """Return any JSON value, often one that means something in xAPI."""
    kind = chance.randrange(10 if depth else 7)
    if kind < 4:
        return chance.choice(TEXTS)
    if kind == 4:
        return chance.choice(NUMBERS)
    if kind == 5:
        return chance.choice((None, True, False))
    if kind == 6:
        return "".join(chance.choice("aZ09:/-.@ ~%é\x00") for _ in range(chance.randrange(9)))
    if kind == 7:
        return [free(chance, depth - 1) for _ in range(chance.randrange(3))]
    return {chance.choice(KEYS): free(chance, depth - 1) for _ in range(chance.randrange(4))}


def written(value: Any, chance: random.Random) -> bytes:
    """Return the value as JSON in one of the ways of writing it, one time in twelve with bytes damaged."""
    style = chance.choice(STYLES)
    if style == "compact":
        text = json.dumps(value, separators=(",", ":"), ensure_ascii=False)
    elif style == "pretty":
        text = json.dumps(value, indent=1)
    elif style == "colons":
        text = json.dumps(value, separators=(" ,", "\t:"))
    elif style == "slashes":
        text = json.dumps(value, separators=(",", ":")).replace("/", "\\/")
    else:
        text = json.dumps(value, ensure_ascii=style == "ascii")
    body = text.encode()
    return body if chance.randrange(12) else _damaged(bytearray(body), chance)


def _damaged(body: bytearray, chance: random.Random) -> bytes:
    for _ in range(chance.randint(1, 3)):
        place = chance.randint(0, len(body))
        change = chance.randrange(4)
        if change == 0 and place < len(body):
            body[place] = chance.randrange(256)
        elif change == 1:
            body[place:place] = chance.choice(DAMAGE)
        elif change == 2:
            del body[place : place + chance.randint(1, 20)]
        else:
            del body[place:]
    return bytes(body)


def check(text: bytes) -> tuple[str, ...]:
    """Return what became of a statement: for each version, "accepted" or the code, strict and then lenient.

    Raises AssertionError in words where something does not hold, and whatever a fault of ours raises.
    """
    found: list[str] = []
    for version in ("1.0.3", "2.0.0"):
        one = _strictly(text, version)
        found += (one.code if isinstance(one, Problem) else "accepted", _leniently(text, version, one))
    return tuple(found)


def _strictly(text: bytes, version: str) -> Admitted | Problem:
    v2 = version == "2.0.0"
    fast = _fast(text, v2=v2)
    try:
        [one] = admission.admit(text, LIMITS, version)
    except PermanentError as refused:
        clear(refused.problem)
        _hold(fast is None, "the fast way accepts what is refused")
        return refused.problem
    except ValueError:  # an array that damage made: its statements are tried one by one
        return Problem(code="several", status=400, title="", detail="")
    try:
        careful = admission.careful(text.strip(b" \t\r\n"), "", LIMITS, v2=v2)
    except PermanentError as refused:
        raise AssertionError(f"accepted against the rules of record: {refused}") from refused
    _hold(one == careful, "the fast way reads it otherwise")
    _hold(fast is None or fast == careful, "the fast way reads it otherwise")
    _hold(admission.decode_statement(one.raw) == one.statement, "the log reads it otherwise")
    return one


def _fast(text: bytes, *, v2: bool) -> Admitted | None:
    try:
        [part] = msgspec.json.decode(b"[" + text + b"]", type=list[msgspec.Raw])
        return fast_path.read(part, v2=v2, escapes=b"\\" in text)
    except (*fast_path.HESITATIONS, ValueError):
        return None


def _leniently(text: bytes, version: str, strict: Admitted | Problem) -> str:
    sender = lenient.Sender(credential="vr", version=version, now_ms=NOW_MS)
    try:
        taken = lenient.admit(text, LIMITS, sender)
    except PermanentError as refused:
        clear(refused.problem)
        _hold(isinstance(strict, Problem), "refused of a lenient sender only")
        return refused.problem.code
    for one in taken:
        if isinstance(one, lenient.Refused):
            clear(one.problem)
            _hold(isinstance(strict, Problem), "set aside though it is a statement")
            _hold(lenient.read_kept(one.raw).raw() in text, "not kept as it was sent")
            continue
        admission.careful(one.raw, "", LIMITS, v2=version == "2.0.0")
        if isinstance(one, lenient.Repaired):
            _hold(set(one.repairs) <= set(REPAIRS), "a repair without a name")
            _hold(one.original in text, "not kept as it was sent")
            if isinstance(strict, Admitted):
                _hold(set(one.repairs) <= {CLOCK_AHEAD, CLOCK_NOT_SET}, "a good statement was changed")
    words = {lenient.Refused: "set aside", lenient.Repaired: "repaired"}
    return words.get(type(taken[0]), "accepted") if taken else "nothing"


def _hold(condition: object, words: str) -> None:
    if not condition:
        raise AssertionError(words)


def clear(problem: Problem) -> None:
    """Check that a refusal says what was wrong, where, by which rule, and what fixes it."""
    _hold(problem.code in ERROR_CODES, f"no code: {problem.code}")
    _hold(problem.status in {400, 413}, f"status {problem.status}")
    _hold(problem.detail, "no detail")
    _hold(problem.rule, "no rule")
    _hold(problem.fix, "no fix")
    _hold(problem.where == "" or problem.where.startswith("/"), f"no pointer: {problem.where}")
    msgspec.json.encode(problem)
