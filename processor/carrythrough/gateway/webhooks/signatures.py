"""Whether a webhook request comes from who holds the secret: each vendor's scheme as data, one way to check.

All of them are HMAC-SHA256 over the body and what is around it. Sources: standardwebhooks.com;
docs.github.com "Validating webhook deliveries"; docs.stripe.com "Resolve webhook signature verification
errors"; developers.hubspot.com "Validating requests" (v3); developer.zendesk.com "Verifying webhook
authenticity"; developer.atlassian.com "Webhooks: Secure admin webhooks".
"""

from __future__ import annotations

import base64
import binascii
import datetime as dt
import hmac
import math
import re
from collections.abc import Mapping
from hashlib import sha256

import msgspec

from carrythrough.errors import PermanentError, Problem
from carrythrough.gateway.webhook_settings import Webhook

MILLISECONDS_FROM = 100_000_000_000
"""A time beyond this many seconds since 1970 is one in milliseconds."""
SIGNATURES_MAX = 20
"""Signatures in one header that are compared: a sender that changes secrets sends two or three."""

_FIELD = re.compile(r"\{(body|timestamp|id|method|url)\}")


class Scheme(msgspec.Struct, frozen=True, kw_only=True):
    """Where the parts of a signature are.

    parts: how several signatures stand in one header, "v1=" (Stripe: t=…,v1=…) or "v1," (Standard Webhooks: v1,… v1,…).
    """

    header: str
    template: str
    encoding: str = "hex"
    prefix: str = ""
    timestamp_header: str = ""
    id_header: str = ""
    parts: str = ""


SCHEMES: dict[str, Scheme] = {
    "standardwebhooks": Scheme(
        header="webhook-signature",
        template="{id}.{timestamp}.{body}",
        encoding="base64",
        timestamp_header="webhook-timestamp",
        id_header="webhook-id",
        parts="v1,",
    ),
    "github": Scheme(
        header="x-hub-signature-256", template="{body}", prefix="sha256=", id_header="x-github-delivery"
    ),
    "jira": Scheme(
        header="x-hub-signature",
        template="{body}",
        prefix="sha256=",
        id_header="x-atlassian-webhook-identifier",
    ),
    "stripe": Scheme(header="stripe-signature", template="{timestamp}.{body}", parts="v1="),
    "hubspot": Scheme(
        header="x-hubspot-signature-v3",
        template="{method}{url}{body}{timestamp}",
        encoding="base64",
        timestamp_header="x-hubspot-request-timestamp",
    ),
    "zendesk": Scheme(
        header="x-zendesk-webhook-signature",
        template="{timestamp}{body}",
        encoding="base64",
        timestamp_header="x-zendesk-webhook-signature-timestamp",
        id_header="x-zendesk-webhook-invocation-id",
    ),
}


class Proof(msgspec.Struct, frozen=True):
    """A request that proved itself. delivery: the sender's id of it, "" when it has none."""

    delivery: str = ""


def scheme_of(hook: Webhook) -> Scheme:
    """Return the scheme of a webhook, with what its settings say otherwise."""
    known = SCHEMES.get(hook.signature)
    if known is not None:
        return known
    return Scheme(
        header=hook.header.lower(),
        template=hook.template,
        encoding=hook.encoding,
        prefix=hook.prefix,
        timestamp_header=hook.timestamp_header.lower(),
        id_header=hook.id_header.lower(),
    )


def verify(
    hook: Webhook,
    secrets: tuple[str, ...],
    headers: Mapping[str, str],
    body: bytes,
    now_s: float,
    method: str = "POST",
) -> Proof:
    """Return the proof that a request was made by who holds one of `secrets`.

    headers: names in lower case. Digests are compared in constant time. Raises PermanentError 401:
    "signature-missing", "signature-wrong", "signature-stale".
    """
    if hook.signature == "token":
        return _token(hook, secrets, headers)
    scheme = scheme_of(hook)
    given = headers.get(scheme.header, "")
    if not given:
        raise _refused("signature-missing", f"the header {scheme.header} is missing", scheme.header)
    timestamp, signatures = _parts(scheme, given, headers)
    if timestamp:
        _check_time(timestamp, hook, now_s, scheme)
    elif "{timestamp}" in scheme.template:
        where = scheme.timestamp_header or scheme.header
        raise _refused("signature-missing", "the time of sending is missing", where)
    delivery = headers.get(scheme.id_header, "") if scheme.id_header else ""
    signed = _signed(scheme.template, body, timestamp, delivery, method, hook.url)
    # Every secret and signature is compared, so that the time taken tells nothing of which one was near.
    right = False
    for secret in secrets:
        wanted = hmac.new(_key(hook, secret), signed, sha256).digest()
        for signature in signatures[:SIGNATURES_MAX]:
            right |= hmac.compare_digest(wanted, _decoded(signature, scheme.encoding))
    if not right:
        raise _refused("signature-wrong", "the signature is not that of the body", scheme.header)
    return Proof(delivery[:200])


