"""Adapter `rest`: one request to any HTTP interface, with a body in JSON that the settings lay out.

For systems that take an assignment or a message over HTTP and have no adapter of their own. The texts of the
settings name places ({email}, {title}, …; see `rest_template`) that each action fills. The idempotency key goes
into a header ("The Idempotency-Key HTTP Header Field", draft-ietf-httpapi-idempotency-key-header), and as {id}
wherever the body wants it. What a status means: `posting`, but for those that `success` lists.
"""

from __future__ import annotations

from typing import Annotated, Any, Literal

import msgspec
from msgspec import Meta

from carrythrough.plugin import (
    ActionRequested,
    AdapterSpec,
    PermanentError,
    Recipient,
    Secret,
    SettingError,
    delivery_problem,
)
from carrythrough_adapters import rest_template
from carrythrough_adapters.posting import Poster, check_url
from carrythrough_adapters.webhook_config import HEADERS_MAX, check_header

BODY_BYTES_MAX = 1_000_000
"""Of a request: more is a mistake in the map, and receivers refuse it anyway."""


class RestConfig(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Configuration of the adapter `rest`."""

    url: Annotated[str, Meta(description="address; {places} in its path or query are percent-encoded")]
    body: Annotated[
        dict[str, Any],
        Meta(description="what is sent, as a table: texts with {places}, numbers, lists and tables"),
    ]
    method: Annotated[Literal["POST", "PUT", "PATCH"], Meta(description="method of the request")] = "POST"
    headers: Annotated[
        dict[str, Secret],
        Meta(
            max_length=HEADERS_MAX, description="headers to add, such as an API key; their values are secrets"
        ),
    ] = {}
    idempotency_header: Annotated[
        str,
        Meta(
            pattern=r"^([A-Za-z0-9-]{1,60})?$",
            description="header that carries the idempotency key; empty sends none",
        ),
    ] = "Idempotency-Key"
    success: Annotated[
        tuple[Annotated[int, Meta(ge=200, le=499)], ...],
        Meta(
            max_length=20,
            description="statuses that mean delivered, such as 409 for one that is there; empty: every 2xx",
        ),
    ] = ()
    content_type: Annotated[
        Literal["application/json", "application/merge-patch+json", "application/vnd.api+json"],
        Meta(description="type of the body"),
    ] = "application/json"
    timeout_s: Annotated[
        float, Meta(gt=0, le=120, description="seconds for connecting, and for each wait for the receiver")
    ] = 15.0
    allow_plain_http: Annotated[
        bool, Meta(description="allow http to another machine; the body then travels unencrypted")
    ] = False
    ca_file: Annotated[
        str,
        Meta(description="PEM file with the authority that signed the receiver's certificate, if private"),
    ] = ""

    def __post_init__(self) -> None:
        """Check what types cannot say; raises SettingError."""
        for key in ("url", "body"):
            rest_template.check(key, getattr(self, key))
        sample = dict.fromkeys(rest_template.PLACES, "x")
        check_url("url", rest_template.address(self.url, sample), plain=self.allow_plain_http)
        if "{" in self.url.split("://", 1)[-1].split("/", 1)[0].split("?", 1)[0]:
            raise SettingError("url", "must name its host without a place", "put places into path or query")
        for name, value in self.headers.items():
            check_header(name, value)
            if name.lower() == self.idempotency_header.lower():
                raise SettingError("headers", f"{name} is what `idempotency_header` sends", "remove one")
        if any(300 <= status < 400 for status in self.success):
            raise SettingError("success", "cannot hold a redirect", "set `url` to where it leads")


class RestAdapter:
    """Sends to one interface."""

    def __init__(self, config: RestConfig) -> None:
        self._config = config
        sample = dict.fromkeys(rest_template.PLACES, "x")
        self._poster = Poster(rest_template.address(config.url, sample), config.timeout_s, config.ca_file)
        asked = {*rest_template.places(config.url), *rest_template.places(config.body)}
        self._needs_email = "email" in asked

    def check(self) -> str:
        """Say whether the host answers on its port; sends nothing. Raises TransientError when it does not."""
        return self._poster.reach()

    def send(self, action: ActionRequested, recipient: Recipient | None, idempotency_key: str) -> str:
        """Send the request; raises PermanentError where the roster lacks the e-mail that it asks for."""
        config = self._config
        if self._needs_email and (recipient is None or not recipient.email):
            detail = "the roster has no e-mail for the recipient, which the request asks for"
            raise PermanentError(delivery_problem("recipient-unreachable", detail))
        values = rest_template.values_of(action, recipient, idempotency_key)
        try:
            url = rest_template.address(config.url, values)
        except ValueError as error:
            raise PermanentError(delivery_problem("delivery-refused", str(error), where="url")) from error
        content = msgspec.json.encode(rest_template.filled(config.body, values))
        if len(content) > BODY_BYTES_MAX:
            detail = f"the body has {len(content)} bytes, over {BODY_BYTES_MAX}"
            raise PermanentError(
                delivery_problem("delivery-refused", detail, fix="shorten the text in the map")
            )
        headers = {name: value.reveal() for name, value in config.headers.items()}
        if config.idempotency_header:
            headers[config.idempotency_header] = idempotency_key
        headers["content-type"] = config.content_type
        answer = self._poster.ask(config.method, url, headers, content)
        if answer.status not in config.success and (config.success or not answer.ok):
            if answer.ok:
                # Taken, but not as the settings expect: a further try might do it twice.
                detail = f"{self._poster.origin} answered HTTP {answer.status}, which `success` does not list"
                raise PermanentError(delivery_problem("delivery-refused", detail, fix="add it to `success`"))
            self._poster.refuse(answer)
        return f"HTTP {answer.status} from {self._poster.origin}"

    def close(self) -> None:
        """Close the connections."""
        self._poster.close()


SPEC = AdapterSpec(
    name="rest",
    kind="http",
    summary="Sends each action to any HTTP interface, in a body that the settings lay out.",
    stability="beta",
    config=RestConfig,
    example={
        "url": "https://lms.example.com/api/users/{email}/assignments",
        "headers": {"authorization": "Bearer 0123456789abcdef"},
        "body": {"course": "{skill}", "note": "{title}: {body}", "due": "{expires}"},
    },
    factory=RestAdapter,
)
