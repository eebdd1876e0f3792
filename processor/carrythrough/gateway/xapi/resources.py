"""The table of mounts: which xAPI resource answers at which path.

Both versions are spoken at every mount, by the header of the request; a mount says which version a
request that names none is answered in (`xapi_mounts` in the settings).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Protocol

import msgspec

from carrythrough.gateway.auth import Credentials
from carrythrough.gateway.intake import Telemetry
from carrythrough.gateway.limits import GatewayLimits, InFlight
from carrythrough.gateway.xapi.about import AboutEndpoint
from carrythrough.gateway.xapi.activities import ActivitiesEndpoint
from carrythrough.gateway.xapi.agents import AgentsEndpoint, PersonOf
from carrythrough.gateway.xapi.documents import ActivityProfileEndpoint, AgentProfileEndpoint, StateEndpoint
from carrythrough.gateway.xapi.exchange import Shared, XapiEndpoint
from carrythrough.gateway.xapi.more import MoreTokens
from carrythrough.gateway.xapi.reading import StatementReading
from carrythrough.gateway.xapi.statements import MoreEndpoint, StatementsEndpoint
from carrythrough.gateway.xapi.unknown import UnknownResource
from carrythrough.ports import Documents, Intake, Statements


class QueryTelemetry(Telemetry, Protocol):
    """What the resources tell those who watch them."""

    def gave_out(self, statements: int, seconds: float) -> None:
        """Count an answer to a query for statements, and how long it took."""
        ...


class Stores(msgspec.Struct, frozen=True):
    """What the resources read from and write to.

    authority_home: home page of the accounts that stand for credentials. secret: of this installation, for `more`.
    """

    intake: Intake
    statements: Statements
    documents: Documents
    person_of: PersonOf
    authority_home: str
    secret: bytes


def resources(
    mounts: Mapping[str, str],
    origins: tuple[str, ...],
    stores: Stores,
    credentials: Credentials,
    limits: GatewayLimits,
    telemetry: QueryTelemetry,
    now_ms: Callable[[], int],
) -> dict[str, XapiEndpoint]:
    """Return path → endpoint; a path that ends in a slash answers for everything below it that is not named.

    mounts: path → version answered when a request names none. What is held for requests under way is
    counted over all mounts together.
    """
    in_flight = InFlight(limits)
    reading = StatementReading(
        stores.statements,
        MoreTokens(stores.secret),
        stores.authority_home,
        limits.attachments,
        telemetry.gave_out,
    )
    found: dict[str, XapiEndpoint] = {}
    for mount, version in mounts.items():
        shared = Shared(
            mount=mount,
            default_version=version,
            credentials=credentials,
            limits=limits,
            telemetry=telemetry,
            in_flight=in_flight,
            now_ms=now_ms,
            origins=origins,
        )
        known = _resources_of(shared, stores, reading)
        names = tuple(name for name in known if not name.endswith("/"))
        for name, endpoint in (*known.items(), ("", UnknownResource(shared, names))):
            found[f"{mount}/{name}"] = endpoint
    return found


def _resources_of(shared: Shared, stores: Stores, reading: StatementReading) -> dict[str, XapiEndpoint]:
    """Return the resources of one mount by their path below it; each is a line here."""
    return {
        "statements": StatementsEndpoint(shared, stores.intake, reading),
        "statements/more/": MoreEndpoint(shared, reading),
        "activities": ActivitiesEndpoint(shared, stores.statements.activity),
        "activities/state": StateEndpoint(shared, stores.documents),
        "activities/profile": ActivityProfileEndpoint(shared, stores.documents),
        "agents": AgentsEndpoint(shared, stores.person_of),
        "agents/profile": AgentProfileEndpoint(shared, stores.documents),
        "about": AboutEndpoint(shared),
    }
