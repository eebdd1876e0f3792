"""The Activities resource: what statements have said about an activity (Communication 2.5; 9274.1.1 4.1.6.4)."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any, ClassVar

import msgspec

from carrythrough.gateway import scopes
from carrythrough.gateway.auth import Credential
from carrythrough.gateway.intake import Answer, Request
from carrythrough.gateway.xapi import parameters
from carrythrough.gateway.xapi.exchange import Call, Shared, XapiEndpoint
from carrythrough.xapi.documents import etag_of

ActivityOf = Callable[[str], dict[str, Any] | None]


class ActivitiesEndpoint(XapiEndpoint):
    """`activities`: the Activity object, with its id alone when nothing else is known."""

    accepts: ClassVar = {"GET": frozenset({"activityId"})}

    def __init__(self, shared: Shared, activity_of: ActivityOf) -> None:
        super().__init__(shared)
        self._activity_of = activity_of

    def scopes_for(self, request: Request) -> tuple[str, ...]:
        """Return the scopes of those who read anything about activities."""
        return scopes.READS_DEFINITIONS

    async def serve(self, call: Call, credential: Credential) -> Answer:
        """Look the activity up."""
        parameters.required(call.parameters, "activityId", rule="Communication 2.5.s1; 9274.1.1 4.1.6.4")
        id_ = parameters.iri(call.parameters, "activityId")
        found = await asyncio.to_thread(self._activity_of, id_)
        # An activity that nobody has described is one all the same (Communication 2.5.s2.b1).
        body = msgspec.json.encode(found or {"objectType": "Activity", "id": id_})
        return Answer(200, body, headers=((b"etag", etag_of(body).encode()),))
