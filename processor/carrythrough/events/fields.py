"""The names by which tables and mappings speak of an event, and how their values make up one.

A cell or a place in a body has one value, so what is nested in an event has a plain name here:
`met` for /outcome/met, `observer` for /observer/role, `email` for the actor with that address.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from carrythrough.events.needs import ANSWERS

FIELDS = (
    "id",
    "source",
    "kind",
    "employee",
    "time",
    "skill",
    "activity",
    "kpi",
    "met",
    "score",
    "value",
    "assisted",
    "observer",
    "grain",
    "minutes_of_support",
    "team",
    "email",
    "account_home",
    "account_name",
    "corrects",
    "retracts",
    "revision",
    "respondent",
    "scale",
    "importance",
    "confidence",
    "expectation",
)
PERSONS = ("employee", "email", "account_name", "team")
"""Any one of these says whom an event is about."""
OUTCOMES = ("met", "score", "value")
SURVEY = ("respondent", "scale")
"""Of a needs survey; a row has the answers about one skill, named by `skill`."""
_NEEDS = (*SURVEY, *ANSWERS)
BOOLEANS = frozenset({"met", "assisted"})
NUMBERS = frozenset({"score", "value", "minutes_of_support", "revision", *ANSWERS})

_TRUE = frozenset({"true", "yes", "y", "1"})
_FALSE = frozenset({"false", "no", "n", "0"})


class FieldError(Exception):
    """A value cannot be read: (field, message, rule, fix)."""

    def __init__(self, field: str, message: str, rule: str, fix: str) -> None:
        super().__init__(field, message, rule, fix)
        self.field, self.message, self.rule, self.fix = field, message, rule, fix


def document_of(values: Mapping[str, Any]) -> dict[str, Any]:
    """Return the performance event that typed values by field make up, as plain JSON; empty texts are left out."""
    document: dict[str, Any] = {}
    outcome: dict[str, Any] = {}
    account: dict[str, Any] = {}
    for name, value in values.items():
        if value is None or value == "" or name in _NEEDS:
            continue
        if name in OUTCOMES:
            outcome[name] = value
        elif name == "observer":
            document[name] = {"role": str(value).lower()}
        elif name == "email":
            document["actor"] = {"mbox": f"mailto:{value}"}
        elif name == "account_home":
            account["homePage"] = value
        elif name == "account_name":
            account["name"] = value
        else:
            document[name] = value
    if outcome:
        document["outcome"] = outcome
    if account:
        document["actor"] = {"account": account}
    given = {name: values[name] for name in _NEEDS if values.get(name) not in (None, "")}
    return _with_needs(document, given) if given else document


def _with_needs(document: dict[str, Any], given: Mapping[str, Any]) -> dict[str, Any]:
    """Return an event with the answers of a needs survey about its skill."""
    need = {name: document[name] for name in ("skill",) if name in document}
    need |= {name: given[name] for name in ANSWERS if name in given}
    survey = {name: str(given[name]).lower() for name in SURVEY if name in given}
    rest = {name: value for name, value in document.items() if name != "skill"}
    return {**rest, "needs": {**survey, "skills": [need]}}


def field_of(pointer: str, names: list[str]) -> str:
    """Return the field that a fault at a pointer into an event is about, of those that are given."""
    parts = pointer.strip("/").split("/")
    if parts[0] == "actor":
        wanted = ("account_name", "account_home") if "account" in parts else ("email",)
        return next((name for name in wanted if name in names), "email")
    for part in reversed(parts):
        if part in FIELDS:
            return part
    if parts[0] == "needs":
        return next((name for name in (*ANSWERS, *SURVEY) if name in names), "kind")
    if parts[0] == "outcome":
        return next((name for name in OUTCOMES if name in names), "met")
    return parts[0] or "id"


def boolean(field: str, text: str) -> bool:
    """Return what a word for yes or no says; raises FieldError."""
    word = text.lower()
    if word in _TRUE:
        return True
    if word in _FALSE:
        return False
    rule = "yes or no is written true/false, yes/no, y/n or 1/0"
    raise FieldError(field, f'"{text[:40]}" is neither yes nor no', rule, "write true or false")


def number(field: str, text: str) -> float:
    """Return the number that a text in ASCII digits with a decimal point is; raises FieldError."""
    try:
        return float(text) if text.isascii() and "_" not in text else float("nan_")
    except ValueError:
        fix = "write digits and a point, for example 0.8"
        if text.endswith("%") and field == "score":
            fix = "write a share: 80 % is 0.8"
        elif "," in text:
            fix = "write a decimal point in place of the comma, and no separators; or \"decimal: ','\" in a mapping"
        rule = "numbers are digits with a decimal point"
        raise FieldError(field, f'"{text[:40]}" is not a number', rule, fix) from None
