"""What a credential may do: the scopes of xAPI (1.0.3 Communication 4.2) and our own.

A request names the scopes of which any one is enough; what a wider scope includes is decided here
and nowhere else.
"""

from __future__ import annotations

from functools import lru_cache

STATEMENTS_WRITE = "statements/write"
STATEMENTS_READ_MINE = "statements/read/mine"
STATEMENTS_READ = "statements/read"
STATE = "state"
DEFINE = "define"
PROFILE = "profile"
ALL_READ = "all/read"
ALL = "all"
XAPI_SCOPES = (
    STATEMENTS_WRITE,
    STATEMENTS_READ_MINE,
    STATEMENTS_READ,
    STATE,
    DEFINE,
    PROFILE,
    ALL_READ,
)
ROSTER_READ = "roster/read"
ROSTER_WRITE = "roster/write"
SCIM = "scim"
OWN_SCOPES = (
    "events/write",
    "scores/read",
    "groups/read",
    "scores/contest",
    "policy/order",
    "people/read",
    "learner/read",
    ROSTER_READ,
    ROSTER_WRITE,
    SCIM,
)
SCOPES = (*XAPI_SCOPES, *OWN_SCOPES, ALL)
LMS_SCOPES = (STATEMENTS_WRITE, STATEMENTS_READ_MINE, STATE, DEFINE, PROFILE)
"""What an LMS or a course needs: write, read back its own, keep documents, describe its activities."""

READS_STATEMENTS = (STATEMENTS_READ_MINE,)
"""Any one of these is enough to GET statements; the wider scopes include it."""
READS_STATE = (STATE, ALL_READ)
READS_PROFILE = (PROFILE, ALL_READ)
READS_DEFINITIONS = (STATEMENTS_READ_MINE, STATE, PROFILE, ALL_READ)
"""For the Activities and Agents resources, which repeat what statements and profiles say."""

_INCLUDES = {
    ALL_READ: frozenset({STATEMENTS_READ, STATEMENTS_READ_MINE}),
    STATEMENTS_READ: frozenset({STATEMENTS_READ_MINE}),
    ROSTER_WRITE: frozenset({ROSTER_READ}),
    ALL: frozenset(SCOPES),
}
"""`all/read` reads documents too, but does not include `state` and `profile`, which also write."""
ALIASES = {
    "xapi:write": (STATEMENTS_WRITE, DEFINE),
    "xapi:read": (STATEMENTS_READ, STATEMENTS_READ_MINE),
}
"""What vendors that speak of xAPI in OAuth call it (LinkedIn Learning asks for `xapi:write`)."""


@lru_cache(maxsize=1_024)
def granted(scopes: tuple[str, ...]) -> frozenset[str]:
    """Return `scopes` with everything that they include."""
    own = frozenset(scopes)
    return own.union(*(_INCLUDES.get(scope, frozenset()) for scope in own))


def read_scopes(value: object) -> tuple[str, ...]:
    """Return the scopes of a text (RFC 6749 3.3: by single spaces) or list, aliases written out."""
    if isinstance(value, str):
        names: list[str] = value.split()
    elif isinstance(value, list):
        names = [name for name in value if isinstance(name, str)]
    else:
        names = []
    return tuple(dict.fromkeys(scope for name in names for scope in ALIASES.get(name, (name,))))


def narrowed(own: tuple[str, ...], asked: tuple[str, ...]) -> tuple[str, ...]:
    """Return what is granted by both, in the order of SCOPES, without what another one includes."""
    both = granted(own) & granted(asked)
    included = {one for scope in both for one in _INCLUDES.get(scope, frozenset()) if one != scope}
    return tuple(scope for scope in SCOPES if scope in both - included)
