"""The configuration of the adapter `email`, with the rules that keep a password off the open wire."""

from __future__ import annotations

import ipaddress
import re
from email.headerregistry import Address
from typing import Annotated, Literal

import msgspec
from msgspec import Meta

from carrythrough.plugin import Secret, SettingError

PORTS = {"starttls": 587, "ssl": 465, "plain": 25}
"""The usual port for each kind of connection (RFC 6409, RFC 8314, RFC 5321)."""

ADDRESS_LENGTH_MAX = 254
"""Characters of an address that SMTP can carry (RFC 5321, 4.5.3.1.3)."""

# One @ and nothing that could end the address inside an SMTP command or a header.
_SPEC = re.compile(r"""[^\s@<>(),:;"\[\]\\\x00-\x1f\x7f]+@[^\s@<>(),:;"\[\]\\\x00-\x1f\x7f]+""")
_MAILBOX = re.compile(r'"?(?P<name>[^<>"]*?)"?\s*<(?P<bracketed>[^<>]+)>|(?P<bare>[^<>]+)')


class EmailConfig(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Configuration of the adapter `email`."""

    host: Annotated[str, Meta(min_length=1, description="name of the SMTP server")]
    sender: Annotated[str, Meta(description='address in From, as "Name <local@domain>" or "local@domain"')]
    port: Annotated[
        int,
        Meta(ge=0, le=65_535, description="port of the server; 0 takes 587, 465 or 25 as `security` says"),
    ] = 0
    security: Annotated[
        Literal["starttls", "ssl", "plain"],
        Meta(description="starttls (required, never downgraded), ssl from the first byte, or plain"),
    ] = "starttls"
    username: Annotated[str, Meta(description="login name; empty sends without a login")] = ""
    password: Annotated[Secret, Meta(description="password of the login")] = Secret("")
    reply_to: Annotated[str, Meta(description="address for replies, when it is not the sender")] = ""
    subject_prefix: Annotated[str, Meta(description='text before each subject, such as "[Practice] "')] = ""
    unsubscribe_url: Annotated[
        str, Meta(description="https or mailto link to opt out; {person} becomes the pseudonym")
    ] = ""
    unsubscribe_one_click: Annotated[
        bool, Meta(description="the link opts out on a bare POST (RFC 8058)")
    ] = False
    timeout_s: Annotated[
        float, Meta(gt=0, le=120, description="seconds for connecting, and for each answer of the server")
    ] = 20.0
    ca_file: Annotated[
        str, Meta(description="PEM file with the authority that signed the server's certificate, if private")
    ] = ""
    helo_name: Annotated[str, Meta(description="our name in EHLO; empty takes the sender's domain")] = ""

    @property
    def port_used(self) -> int:
        """The port that is really used."""
        return self.port or PORTS[self.security]

    def __post_init__(self) -> None:
        """Check what types cannot say; raises SettingError."""
        sender_address(self.sender)
        if self.reply_to:
            sender_address(self.reply_to, "reply_to")
        if bool(self.username) != bool(self.password):
            key = "password" if self.username else "username"
            raise SettingError(key, "is missing: a login needs `username` and `password`")
        if self.username and self.security == "plain" and not _is_this_machine(self.host):
            raise SettingError("security", "must not be plain with a password", 'use "starttls" or "ssl"')
        if self.unsubscribe_url and not self.unsubscribe_url.startswith(("https://", "mailto:")):
            raise SettingError("unsubscribe_url", "must begin with https:// or mailto:")
        if any(not c.isprintable() or c in "<> " for c in self.unsubscribe_url):
            raise SettingError("unsubscribe_url", "must not contain spaces, < or >")
        if self.unsubscribe_one_click and not self.unsubscribe_url.startswith("https://"):
            raise SettingError("unsubscribe_one_click", "needs an https `unsubscribe_url`")


def sender_address(text: str, key: str = "sender") -> Address:
    """Return an address of ours as header value; raises SettingError that blames `key`."""
    match = _MAILBOX.fullmatch(text) if text.isprintable() else None
    found = match and mail_address(match["name"] or "", match["bracketed"] or match["bare"])
    if not found or not found.addr_spec.isascii():
        raise SettingError(key, "is not an e-mail address", 'write "Name <local@domain>"')
    return found


def mail_address(name: str, spec: str) -> Address | None:
    """Return an address as header value, None when `spec` is not local@domain as SMTP can carry it."""
    if len(spec) > ADDRESS_LENGTH_MAX or not _SPEC.fullmatch(spec):
        return None
    local, _, domain = spec.partition("@")
    return Address(display_name=name, username=local, domain=domain)


def _is_this_machine(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
