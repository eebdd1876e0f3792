"""The statement resource, as far as statements come in: POST and PUT (Communication 2.1)."""

from __future__ import annotations

from functools import partial
from typing import ClassVar

import msgspec

from carrythrough.gateway.auth import Credential
from carrythrough.gateway.intake import Answer, unsupported_media_type
from carrythrough.gateway.xapi import parameters
from carrythrough.gateway.xapi.exchange import NO_PARAMETERS, Call, Shared, XapiEndpoint
from carrythrough.ports import Intake
from carrythrough.xapi import formats
from carrythrough.xapi.admission import admit
from carrythrough.xapi.admitted import Admitted, Limits

MEDIA_TYPES = ("application/json",)

_encode = msgspec.json.Encoder().encode


class StatementsEndpoint(XapiEndpoint):
    """`POST …/statements` (one or many) and `PUT …/statements?statementId=`; answers only after the durable append."""

    scope_needed = "statements/write"
    accepts: ClassVar = {"POST": NO_PARAMETERS, "PUT": frozenset({"statementId"})}

    def __init__(self, shared: Shared, intake: Intake) -> None:
        super().__init__(shared)
        self._intake = intake

    async def serve(self, call: Call, credential: Credential) -> Answer:
        """Admit the statements of a request and have them stored."""
        statement_id = None
        if call.method == "PUT":
            parameters.required(
                call.parameters,
                "statementId",
                rule="Communication 2.1.1: PUT stores one statement under statementId",
            )
            statement_id = parameters.uuid(call.parameters, "statementId")
        if call.request.media_type != b"application/json":
            raise unsupported_media_type(call.request.media_type, MEDIA_TYPES)
        limits = self._limits.statements
        body = await self.read(call.request, limits.body_bytes_max)
        admitted = await self.admitted(body, partial(_admit, limits=limits, version=call.version))
        if statement_id is not None:
            admitted = [_with_id(body, admitted, statement_id)]
        if not admitted:
            return Answer(200, b"[]")
        with self._in_flight.records_of(credential.name, len(admitted)):
            receipt = await self._intake.submit_statements(admitted, credential.name, call.version)
        return Answer(204) if statement_id is not None else Answer(200, _encode(receipt.ids))


def _admit(body: bytes, *, limits: Limits, version: str) -> list[Admitted]:
    return admit(body, limits, version)


def _with_id(body: bytes, admitted: list[Admitted], id_: bytes) -> Admitted:
    if len(admitted) != 1 or body.lstrip()[:1] == b"[":
        parameters.refuse(
            "type-wrong",
            "",
            "PUT stores one statement, and the body is an array",
            rule="Communication 2.1.1",
            fix="send the statement itself, or POST the array",
        )
    one = admitted[0]
    if one.id and one.id != id_:
        parameters.refuse(
            "statement-id-mismatch",
            "/id",
            f"the statement says {one.statement.id}, and the address {formats.uuid_text(id_)}",
            rule="Communication 2.1.1.s3.b3",
            fix="make them the same, or leave the id out of the statement",
        )
    return Admitted(id_, one.raw, one.statement, one.t_ms)
