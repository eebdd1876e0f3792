"""Which xAPI version a request speaks, and which one its answer says."""

from __future__ import annotations

import re

from carrythrough.errors import PermanentError, Problem
from carrythrough.xapi.repairs import near_version

HEADER = b"x-experience-api-version"
LATEST_1_0 = "1.0.3"
LATEST_2_0 = "2.0.0"

_USUAL = {
    **dict.fromkeys((b"1.0", b"1.0.0", b"1.0.1", b"1.0.2", b"1.0.3"), LATEST_1_0),
    **dict.fromkeys((b"2.0", b"2.0.0"), LATEST_2_0),
}
"""What nearly everybody sends; looked up for every request, twice."""
_PATCH = re.compile(rb"(1\.0|2\.0)(?:\.\d{1,4})?")


def negotiate(header: bytes | None) -> str:
    """Return the version whose rules hold: "1.0.3" for 1.0 and 1.0.x, "2.0.0" for 2.0 and 2.0.x.

    Raises PermanentError 400 when the header is missing or names another version.
    """
    usual = _USUAL.get(header) if header is not None else None
    if usual is not None:
        return usual
    found = _PATCH.fullmatch(header.strip()) if header is not None else None
    if found is None:
        given = f"it is {header.decode('latin-1')[:40]!r}" if header else "it is missing"
        raise PermanentError(
            Problem(
                code="version-unsupported",
                status=400,
                title="A version that is not spoken here",
                detail=f"the version of the request is not known: {given}",
                where="X-Experience-API-Version",
                rule="Communication 3.3.s3: 1.0.0 to 1.0.3 (and 1.0.x); 9274 4.1.1: 2.0.0",
                fix=f"send X-Experience-API-Version: {LATEST_1_0} (or {LATEST_2_0})",
            )
        )
    return LATEST_1_0 if found[1] == b"1.0" else LATEST_2_0


def mended(header: bytes | None) -> bytes | None:
    """Return the header as a lenient credential may have meant it: 1.03 and v1.0.3 are 1.0.3."""
    if header is None or header in _USUAL or _PATCH.fullmatch(header.strip()) is not None:
        return header
    meant = near_version(header.decode("latin-1"))
    return header if meant is None else meant.encode()
