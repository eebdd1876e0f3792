"""The SCIM resources that are served, and what the service says about itself.

Imported with the first request only: the models come with pydantic, about 30 MB that a server without
SCIM does not need.
"""

from __future__ import annotations

from typing import Annotated, Any

import email_validator
from pydantic import Field, field_validator
from scim2_models import (
    URN,
    AuthenticationScheme,
    Bulk,
    CaseExact,
    ChangePassword,
    ComplexAttribute,
    ETag,
    Extension,
    Filter,
    Mutability,
    Patch,
    Reference,
    Required,
    ResourceType,
    ScimPolicy,
    ScimProvider,
    ServiceProviderConfig,
    Sort,
    User,
)

from carrythrough.gateway.scim.attributes import EMPLOYMENT, ENTERPRISE

# Addresses at work end in .local or have no dot: they name people, whether or not mail from outside reaches them.
email_validator.SPECIAL_USE_DOMAIN_NAMES.clear()
email_validator.GLOBALLY_DELIVERABLE = False
RESULTS_MAX = 200
"""Resources of one page: about 400 KB of JSON."""


class Manager(ComplexAttribute):
    """The manager of a user; `$ref` may be left out, as Entra ID and Okta do."""

    value: Annotated[str | None, CaseExact.true] = None
    """The id of the manager."""

    ref: Annotated[Reference[User] | None, Required.false] = Field(  # type: ignore[type-arg]
        None, serialization_alias="$ref", validation_alias="$ref"
    )
    """The address of the manager."""

    display_name: Annotated[str | None, Mutability.read_only] = None
    """The name of the manager."""


class EnterpriseUser(Extension):
    """The enterprise extension (RFC 7643 4.3)."""

    __schema__ = URN(ENTERPRISE)

    employee_number: str | None = None
    """Another id of the person: events that name it are theirs."""

    cost_center: str | None = None
    """The name of a cost center; kept."""

    organization: str | None = None
    """The name of an organization; kept."""

    division: str | None = None
    """The name of a division; kept."""

    department: str | None = None
    """The team on the roster."""

    manager: Manager | None = None
    """The manager."""

    @field_validator("manager", mode="before")
    @classmethod
    def _plain(cls, value: Any) -> Any:
        """Take the id alone, and a list of one: Entra ID sends both for a single-valued reference."""
        if isinstance(value, list) and len(value) == 1:
            value = value[0]
        return {"value": value} if isinstance(value, str) and value else value or None


class Employment(Extension):
    """What the roster knows beyond the standard schemas."""

    __schema__ = URN(EMPLOYMENT)

    hire_date: str | None = Field(None, examples=["2026-03-01"])
    """First day, YYYY-MM-DD; nothing is sent before it."""

    exit_date: str | None = Field(None, examples=["2026-12-31"])
    """Last day, YYYY-MM-DD; nothing is sent after it."""

    site: str | None = None
    """The site; without it the locality of the work address is taken."""

    work_hours: str | None = Field(None, examples=["08:00-17:00"])
    """HH:MM-HH:MM on the local clock; nothing is sent outside."""

    cohort: str | None = None
    """The id of the program's cohort, or several with commas."""


SERVED = User[EnterpriseUser | Employment]
"""The resource behind /Users."""
KEEPING = ScimPolicy(
    unknown=ScimPolicy.Unknown.keep,
    remove_value_as_filter=ScimPolicy.RemoveValue.apply,
    unmatched_path_filter=ScimPolicy.UnmatchedPathFilter.create,
)
"""How resources are read and given out: attributes that no schema has are kept and given back."""
PATCHING = ScimPolicy(
    remove_value_as_filter=ScimPolicy.RemoveValue.apply,
    unmatched_path_filter=ScimPolicy.UnmatchedPathFilter.create,
)
"""How changes are read: a path that leads nowhere is refused, since the change would be lost in silence.

The other two settings are what Entra ID needs (see `docs/how-to/push-a-roster-with-scim.md`).
"""
CONFIG = ServiceProviderConfig(
    documentation_uri=None,
    patch=Patch(supported=True),
    bulk=Bulk(supported=False, max_operations=0, max_payload_size=0),
    filter=Filter(supported=True, max_results=RESULTS_MAX),
    change_password=ChangePassword(supported=False),
    sort=Sort(supported=True),
    etag=ETag(supported=True),
    authentication_schemes=[
        AuthenticationScheme(
            type=AuthenticationScheme.Type.oauthbearertoken,
            name="Bearer token",
            description="A credential with the scope scim: key, full stop, secret; or a token of /oauth/token.",
            primary=True,
        ),
        AuthenticationScheme(
            type=AuthenticationScheme.Type.httpbasic,
            name="HTTP Basic",
            description="Key and secret of a credential with the scope scim.",
        ),
    ],
)
PROVIDER = ScimProvider(
    models=[User, EnterpriseUser, Employment],
    resource_types=[ResourceType.from_resource(SERVED)],
    config=CONFIG,
    policy=KEEPING,
)
