"""One value out of the extensions of a statement, wherever the statement carries them.

Matchers, outcomes and items of the program map read extensions by the same three things: the place, the key
(an IRI) and the path that leads on into its value; so what a path means stands here once.
"""

from __future__ import annotations

from typing import Any, Literal

from carrythrough.xapi.statement import Activity, Extensions, Statement

Place = Literal["result", "context", "activity"]
"""The result, the context, or the definition of the activity that is the object."""


def extensions_at(st: Statement, place: Place) -> Extensions | None:
    """Return the extensions that a statement carries in a place, None for none."""
    if place == "result":
        return None if st.result is None else st.result.extensions
    if place == "context":
        return None if st.context is None else st.context.extensions
    obj = st.object
    return obj.definition.extensions if type(obj) is Activity and obj.definition is not None else None


def value_at(extensions: Extensions | None, iri: str, path: tuple[str, ...]) -> Any:
    """Return the value of the extension `iri` at the end of `path`; None where there is none, and for null.

    A step is a key of an object, or a place from 0 in a list, in decimal digits.
    """
    if not extensions:
        return None
    value = extensions.get(iri)
    for step in path:
        if isinstance(value, dict):
            value = value.get(step)
        elif isinstance(value, list) and step.isascii() and step.isdigit() and len(step) <= _DIGITS_MAX:
            place = int(step)
            value = value[place] if place < len(value) else None
        else:
            return None
    return value


_DIGITS_MAX = 9
"""No list of a statement has more entries than nine digits count; longer texts are not read as numbers."""
