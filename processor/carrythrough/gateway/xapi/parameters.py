"""Query parameters of an xAPI request: read strictly, and refused by name.

A parameter that a resource does not know is refused and not passed over (Communication 3.2.s3.b7, b8):
a filter written `Agent` that were ignored would give out everybody's statements.
"""

from __future__ import annotations

from typing import NoReturn
from urllib.parse import parse_qsl

import msgspec

from carrythrough.errors import PermanentError, Problem
from carrythrough.xapi import formats

PARAMETERS_MAX = 64
"""No resource has more than 20; beyond it the query string is not even taken apart."""
RULE = "Communication 3.2.s3.b7 and b8; 9274.1.1 4.1.3"


def pairs(text: bytes) -> list[tuple[str, str]]:
    """Return names and values of a query string or form, decoded, in order; raises PermanentError 400."""
    if not text:
        return []
    try:
        return parse_qsl(
            text.decode("ascii"),
            keep_blank_values=True,
            strict_parsing=True,
            errors="strict",
            max_num_fields=PARAMETERS_MAX,
        )
    except ValueError:
        refuse(
            "parameter-invalid", "", "the query string cannot be read", fix="percent-encode names and values"
        )


def parse(query: bytes, known: frozenset[str]) -> dict[str, str]:
    """Return the parameters of a query string, each of which is one of `known` and stands once.

    Raises PermanentError 400: parameter-unknown (a wrong case included), parameter-repeated, parameter-invalid.
    """
    if not query:
        return {}
    return checked(pairs(query), known)


def checked(given: list[tuple[str, str]], known: frozenset[str]) -> dict[str, str]:
    """Return `given` as a dictionary; raises as `parse`."""
    found: dict[str, str] = {}
    for name, value in given:
        if name not in known:
            _refuse_unknown(name, known)
        if name in found:
            refuse("parameter-repeated", name, f"{name} is given more than once", fix=f"give {name} once")
        found[name] = value
    return found


def required(parameters: dict[str, str], name: str, *, rule: str = RULE) -> str:
    """Return a parameter that has to be there; raises PermanentError 400 parameter-missing."""
    value = parameters.get(name)
    if value is None:
        refuse("parameter-missing", name, f"{name} is missing", rule=rule, fix=f"give {name} once")
    return value


def uuid(parameters: dict[str, str], name: str) -> bytes | None:
    """Return the 16 bytes of a UUID parameter, None when it is not given; raises PermanentError 400."""
    text = parameters.get(name)
    if text is None:
        return None
    value = formats.uuid_bytes(text)
    if value is None:
        refuse(
            "parameter-invalid",
            name,
            f"{text[:80]!r} is not a UUID",
            rule="Data 4.2 (RFC 4122): 8-4-4-4-12 hexadecimal digits",
            fix="send 8-4-4-4-12 hexadecimal digits",
        )
    return value


def iri(parameters: dict[str, str], name: str) -> str:
    """Return an IRI parameter, "" when it is not given; raises PermanentError 400."""
    text = parameters.get(name, "")
    if name in parameters and not formats.is_iri(text):
        refuse(
            "parameter-invalid",
            name,
            f"{text[:80]!r} is not an absolute IRI",
            rule="Data 4.3 (RFC 3987): a scheme, a colon and what follows",
            fix="send an absolute IRI, percent-encoded",
        )
    return text


def timestamp_ms(parameters: dict[str, str], name: str) -> int:
    """Return a timestamp parameter in ms since the epoch (at least 0), -1 when it is not given.

    A blank where the sign of an offset stands is a plus sign that a client did not encode. Raises
    PermanentError 400.
    """
    text = parameters.get(name)
    if text is None:
        return -1
    value = formats.timestamp_ms(text.replace(" ", "+"), rfc3339=False)
    if value is None:
        refuse(
            "parameter-invalid",
            name,
            f"{text[:80]!r} is not a timestamp",
            rule="Data 4.5 (ISO 8601, RFC 3339)",
            fix="send a date and a time with an offset, as 2026-03-01T09:30:00Z",
        )
    return max(value, 0)


def boolean(parameters: dict[str, str], name: str) -> bool:
    """Return a boolean parameter, False when it is not given; raises PermanentError 400.

    True and False are read too: the tincan package for Python writes them so.
    """
    text = parameters.get(name, "false")
    if text not in {"true", "false", "True", "False"}:
        refuse(
            "parameter-invalid",
            name,
            f"{text[:80]!r} is neither true nor false",
            rule="Communication 2.1.3.s1: Boolean",
            fix="send true or false, in lower case",
        )
    return text in {"true", "True"}


def json_value(parameters: dict[str, str], name: str) -> object:
    """Return the value of a parameter that is JSON; the parameter must be there; raises PermanentError 400."""
    try:
        return msgspec.json.decode(parameters[name])
    except (msgspec.DecodeError, RecursionError):
        refuse(
            "parameter-invalid",
            name,
            f"{parameters[name][:80]!r} is not JSON",
            rule="Communication 3.2.s3.b7: the parameter is a JSON text",
            fix="send JSON, percent-encoded",
        )


def refuse(code: str, where: str, detail: str, *, fix: str, rule: str = RULE) -> NoReturn:
    """Raise the refusal (400) of a request whose parameters or headers do not fit together."""
    raise PermanentError(
        Problem(
            code=code,
            status=400,
            title="The request cannot be understood",
            detail=detail,
            where=where,
            rule=rule,
            fix=fix,
        )
    )


def _refuse_unknown(name: str, known: frozenset[str]) -> NoReturn:
    if name == "method":
        refuse(
            "parameter-unknown",
            name,
            "this request is not one in the alternate syntax (POST with ?method=), which 1.0.3 has and 2.0 has not",
            rule="Communication 1.3; 9274.1.1 leaves it out",
            fix="send the method itself, with its headers and parameters",
        )
    near = next((f"; did you mean {own!r}?" for own in known if own.lower() == name.lower()), "")
    refuse(
        "parameter-unknown",
        name,
        f"{name[:80]!r} is not a parameter of this request{near}",
        fix=f"parameters of this request: {', '.join(sorted(known)) or 'none'}",
    )
