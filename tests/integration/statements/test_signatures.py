"""Proves that signed statements are checked: form, algorithm, what was signed, and the certificate that came along."""

from __future__ import annotations

import json
from base64 import b64encode, urlsafe_b64encode
from datetime import UTC, datetime
from typing import Any

import jwt
import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import NameOID

KEY = rsa.generate_private_key(65537, 2048)
OTHER_KEY = rsa.generate_private_key(65537, 2048)


def certificate(key: Any) -> str:
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "signer")])
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(datetime(2020, 1, 1, tzinfo=UTC))
        .not_valid_after(datetime(2020, 1, 2, tzinfo=UTC))
        .sign(key, SHA256())
    )
    return b64encode(made.public_bytes(Encoding.DER)).decode()


CHAIN = [certificate(KEY)]
ELLIPTIC = [certificate(ec.generate_private_key(ec.SECP256R1()))]


def jws(payload: bytes, algorithm: str = "RS256", key: Any = KEY, **header: Any) -> bytes:
    return jwt.api_jws.PyJWS().encode(payload, key, algorithm, header).encode()


def signed(kit: Any, statement: dict[str, Any], signature: bytes, **more: Any) -> dict[str, Any]:
    header = kit.attachment(
        signature, usageType=kit.signature, contentType="application/octet-stream", **more
    )
    return {**statement, "attachments": [*statement.get("attachments", []), header]}


@pytest.mark.requirement("1.0.3", "Data 2.6.s4.b1")
@pytest.mark.requirement("1.0.3", "Data 2.6.s4.b4")
@pytest.mark.requirement("1.0.3", "Data 2.6.s5.b3.b3")
@pytest.mark.requirement("2.0.0", "9274.1.1 4.2.6 (signatures)")
@pytest.mark.parametrize("algorithm", ["RS256", "RS384", "RS512"])
@pytest.mark.parametrize("chain", [{}, {"x5c": CHAIN}], ids=["key unknown", "certificate"])
def test_a_signed_statement(xapi: Any, kit: Any, algorithm: str, chain: dict[str, Any]):
    statement = kit.statement(timestamp="2026-03-01T09:30:00Z")
    signature = jws(json.dumps(statement).encode(), algorithm, **chain)
    assert xapi.send_parts(signed(kit, statement, signature), signature).json() == [statement["id"]]
    reply = xapi.ask(query={"statementId": statement["id"], "attachments": True})
    assert kit.parts(reply)[1].content == signature


@pytest.mark.requirement("1.0.3", "Data 2.6.s5.b3.b2")
@pytest.mark.requirement("2.0.0", "9274.1.1 4.2.6 (equivalence)")
def test_what_was_signed_may_differ_in_what_a_store_sets(xapi: Any, kit: Any):
    file = b"a file"
    statement = kit.statement(attachments=[kit.attachment(file)])
    before = {name: value for name, value in statement.items() if name != "id"}
    signature = jws(json.dumps({**before, "stored": "2026-01-01T00:00:00Z", "version": "1.0.0"}).encode())
    assert xapi.send_parts(signed(kit, statement, signature), file, signature).status == 200


def refused(
    xapi: Any, kit: Any, payload: Any, statement: dict[str, Any] | None = None, **how: Any
) -> dict[str, Any]:
    text = payload if isinstance(payload, bytes) else json.dumps(payload).encode()
    signature = jws(text, **how)
    statement = statement or payload
    problem = xapi.send_parts(signed(kit, statement, signature), signature).refused("signature-malformed")
    assert problem["where"].startswith("/attachments/0")
    assert xapi.ask(query={"statementId": statement["id"]}).status == 404
    return dict(problem)


@pytest.mark.requirement("1.0.3", "Data 2.6.s5.b3.b2")
@pytest.mark.requirement("1.0.3", "Data 2.6.s4.b3")
@pytest.mark.requirement("2.0.0", "9274.1.1 4.2.6 (equivalence)")
def test_another_statement_was_signed(xapi: Any, kit: Any):
    statement = kit.statement()
    problem = refused(xapi, kit, {**statement, "result": {"success": True}}, statement)
    assert "/result" in problem["detail"]
    huge = json.dumps({**statement, "result": {"response": "x" * (1 << 20)}}).encode()
    assert "statement_bytes_max" in refused(xapi, kit, huge, statement)["rule"]
    for payload in (b"{'actor': 1}", b"[]", b"{}", b"\xff", json.dumps({**statement, "verb": {}}).encode()):
        refused(xapi, kit, payload, statement)


@pytest.mark.requirement("1.0.3", "Data 2.6.s4.b4")
@pytest.mark.requirement("1.0.3", "Data 2.6.s5.b3.b3")
@pytest.mark.requirement("2.0.0", "9274.1.1 4.2.6 (signatures)")
def test_another_algorithm_or_key(xapi: Any, kit: Any):
    assert "HS256" in refused(xapi, kit, kit.statement(), algorithm="HS256", key="s" * 40)["detail"]
    refused(xapi, kit, kit.statement(), algorithm="PS256")
    refused(xapi, kit, kit.statement(), key=OTHER_KEY, x5c=CHAIN)
    for chain in (ELLIPTIC, ["AAAA"], ["!"], [], "x", [1], {}):
        refused(xapi, kit, kit.statement(), x5c=chain)


@pytest.mark.requirement("1.0.3", "Data 2.6.s5.b1")
@pytest.mark.requirement("1.0.3", "Data 2.6.s5.b3.b1")
@pytest.mark.requirement("1.0.3", "Data 2.6.s4.b1")
@pytest.mark.requirement("2.0.0", "9274.1.1 4.2.6 (signatures)")
@pytest.mark.parametrize(
    "signature", [b"hello", b"", b"..", b"e30.e30.", b"bnVsbA.e30.AA", b"eyJhbGciOiJub25lIn0.e30."]
)
def test_what_is_no_signature(xapi: Any, kit: Any, signature: bytes):
    statement = kit.statement()
    xapi.send_parts(signed(kit, statement, signature), signature).refused("signature-malformed")
    none = (
        urlsafe_b64encode(b'{"alg":"none"}').rstrip(b"=")
        + b"."
        + urlsafe_b64encode(json.dumps(statement).encode())
    )
    unsigned = none.rstrip(b"=") + b"."
    xapi.send_parts(signed(kit, statement, unsigned), unsigned).refused("signature-malformed")


@pytest.mark.requirement("1.0.3", "Data 2.6.s4.b1")
@pytest.mark.requirement("1.0.3", "Data 2.6.s5.b3.b4")
@pytest.mark.requirement("2.0.0", "9274.1.1 4.2.6 (signatures)")
def test_the_attachment_of_a_signature(xapi: Any, kit: Any):
    statement = kit.statement()
    signature = jws(json.dumps(statement).encode())
    typed = signed(kit, statement, signature)
    typed["attachments"][0]["contentType"] = "text/plain"
    problem = xapi.send_parts(typed, signature).refused("signature-malformed")
    assert problem["where"] == "/attachments/0/contentType"
    linked = signed(kit, statement, signature, fileUrl="https://x.example/signature")
    assert xapi.ask("POST", body=[linked]).refused("signature-malformed")["where"] == "/0/attachments/0"
