"""Which people a SCIM filter may mean, found without building a resource for everybody.

The library decides what a filter matches. Before it is asked, a filter is held against what the roster
knows at hand, in three values: True, False, or None for "ask the library". Of 100,000 people only those
who are not plainly False are built as resources.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import msgspec
from scim2_models.path import Comparison, FilterNode, LogicalExpr, Not, ValuePath

from carrythrough.gateway.scim.attributes import CORE
from carrythrough.gateway.scim.store import ResourceBook
from carrythrough.identity.directory import RosterIndex
from carrythrough.identity.person import Person

Verdict = bool | None


class Facts(msgspec.Struct, frozen=True):
    """What a filter may ask of one person at hand; texts in lower case."""

    person: Person
    user_name: str
    external_id: str


Test = Callable[[Facts], Verdict]


def _texts_of() -> dict[str, Callable[[Facts], tuple[str, ...]]]:
    return {
        "id": lambda f: (f.person.id.casefold(),),
        "username": lambda f: (f.user_name,),
        "externalid": lambda f: (f.external_id,),
        "emails": _addresses,
        # Where these attributes stand, they are these fields; where they do not, nothing matches them.
        "displayname": lambda f: (f.person.name.casefold(),),
        "title": lambda f: (f.person.role.casefold(),),
    }


def _addresses(facts: Facts) -> tuple[str, ...]:
    person = facts.person
    marked = (one.mbox.removeprefix("mailto:").casefold() for one in person.identifiers if one.mbox)
    return (person.email.casefold(), facts.user_name, *marked)


_TEXTS = _texts_of()
_KEYS = frozenset({"id", "username", "externalid", "emails"})
_COMPARE: dict[str, Callable[[str, str], bool]] = {
    "eq": lambda have, want: have == want,
    "sw": lambda have, want: have.startswith(want),
    "ew": lambda have, want: have.endswith(want),
    "co": lambda have, want: want in have,
}


def test_of(node: FilterNode) -> Test:
    """Return what a filter says of one person at hand, as far as that goes."""
    match node:
        case LogicalExpr():
            return _logical(node)
        case Not():
            inner = test_of(node.expr)
            return lambda facts: None if (said := inner(facts)) is None else not said
        case ValuePath():
            return _value_path(node)
        case Comparison():
            return _comparison(_attribute(node), str(node.op), node.value)
    return _unknown


def _unknown(_: Facts) -> Verdict:
    return None


def _logical(node: LogicalExpr) -> Test:
    tests = [test_of(term) for term in node.terms]
    # "and" is decided by one False, "or" by one True; failing that, by all of them saying the opposite.
    decisive = str(node.op) == "or"

    def logical(facts: Facts) -> Verdict:
        open_ = False
        for test in tests:
            said = test(facts)
            if said is decisive:
                return decisive
            open_ |= said is None
        return None if open_ else not decisive

    return logical


def _attribute(node: Comparison) -> str:
    """Return the name of an attribute of the core schema in lower case, "" for others."""
    path = node.attr_path
    if path.uri and str(path.uri).lower() != CORE.lower():
        return ""
    name = path.attr.lower()
    if path.sub_attr is None:
        return name
    return name if name == "emails" and path.sub_attr.lower() == "value" else ""


def _comparison(name: str, op: str, value: Any) -> Test:
    if name == "active" and op == "eq" and isinstance(value, bool):
        return lambda facts: facts.person.active is value
    texts, compare = _TEXTS.get(name), _COMPARE.get(op)
    if texts is None or compare is None or not isinstance(value, str):
        return _unknown
    want = value.casefold()
    # Case may count, and an address may be a further one: what looks right is for the library to say.
    return lambda facts: None if any(compare(have, want) for have in texts(facts)) else False


def _value_path(node: ValuePath) -> Test:
    """Return the test of `emails[type eq "work" and value eq "x"]`: false where its address is nobody's."""
    path = node.attr_path
    if path.attr.lower() != "emails" or path.sub_attr is not None:
        return _unknown
    inner = node.val_filter
    terms = inner.terms if isinstance(inner, LogicalExpr) and str(inner.op) == "and" else (inner,)
    tests = [
        _comparison("emails", str(term.op), term.value)
        for term in terms
        if isinstance(term, Comparison) and str(term.attr_path).lower() == "value"
    ]
    return lambda facts: False if any(test(facts) is False for test in tests) else None


def named_by(node: FilterNode, roster: RosterIndex, book: ResourceBook) -> list[str] | None:
    """Return the ids that a filter names by a key (at most a few), None when it names none.

    Identity providers ask so before every change: `userName eq "ann@corp.example"`.
    """
    match node:
        case LogicalExpr() if str(node.op) == "and":
            found = (named_by(term, roster, book) for term in node.terms)
            return next((ids for ids in found if ids is not None), None)
        case ValuePath() if node.attr_path.attr.lower() == "emails":
            inner = node.val_filter
            terms = inner.terms if isinstance(inner, LogicalExpr) and str(inner.op) == "and" else (inner,)
            for term in terms:
                if isinstance(term, Comparison) and str(term.attr_path).lower() == "value":
                    return _by_key("emails", str(term.op), term.value, roster, book)
            return None
        case Comparison():
            return _by_key(_attribute(node), str(node.op), node.value, roster, book)
    return None


def _by_key(name: str, op: str, value: Any, roster: RosterIndex, book: ResourceBook) -> list[str] | None:
    if op != "eq" or not isinstance(value, str) or name not in _KEYS:
        return None
    ids: list[str] = []
    if name == "username":
        ids = [*book.with_user_name(value), *_holder(value, roster), value, value.casefold()]
    elif name == "externalid":
        ids = [*book.with_external_id(value), value]
    elif name == "id":
        ids = [value]
    else:
        ids = [*_holder(value, roster), *book.with_user_name(value)]
    return [one for one in dict.fromkeys(ids) if roster.person_of_id(one) is not None]


def _holder(address: str, roster: RosterIndex) -> list[str]:
    """Return the id of whoever has an address, [] when nobody does."""
    person = roster.person(roster.subject_of_name("mbox:mailto:" + address.lower()))
    return [] if person is None else [person.id]


def facts_of(person: Person, names: dict[str, tuple[str, str]]) -> Facts:
    """Return what is at hand of one person; names: (userName, externalId) of those that came by SCIM."""
    said = names.get(person.id)
    if said is None:
        return Facts(person, (person.email or person.id).casefold(), person.id.casefold())
    return Facts(person, said[0], said[1].casefold())
