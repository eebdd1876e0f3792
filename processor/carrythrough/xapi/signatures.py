"""Signed statements (Data 2.6): a signature is an attachment, a JWS in compact form, over the statement.

What is checked: it is a JWS with RS256, RS384 or RS512; its payload is a statement and says the same as
the one that carries it; and when its header brings a certificate chain (x5c), the key of the leaf made
the signature. Whether the certificate is trusted is for the reader of the statement to judge.
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Mapping
from typing import Any, NoReturn

import msgspec
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
from cryptography.x509 import load_der_x509_certificate
from jwt.api_jws import PyJWS
from jwt.exceptions import PyJWTError

from carrythrough.errors import PermanentError, Problem
from carrythrough.xapi import strict_json
from carrythrough.xapi.admitted import Admitted, Limits
from carrythrough.xapi.comparison import same_statement
from carrythrough.xapi.query import AttachmentData
from carrythrough.xapi.rules import statement as statement_rules
from carrythrough.xapi.statement import Attachment

USAGE_TYPE = "http://adlnet.gov/expapi/attachments/signature"
MEDIA_TYPE = "application/octet-stream"
ALGORITHMS = ("RS256", "RS384", "RS512")

_JWS = PyJWS(algorithms=list(ALGORITHMS))


def check(
    one: Admitted, where: str, received: Mapping[str, AttachmentData], limits: Limits, *, v2: bool
) -> None:
    """Check every signature of a statement; raises PermanentError 400 signature-malformed.

    where: JSON pointer of the statement. received: what is attached to the request, by SHA-2.
    limits: of statements, which hold for what was signed as well.
    """
    for number, attachment in enumerate(one.statement.attachments):
        if attachment.usage_type == USAGE_TYPE:
            _check(one.raw, attachment, f"{where}/attachments/{number}", received, limits, v2=v2)


def _check(
    raw: bytes,
    attachment: Attachment,
    where: str,
    received: Mapping[str, AttachmentData],
    limits: Limits,
    *,
    v2: bool,
) -> None:
    if attachment.content_type != MEDIA_TYPE:
        _refuse(
            f"{where}/contentType",
            f"the content type of a signature is {attachment.content_type[:80]!r}",
            rule="Data 2.6.s4.b1",
            fix=f"make it {MEDIA_TYPE}",
        )
    data = received.get(attachment.sha2.lower())
    if data is None:
        _refuse(
            where,
            "the signature itself is not attached",
            rule="Data 2.6.s4.b1: a signed statement includes its signature",
            fix="send multipart/mixed with the signature as a part",
        )
    payload = _payload(data.data, where)
    if len(payload) > limits.statement_bytes_max:
        _refuse(
            where,
            f"what was signed has {len(payload)} bytes",
            rule=f"Limit statement_bytes_max = {limits.statement_bytes_max}",
            fix="sign the statement without the data of its attachments",
        )
    try:
        value = strict_json.read(payload, "", limits.depth_max)
        statement_rules.statement(value, "", v2=v2)
    except PermanentError as error:
        _refuse(
            where,
            f"the payload is no statement: {error.problem.detail} at {error.problem.where or '/'}",
            rule="Data 2.6.s4.b3",
            fix="sign the JSON of the whole statement as it was before the signature was added",
        )
    difference = same_statement(payload, _unsigned(raw, keep=bool(value.get("attachments"))))
    if difference:
        _refuse(
            where,
            f"the statement that was signed is another one: {difference}",
            rule="Data 2.6.s5.b2: it is logically equivalent to the one received",
            fix="sign the statement that is sent, and do not change it afterwards",
        )


def _payload(jws: bytes, where: str) -> bytes:
    """Return the payload of a JWS, its signature checked when it brings its certificate."""
    try:
        header = _header(jws)
        key = _leaf_key(header, where)
        if key is None:
            decoded = _JWS.decode_complete(jws, options={"verify_signature": False})
        else:
            decoded = _JWS.decode_complete(jws, key, algorithms=list(ALGORITHMS))
    except (PyJWTError, ValueError) as error:
        _refuse(
            where,
            f"it is no JWS in compact form that holds: {error}",
            rule="Data 2.6.s4.b1 and RFC 7515; Data 2.6.s5.b3 for the certificate",
            fix="sign with RS256, RS384 or RS512 by the key of the first certificate in x5c",
        )
    if header.get("alg") not in ALGORITHMS:
        _refuse(
            where,
            f"its algorithm is {str(header.get('alg'))[:40]!r}",
            rule="Data 2.6.s4.b4",
            fix=f"sign with {', '.join(ALGORITHMS)}",
        )
    payload: bytes = decoded["payload"]
    return payload


def _header(jws: bytes) -> dict[str, Any]:
    first = jws.split(b".", 1)[0]
    value = msgspec.json.decode(base64.urlsafe_b64decode(first + b"=" * (-len(first) % 4)))
    if not isinstance(value, dict):
        raise ValueError("its header is no object")  # noqa: TRY004 - caught with the other faults of a JWS
    return value


def _leaf_key(header: dict[str, Any], where: str) -> RSAPublicKey | None:
    chain = header.get("x5c")
    if chain is None:
        return None
    try:
        key = load_der_x509_certificate(base64.b64decode(chain[0], validate=True)).public_key()
    except (binascii.Error, ValueError, TypeError, LookupError):
        key = None
    if not isinstance(key, RSAPublicKey):
        _refuse(
            where,
            "the first certificate of x5c cannot be read, or has no RSA key",
            rule="Data 2.6.s4.b5 and RFC 7515, 4.1.6",
            fix="put the DER of the signer's certificate first, in base64 (not base64url)",
        )
    return key


def _unsigned(raw: bytes, *, keep: bool) -> bytes:
    """Return the statement without its signatures; keep: leave an empty list when none remains."""
    value = msgspec.json.decode(raw)
    rest = [item for item in value.pop("attachments") if item["usageType"] != USAGE_TYPE]
    if rest or keep:
        value["attachments"] = rest
    return msgspec.json.encode(value)


def _refuse(where: str, detail: str, *, rule: str, fix: str) -> NoReturn:
    raise PermanentError(
        Problem(
            code="signature-malformed",
            status=400,
            title="The signature of the statement cannot be taken",
            detail=detail,
            where=where,
            rule=rule,
            fix=fix,
        )
    )
