"""The statement resource, as far as statements come in: POST and PUT (Communication 2.1)."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import ClassVar

import msgspec

from carrythrough.errors import PermanentError
from carrythrough.gateway.auth import Credential
from carrythrough.gateway.intake import Answer, unsupported_media_type
from carrythrough.gateway.xapi import lenient as outcomes
from carrythrough.gateway.xapi import parameters, versions
from carrythrough.gateway.xapi.exchange import NO_PARAMETERS, Call, Shared, XapiEndpoint
from carrythrough.ports import Intake
from carrythrough.xapi import formats, lenient
from carrythrough.xapi.admission import admit
from carrythrough.xapi.admitted import Admitted, Limits
from carrythrough.xapi.repairs import REQUEST_VERSION

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
        if credential.is_lenient:
            return await self._take_leniently(call, credential, body, statement_id)
        admitted = await self.admitted(body, partial(_admit, limits=limits, version=call.version))
        if statement_id is not None:
            admitted = [_with_id(body, admitted, statement_id)]
        if not admitted:
            return Answer(200, b"[]")
        with self._in_flight.records_of(credential.name, len(admitted)):
            receipt = await self._intake.submit_statements(admitted, credential.name, call.version)
        return Answer(204) if statement_id is not None else Answer(200, _encode(receipt.ids))

    async def _take_leniently(
        self, call: Call, credential: Credential, body: bytes, statement_id: bytes | None
    ) -> Answer:
        """Take each statement by itself; a PUT has only one, so what no repair mends is refused as ever."""
        given = call.header(versions.HEADER)
        sender = lenient.Sender(
            credential=credential.name,
            version=call.version,
            now_ms=self.shared.now_ms(),
            noted=(REQUEST_VERSION,) if versions.mended(given) != given else (),
        )
        limits = self._limits.statements
        items = await self.admitted(body, partial(lenient.admit, limits=limits, sender=sender))
        if statement_id is not None:
            items = [_with_id(body, items, statement_id)]
        if not items:
            return Answer(200, b"[]")
        with self._in_flight.records_of(credential.name, len(items)):
            receipt = await self._intake.submit_statements(items, credential.name, call.version, lenient=True)
        if statement_id is None:
            return outcomes.answer(items, receipt, call.header(b"accept"))
        if receipt.problems:
            raise PermanentError(receipt.problems[0])
        return Answer(204, headers=((outcomes.HEADER, outcomes.summary(outcomes.outcomes(items, receipt))),))


def _admit(body: bytes, *, limits: Limits, version: str) -> list[Admitted]:
    return admit(body, limits, version)


def _with_id(body: bytes, admitted: Sequence[Admitted | lenient.Refused], id_: bytes) -> Admitted:
    if len(admitted) != 1 or body.lstrip()[:1] == b"[":
        parameters.refuse(
            "type-wrong",
            "",
            "PUT stores one statement, and the body is an array",
            rule="Communication 2.1.1",
            fix="send the statement itself, or POST the array",
        )
    one = admitted[0]
    if isinstance(one, lenient.Refused):
        raise PermanentError(one.problem)
    if one.id and one.id != id_:
        parameters.refuse(
            "statement-id-mismatch",
            "/id",
            f"the statement says {one.statement.id}, and the address {formats.uuid_text(id_)}",
            rule="Communication 2.1.1.s3.b3",
            fix="make them the same, or leave the id out of the statement",
        )
    return msgspec.structs.replace(one, id=id_)
