"""The configuration of the adapter `webhook`, with the rules that keep a mistake from being sent."""

from __future__ import annotations

import base64
import binascii
import re
from typing import Annotated

import msgspec
from msgspec import Meta

from carrythrough.plugin import Secret, SettingError
from carrythrough_adapters.posting import check_url

SECRET_PREFIX = "whsec_"  # noqa: S105 - the prefix that Standard Webhooks gives every secret
SECRET_BYTES_MIN = 24
SECRET_BYTES_MAX = 64
"""Bounds of a signing secret in bytes, from the Standard Webhooks specification."""
HEADERS_MAX = 20
"""Own headers; a receiver that needs more wants a gateway in front of it."""

_TOKEN = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")
_VALUE = re.compile(r"[\t\x20-\x7e]*")
_RESERVED = re.compile(
    r"webhook-.*|content-(type|length|encoding)|transfer-encoding|host|connection", re.IGNORECASE
)
_MAKE_SECRET = "make one: printf 'whsec_%s\\n' \"$(openssl rand -base64 32)\""  # noqa: S105 - a command


class WebhookConfig(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Configuration of the adapter `webhook`."""

    url: Annotated[
        str, Meta(description="where to post, https (http only to this machine, or with allow_plain_http)")
    ]
    secrets: Annotated[
        tuple[Secret, ...],
        Meta(
            min_length=1,
            max_length=4,
            description="signing secrets (whsec_…), newest first; list the old one too while you rotate",
        ),
    ]
    headers: Annotated[
        dict[str, Secret],
        Meta(
            max_length=HEADERS_MAX, description="headers to add, such as an API key; their values are secrets"
        ),
    ] = {}
    include_contact: Annotated[
        bool,
        Meta(description="send name, e-mail, time zone and locale of the recipient, not only the pseudonym"),
    ] = False
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
        check_url("url", self.url, plain=self.allow_plain_http)
        for secret in self.secrets:
            _check_secret(secret)
        for name, value in self.headers.items():
            check_header(name, value)


def _check_secret(secret: Secret) -> None:
    text = secret.reveal()
    try:
        size = len(base64.b64decode(text.removeprefix(SECRET_PREFIX), validate=True))
    except binascii.Error:
        size = 0
    if not text.startswith(SECRET_PREFIX) or not SECRET_BYTES_MIN <= size <= SECRET_BYTES_MAX:
        rule = f"must be whsec_ and {SECRET_BYTES_MIN} to {SECRET_BYTES_MAX} bytes in base64"
        raise SettingError("secrets", rule, _MAKE_SECRET)


def check_header(name: str, value: Secret) -> None:
    """Raise SettingError unless a header of one's own can be sent as it stands; the key `headers` is blamed."""
    if not _TOKEN.fullmatch(name) or _RESERVED.fullmatch(name):
        raise SettingError("headers", f"cannot hold a header named {name!r}", "remove it")
    if not _VALUE.fullmatch(value.reveal()):
        raise SettingError("headers", f"the value of {name!r} must be one line of ASCII")
