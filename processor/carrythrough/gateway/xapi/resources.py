"""The table of mounts: which xAPI resource answers at which path.

Both versions are spoken at every mount, by the header of the request; a mount says which version a
request that names none is answered in (`xapi_mounts` in the settings).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

from carrythrough.gateway.auth import Credentials
from carrythrough.gateway.intake import Telemetry
from carrythrough.gateway.limits import GatewayLimits, InFlight
from carrythrough.gateway.xapi.exchange import Shared, XapiEndpoint
from carrythrough.gateway.xapi.statements import StatementsEndpoint
from carrythrough.ports import Intake


def resources(
    mounts: Mapping[str, str],
    origins: tuple[str, ...],
    intake: Intake,
    credentials: Credentials,
    limits: GatewayLimits,
    telemetry: Telemetry,
    now_ms: Callable[[], int],
) -> dict[str, XapiEndpoint]:
    """Return path → endpoint; a path that ends in a slash answers for every one-segment name below it.

    mounts: path → version answered when a request names none. What is held for requests under way is
    counted over all mounts together.
    """
    in_flight = InFlight(limits)
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
        for name, endpoint in _resources_of(shared, intake).items():
            found[f"{mount}/{name}"] = endpoint
    return found


def _resources_of(shared: Shared, intake: Intake) -> dict[str, XapiEndpoint]:
    """Return the resources of one mount by their path below it; each is a line here."""
    return {
        "statements": StatementsEndpoint(shared, intake),
    }
