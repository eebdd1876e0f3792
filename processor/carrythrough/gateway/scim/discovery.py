"""What the SCIM service says about itself (RFC 7644 4): its capabilities, resource types and schemas."""

from __future__ import annotations

from typing import Any
from urllib.parse import quote

from scim2_models import Context

from carrythrough.gateway.scim.models import PROVIDER
from carrythrough.gateway.scim.refusals import no_such_place

_LIST = "urn:ietf:params:scim:api:messages:2.0:ListResponse"


def discovered(place: str, rest: list[str], base: str) -> dict[str, Any]:
    """Return what stands at "serviceproviderconfig", "resourcetypes" or "schemas"; raises PermanentError 404."""
    if place == "serviceproviderconfig":
        if rest or PROVIDER.config is None:
            raise no_such_place("/".join(rest))
        return _described(PROVIDER.config, "ServiceProviderConfig", f"{base}/ServiceProviderConfig")
    if place == "resourcetypes":
        kind, folder, all_ = "ResourceType", "ResourceTypes", [*PROVIDER.resource_types]
        found = {str(one.id): _described(one, kind, f"{base}/{folder}/{one.id}") for one in all_}
    else:
        found = {
            str(one.id): _described(one, "Schema", f"{base}/Schemas/{quote(str(one.id), safe=':')}")
            for one in PROVIDER.schemas
        }
    if not rest:
        return {
            "schemas": [_LIST],
            "totalResults": len(found),
            "startIndex": 1,
            "itemsPerPage": len(found),
            "Resources": list(found.values()),
        }
    by_name = {name.lower(): one for name, one in found.items()}
    one = by_name.get("/".join(rest).lower())
    if one is None:
        raise no_such_place("/".join(rest))
    return one


def _described(model: Any, kind: str, location: str) -> dict[str, Any]:
    given: dict[str, Any] = model.model_dump(scim_ctx=Context.RESOURCE_QUERY_RESPONSE)
    return given | {"meta": {"resourceType": kind, "location": location}}