def key_fault(hook: Webhook, secret: str) -> str:
    """Return what is wrong with a secret, "" when it can be used."""
    if not secret:
        return "it is empty"
    try:
        return "" if _key(hook, secret) else "it is empty"
    except ValueError:
        return "a secret of Standard Webhooks is whsec_ and base64"


def _token(hook: Webhook, secrets: tuple[str, ...], headers: Mapping[str, str]) -> Proof:
    name = (hook.header or "authorization").lower()
    given = headers.get(name, "")
    if not given:
        raise _refused("signature-missing", f"the header {name} is missing", name)
    bare = given[7:].strip() if given[:7].lower() == "bearer " else given.strip()
    right = False
    for secret in secrets:
        right |= hmac.compare_digest(sha256(bare.encode()).digest(), sha256(secret.encode()).digest())
    if not right:
        raise _refused("signature-wrong", "the token is wrong", name)
    return Proof(headers.get(hook.id_header.lower(), "")[:200] if hook.id_header else "")


def _parts(scheme: Scheme, given: str, headers: Mapping[str, str]) -> tuple[str, list[str]]:
    """Return the time of sending as it is written, and the signatures."""
    timestamp = headers.get(scheme.timestamp_header, "") if scheme.timestamp_header else ""
    if scheme.parts == "v1=":
        pairs = [part.strip().partition("=") for part in given.split(",")]
        times = [value for name, _, value in pairs if name == "t"]
        return (times[0] if times else ""), [value for name, _, value in pairs if name == "v1"]
    if scheme.parts == "v1,":
        return timestamp, [part[3:] for part in given.split() if part.startswith("v1,")]
    return timestamp, [given.strip().removeprefix(scheme.prefix)]


def _signed(template: str, body: bytes, timestamp: str, delivery: str, method: str, url: str) -> bytes:
    values = {
        "body": body,
        "timestamp": timestamp.encode(),
        "id": delivery.encode(),
        "method": method.encode(),
        "url": url.encode(),
    }
    parts = _FIELD.split(template)
    return b"".join(values[part] if place % 2 else part.encode() for place, part in enumerate(parts))


def _key(hook: Webhook, secret: str) -> bytes:
    if hook.signature != "standardwebhooks":
        return secret.encode()
    encoded = secret.removeprefix("whsec_")
    return base64.b64decode(encoded + "=" * (-len(encoded) % 4), validate=True)


def _decoded(signature: str, encoding: str) -> bytes:
    """Return the bytes of a signature; b"", which no digest is, for text that is none."""
    try:
        return (
            base64.b64decode(signature, validate=True) if encoding == "base64" else bytes.fromhex(signature)
        )
    except (binascii.Error, ValueError):
        return b""


def _check_time(timestamp: str, hook: Webhook, now_s: float, scheme: Scheme) -> None:
    where = scheme.timestamp_header or scheme.header
    sent_s = _seconds(timestamp)
    if sent_s is None:
        raise _refused("signature-stale", f"{timestamp[:40]!r} is no time", where)
    if abs(now_s - sent_s) > hook.tolerance_s:
        raise _refused(
            "signature-stale",
            f"it was sent {abs(now_s - sent_s):.0f} s {'ago' if sent_s < now_s else 'in the future'}",
            where,
        )


def _seconds(text: str) -> float | None:
    try:
        count = float(text)
    except ValueError:
        try:
            moment = dt.datetime.fromisoformat(text)
        except ValueError:
            return None
        return moment.timestamp() if moment.tzinfo is not None else None
    if not math.isfinite(count):
        return None
    return count / 1000 if count >= MILLISECONDS_FROM else count


_SAID = {
    "signature-missing": (
        "The request is not signed",
        "set the shared secret at the sender, and the same scheme here",
    ),
    "signature-wrong": (
        "The signature is wrong",
        "compare the secret at the sender with the one that secret_env names; the body must arrive as it was signed",
    ),
    "signature-stale": (
        "The signature is too old or too new",
        "set the clock right; what was sent before is sent again by its sender",
    ),
}


def _refused(code: str, detail: str, where: str) -> PermanentError:
    title, fix = _SAID[code]
    rule = "a webhook is taken from who holds its secret, soon after it was signed"
    return PermanentError(
        Problem(code=code, status=401, title=title, detail=detail, where=where, rule=rule, fix=fix)
    )
