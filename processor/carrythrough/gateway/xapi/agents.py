"""The Agents resource: what is known of who an agent is (Communication 2.4; 9274.1.1 4.1.6.3)."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, ClassVar

import msgspec

from carrythrough.gateway import scopes
from carrythrough.gateway.access import NAMES_SCOPE
from carrythrough.gateway.auth import Credential
from carrythrough.gateway.intake import Answer, Request
from carrythrough.gateway.xapi.agent_parameter import agent_of
from carrythrough.gateway.xapi.exchange import Call, Shared, XapiEndpoint
from carrythrough.identity.actor import AgentLike
from carrythrough.identity.person import Person
from carrythrough.xapi.documents import etag_of

PersonOf = Callable[[AgentLike], Person | None]


class AgentsEndpoint(XapiEndpoint):
    """`agents`: a Person object with the agent that was asked for.

    What the roster knows beside that is personal data: only a credential that may see who people are is told
    (Communication 2.4.s3.b1).
    """

    accepts: ClassVar = {"GET": frozenset({"agent"})}

    def __init__(self, shared: Shared, person_of: PersonOf) -> None:
        super().__init__(shared)
        self._person_of = person_of

    def scopes_for(self, request: Request) -> tuple[str, ...]:
        """Return the scopes of those who read anything about agents."""
        return scopes.READS_DEFINITIONS

    async def serve(self, call: Call, credential: Credential) -> Answer:
        """Put the Person object together."""
        agent = agent_of(call.parameters, "agent", rule="Communication 2.4.s2; 9274.1.1 4.1.6.3")
        known = self._person_of(agent) if credential.allows(NAMES_SCOPE) else None
        body = msgspec.json.encode(person_object(agent, known))
        return Answer(200, body, headers=((b"etag", etag_of(body).encode()),))


def person_object(agent: Any, known: Person | None) -> dict[str, Any]:
    """Return the Person object of an agent and, when the roster knows them, of all their identifiers.

    agent: `xapi.statement.Agent`. Each property but objectType is an array without repeats, and is left out
    when there is nothing to put into it (Communication 2.4.s5 and s6).
    """
    personas: list[Any] = [agent]
    names = [agent.name]
    mboxes = []
    if known is not None:
        personas += known.identifiers
        names.append(known.name)
        mboxes = [f"mailto:{known.email}"] if known.email else []
    person: dict[str, Any] = {
        "name": names,
        "mbox": [*(persona.mbox for persona in personas), *mboxes],
        "mbox_sha1sum": [persona.mbox_sha1sum for persona in personas],
        "openid": [persona.openid for persona in personas],
        "account": [
            (persona.account.home_page, persona.account.name) for persona in personas if persona.account
        ],
    }
    kept = {name: list(dict.fromkeys(filter(None, values))) for name, values in person.items()}
    kept["account"] = [{"homePage": home, "name": name} for home, name in kept["account"]]
    return {"objectType": "Person"} | {name: values for name, values in kept.items() if values}
