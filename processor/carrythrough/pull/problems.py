"""What can go wrong while reading another store, told apart: wait and try again, or ask a person."""

from __future__ import annotations

from carrythrough.errors import CarrythroughError, PermanentError, Problem, TransientError

RETRY_AFTER_S_MAX = 3_600.0
"""A store may ask for a pause, but not silence the reading for ever with a mistaken header."""
_PASSING = frozenset({408, 425, 429})
_SHOWN_CHARACTERS_MAX = 200


def of_status(endpoint: str, status: int, text: str, retry_after: str | None) -> CarrythroughError:
    """Return the error for an answer that is no success (status not 200)."""
    said = " ".join(text.split())[:_SHOWN_CHARACTERS_MAX]
    detail = f"{endpoint} answered {status}" + (f": {said}" if said else "")
    if status in _PASSING or status >= 500:
        return TransientError(
            Problem(
                code="pull-store-unavailable",
                status=503,
                title="The store cannot answer now",
                detail=detail,
                where="endpoint",
                rule="5xx, 408, 425 and 429 pass: reading goes on where it stopped",
                fix="nothing here; look at the store when it stays",
            ),
            _pause_s(retry_after),
        )
    if status in (401, 403):
        fix = "give a key and a secret that may read statements (scope statements/read)"
        return _final("pull-credentials-refused", "The store refuses the credentials", detail, "key", fix)
    if status == 404:
        fix = "give the address that `statements` follows, such as https://lrs.example/xapi"
        return _final(
            "pull-endpoint-wrong", "There are no statements at this address", detail, "endpoint", fix
        )
    if 300 <= status < 400:
        fix = "give the address that it points to; credentials are never sent on to another one"
        return _final("pull-endpoint-wrong", "The store has moved", detail, "endpoint", fix)
    fix = "compare version and filters with what the store can do"
    return _final("pull-request-refused", "The store refuses the request", detail, "endpoint", fix)


def unreachable(endpoint: str, error: BaseException) -> TransientError:
    """Return the error for a store that cannot be reached, hangs or breaks off."""
    return TransientError(
        Problem(
            code="pull-store-unreachable",
            status=503,
            title="The store cannot be reached",
            detail=f"{endpoint}: {str(error) or type(error).__name__}",
            where="endpoint",
            rule="a fault of the network passes: reading goes on where it stopped",
            fix="look at the address, the network and the store when it stays",
        )
    )


def untrusted(endpoint: str, error: BaseException) -> PermanentError:
    """Return the error for a certificate that does not hold."""
    fix = "mend the certificate, or name your authority's file in SSL_CERT_FILE"
    return _final(
        "pull-certificate-refused",
        "The store's certificate does not hold",
        f"{endpoint}: {error}",
        "endpoint",
        fix,
    )


def unreadable(endpoint: str, detail: str) -> PermanentError:
    """Return the error for an answer that is no StatementResult."""
    fix = "check that the address is that of an LRS; report the answer to its maker"
    return _final(
        "pull-answer-unreadable",
        "The answer is no list of statements",
        f"{endpoint}: {detail}",
        "endpoint",
        fix,
    )


def elsewhere(endpoint: str, more: str) -> PermanentError:
    """Return the error for a `more` that leads to another server, where the credentials must not go."""
    fix = "read from the address that the store itself uses"
    detail = f"{endpoint}: more is {more[:_SHOWN_CHARACTERS_MAX]!r}"
    return _final("pull-more-elsewhere", "The next page lies on another server", detail, "endpoint", fix)


def endless(endpoint: str, detail: str) -> PermanentError:
    """Return the error for a store whose `more` never ends."""
    fix = "report it to the maker of the store; a larger `page` may help meanwhile"
    return _final("pull-more-endless", "The pages do not end", f"{endpoint}: {detail}", "endpoint", fix)


def _final(code: str, title: str, detail: str, where: str, fix: str) -> PermanentError:
    return PermanentError(
        Problem(
            code=code,
            status=502,
            title=title,
            detail=detail,
            where=where,
            rule="xAPI 1.0.3 part 3 sections 2.1.3 and 3.2; 9274.1.1 section 4.1.6.1",
            fix=fix,
        )
    )


def _pause_s(retry_after: str | None) -> float:
    """Return the pause of a Retry-After in whole seconds; dates are left to our own back-off."""
    text = (retry_after or "").strip()
    return min(float(text), RETRY_AFTER_S_MAX) if text.isdecimal() else 1.0
