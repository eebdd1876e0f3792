"""The statement resource (Communication 2.1; 9274.1.1 4.1.6.1): POST and PUT store, GET gives out."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from functools import partial
from typing import ClassVar

import msgspec

from carrythrough.errors import PermanentError, Problem
from carrythrough.gateway import scopes
from carrythrough.gateway.auth import Credential
from carrythrough.gateway.intake import Answer, Header, Request
from carrythrough.gateway.problems import Send
from carrythrough.gateway.xapi import lenient as outcomes
from carrythrough.gateway.xapi import parameters, selection, storing
from carrythrough.gateway.xapi.exchange import NO_PARAMETERS, Call, Shared, XapiEndpoint
from carrythrough.gateway.xapi.reading import Shown, StatementReading, tagged
from carrythrough.ports import Intake, Receipt
from carrythrough.xapi import languages
from carrythrough.xapi.lenient import Lenient
from carrythrough.xapi.rendering import Format

_encode = msgspec.json.Encoder().encode


class _StatementEndpoint(XapiEndpoint):
    """What the resource and its further pages share: each answer says up to when it is consistent."""

    def __init__(self, shared: Shared, reading: StatementReading) -> None:
        super().__init__(shared)
        self._reading = reading

    def scopes_for(self, request: Request) -> tuple[str, ...]:
        """Return the scopes that read or store statements."""
        return scopes.READS_STATEMENTS if request.method in {"GET", "HEAD"} else (scopes.STATEMENTS_WRITE,)

    def shown(self, call: Call, credential: Credential, format_: Format, *, attachments: bool) -> Shown:
        """Return how an answer to `call` shows statements to a credential."""
        accept = call.header(b"accept-language")
        return Shown(
            format=format_,
            attachments=attachments,
            languages=() if accept is None else languages.ranges(accept.decode("latin-1")),
            mine=credential.name if credential.reads_only_mine() else "",
            path=f"{self.shared.mount}/statements",
        )

    async def _refuse(self, send: Send, request: Request, problem: Problem, headers: list[Header]) -> None:
        await super()._refuse(send, request, problem, [*headers, await self._reading.consistent_through()])


class StatementsEndpoint(_StatementEndpoint):
    """`POST …/statements` (one or many), `PUT …/statements?statementId=` and `GET …/statements`.

    What stores answers only after the durable append.
    """

    accepts: ClassVar = {
        "POST": NO_PARAMETERS,
        "PUT": frozenset({"statementId"}),
        "GET": selection.PARAMETERS,
    }

    def __init__(self, shared: Shared, intake: Intake, reading: StatementReading) -> None:
        super().__init__(shared, reading)
        self._intake = intake

    async def serve(self, call: Call, credential: Credential) -> Answer:
        """Answer a request to store or to give out."""
        if call.method == "GET":
            return await self._give_out(call, credential)
        return await self._store(call, credential)

    async def _give_out(self, call: Call, credential: Credential) -> Answer:
        wanted = selection.selection(call.parameters, self._limits.statements_per_page_max)
        shown = self.shown(call, credential, wanted.format, attachments=wanted.attachments)
        if wanted.id is not None:
            answer = await self._reading.one(wanted.id, shown, voided=wanted.voided)
            return tagged(answer, call.header(b"if-none-match"))
        return await self._reading.page(wanted.query, shown)

    async def _store(self, call: Call, credential: Credential) -> Answer:
        statement_id = None
        if call.method == "PUT":
            rule = "Communication 2.1.1: PUT stores one statement under statementId"
            parameters.required(call.parameters, "statementId", rule=rule)
            statement_id = parameters.uuid(call.parameters, "statementId")
        taken = await self._taken(call, credential)
        if statement_id is not None:
            taken = storing.with_id(taken, statement_id)
        through = (await self._reading.consistent_through(),)
        if not taken.items:
            return Answer(200, b"[]", headers=through)
        with self._in_flight.records_of(credential.name, len(taken.items)):
            receipt = await self._intake.submit_statements(
                list(taken.items),
                credential.name,
                call.version,
                taken.attachments,
                lenient=credential.is_lenient,
            )
        if credential.is_lenient:
            return _outcomes(call, taken.items, receipt, through)
        if statement_id is not None:
            return Answer(204, headers=through)
        return Answer(200, _encode(receipt.ids), headers=through)

    async def _taken(self, call: Call, credential: Credential) -> storing.Taken:
        """Return what the body of a request holds, admitted; in a thread when others would wait for it."""
        limits, request = self._limits, call.request
        media_type = request.media_type
        content = await self.read(
            request, storing.bytes_max(media_type, limits.statements, limits.attachments)
        )
        body = storing.Body(
            content=content,
            content_type=request.headers.get(b"content-type", b"").decode("latin-1"),
            media_type=media_type,
            version=call.version,
            sender=storing.sender_of(call, credential, self.shared.now_ms()),
        )
        take = partial(storing.taken, body, limits.statements, limits.attachments)
        if media_type == storing.JSON and len(content) < limits.thread_bytes_min:
            return take()
        return await asyncio.to_thread(take)


def _outcomes(call: Call, items: Sequence[Lenient], receipt: Receipt, headers: tuple[Header, ...]) -> Answer:
    """Return the answer to a lenient sender; a PUT has only one statement, so what cannot be stored is refused."""
    if call.method == "POST":
        answer = outcomes.answer(items, receipt, call.header(b"accept"))
        return msgspec.structs.replace(answer, headers=(*answer.headers, *headers))
    if receipt.problems:
        raise PermanentError(receipt.problems[0])
    said = outcomes.summary(outcomes.outcomes(items, receipt))
    return Answer(204, headers=((outcomes.HEADER, said), *headers))


class MoreEndpoint(_StatementEndpoint):
    """`GET …/statements/more/TOKEN`: a further page of a query, for whoever may read statements now."""

    accepts: ClassVar = {"GET": NO_PARAMETERS}

    async def serve(self, call: Call, credential: Credential) -> Answer:
        """Answer with the page that the last segment of the path names."""
        shown = self.shown(call, credential, "exact", attachments=False)
        return await self._reading.following(call.request.path.rpartition("/")[2], shown)
