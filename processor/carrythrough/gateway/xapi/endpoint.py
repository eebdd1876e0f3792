"""The statement resource, as far as statements come in: POST and PUT (Communication 2.1)."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import NoReturn
from urllib.parse import parse_qsl

import msgspec

from carrythrough.errors import PermanentError, Problem
from carrythrough.gateway.auth import Credential, Credentials
from carrythrough.gateway.intake import (
    Answer,
    Header,
    IntakeEndpoint,
    Request,
    Telemetry,
    unsupported_media_type,
)
from carrythrough.gateway.limits import GatewayLimits, InFlight
from carrythrough.gateway.xapi import versions
from carrythrough.ports import Intake
from carrythrough.xapi import formats
from carrythrough.xapi.admission import admit
from carrythrough.xapi.admitted import Admitted, Limits

MEDIA_TYPES = ("application/json",)

_encode = msgspec.json.Encoder().encode


class StatementsEndpoint(IntakeEndpoint):
    """`POST /xapi/statements` (one or many) and `PUT /xapi/statements?statementId=`.

    Answers only after the durable append. Every answer says its version; a refusal of a request
    without a version says `default_version`, which differs by the path that the endpoint is at.
    """

    scope_needed = "statements/write"
    methods = ("POST", "PUT")

    def __init__(
        self,
        intake: Intake,
        credentials: Credentials,
        limits: GatewayLimits,
        now_ms: Callable[[], int],
        telemetry: Telemetry,
        in_flight: InFlight | None = None,
        default_version: str = versions.LATEST_1_0,
    ) -> None:
        super().__init__(credentials, limits, telemetry, in_flight or InFlight(limits))
        self._intake = intake
        self._default_version = default_version

    async def take(self, request: Request, credential: Credential) -> Answer:
        """Admit the statements of a request and have them stored."""
        version = versions.negotiate(request.headers.get(versions.HEADER))
        statement_id = _statement_id(request.query) if request.method == "PUT" else None
        if request.method == "POST" and request.query:
            _refuse_parameters(request.query)
        if request.media_type != b"application/json":
            raise unsupported_media_type(request.media_type, MEDIA_TYPES)
        limits = self._limits.statements
        body = await self.read(request, limits.body_bytes_max)
        admitted = await self.admitted(body, partial(_admit, limits=limits, version=version))
        if statement_id is not None:
            admitted = [_with_id(body, admitted, statement_id)]
        if not admitted:
            return Answer(200, b"[]")
        with self._in_flight.records_of(credential.name, len(admitted)):
            receipt = await self._intake.submit_statements(admitted, credential.name)
        return Answer(204) if statement_id is not None else Answer(200, _encode(receipt.ids))

    def headers_for(self, request: Request) -> list[Header]:
        """Return the version that the answer speaks: that of the request, when it is one of ours."""
        try:
            version = versions.negotiate(request.headers.get(versions.HEADER))
        except PermanentError:
            version = self._default_version
        return [(versions.HEADER, version.encode())]


def _admit(body: bytes, *, limits: Limits, version: str) -> list[Admitted]:
    return admit(body, limits, version)


def _statement_id(query: bytes) -> bytes:
    parameters = _parameters(query)
    for name, _ in parameters:
        if name != "statementId":
            _refuse_parameter(name, "statementId")
    if len(parameters) != 1:
        _refuse(
            "parameter-missing" if not parameters else "parameter-repeated",
            "statementId",
            "statementId is missing" if not parameters else "statementId is given more than once",
            rule="Communication 2.1.1: PUT stores one statement under statementId",
            fix="give statementId once, or POST the statement",
        )
    id_ = formats.uuid_bytes(parameters[0][1])
    if id_ is None:
        _refuse(
            "parameter-invalid",
            "statementId",
            f"{parameters[0][1][:80]!r} is not a UUID",
            rule="Communication 2.1.1 and Data 2.2.s4.b4",
            fix="send 8-4-4-4-12 hexadecimal digits",
        )
    return id_


def _refuse_parameters(query: bytes) -> None:
    for name, _ in _parameters(query):
        _refuse_parameter(name, "")


def _parameters(query: bytes) -> list[tuple[str, str]]:
    try:
        return parse_qsl(query.decode("ascii"), keep_blank_values=True, strict_parsing=bool(query))
    except ValueError:
        _refuse(
            "parameter-invalid",
            "",
            "the query string cannot be read",
            rule="Communication 3.2.s3.b7",
            fix="percent-encode names and values",
        )


def _refuse_parameter(name: str, known: str) -> None:
    if name == "method":
        _refuse(
            "parameter-unknown",
            name,
            "requests in the alternate syntax (POST with ?method=) are not read here",
            rule="Communication 1.3; 9274 leaves it out",
            fix="send the method itself, with its headers and parameters",
        )
    near = f"; did you mean {known!r}?" if known and name.lower() == known.lower() else ""
    _refuse(
        "parameter-unknown",
        name,
        f"{name[:80]!r} is not a parameter of this request{near}",
        rule="Communication 3.2.s3.b7 and b8",
        fix=f"parameters of this request: {known or 'none'}",
    )


def _with_id(body: bytes, admitted: list[Admitted], id_: bytes) -> Admitted:
    if len(admitted) != 1 or body.lstrip()[:1] == b"[":
        _refuse(
            "type-wrong",
            "",
            "PUT stores one statement, and the body is an array",
            rule="Communication 2.1.1",
            fix="send the statement itself, or POST the array",
        )
    one = admitted[0]
    if one.id and one.id != id_:
        _refuse(
            "statement-id-mismatch",
            "/id",
            f"the statement says {one.statement.id}, and the address {formats.uuid_text(id_)}",
            rule="Communication 2.1.1.s3.b3",
            fix="make them the same, or leave the id out of the statement",
        )
    return Admitted(id_, one.raw, one.statement, one.t_ms)


def _refuse(code: str, where: str, detail: str, *, rule: str, fix: str) -> NoReturn:
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
