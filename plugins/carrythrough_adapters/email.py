"""Adapter `email`: one message an action over SMTP, as text with an HTML alternative.

`Message-ID` is made from the idempotency key, so that mail systems and people recognise a message
that was sent twice. What a refusal means: about this message (recipient, sender, content) 4xx is tried
again and 5xx is final; about the server (connecting, encryption, login) it is always tried again, since
a mistyped password must not send every waiting action to the dead letters.
"""

from __future__ import annotations

import smtplib
import ssl
from collections.abc import Iterator
from contextlib import contextmanager
from email.headerregistry import Address
from email.message import EmailMessage
from email.policy import SMTP as SMTP_POLICY
from email.utils import format_datetime, localtime

from carrythrough.plugin import (
    ActionRequested,
    AdapterSpec,
    PermanentError,
    Problem,
    Recipient,
    TransientError,
    delivery_problem,
    one_line,
)
from carrythrough_adapters.email_body import html_body, text_body
from carrythrough_adapters.email_config import EmailConfig, mail_address, sender_address
from carrythrough_adapters.smtp_session import EncryptedSession, Session

SUBJECT_LENGTH_MAX = 150
"""Characters of a subject; mail programs show about half of it."""

QUIT_S_MAX = 2.0
"""Seconds that a server may take over a goodbye that nobody needs."""


class EmailAdapter:
    """Sends each message over a connection of its own: simple, and nothing to keep alive for days."""

    def __init__(self, config: EmailConfig) -> None:
        self._config = config
        self._sender = sender_address(config.sender)

    def check(self) -> str:
        """Connect, encrypt and log in, and send nothing; raises TransientError when that fails."""
        with self._session() as session:
            self._checked(session.noop())
        login = ", login" if self._config.username else ""
        return f"{self._config.host}:{self._config.port_used} takes mail ({self._config.security}{login})"

    def send(self, action: ActionRequested, recipient: Recipient | None, idempotency_key: str) -> str:
        """Send the message; raises PermanentError when the roster has no e-mail for the recipient."""
        return self._post(self._message(action, address_of(recipient), idempotency_key))

    def close(self) -> None:
        """Do nothing: no connection outlives its message."""

    def _post(self, message: EmailMessage) -> str:
        with self._session() as session:
            try:
                session.send_message(message)
            except smtplib.SMTPRecipientsRefused as error:
                raise _refusal(*next(iter(error.recipients.values()))) from error
            except smtplib.SMTPResponseException as error:
                raise _refusal(error.smtp_code, error.smtp_error) from error
            except smtplib.SMTPNotSupportedError as error:
                detail = f"the server cannot carry this address: {error}"
                raise PermanentError(delivery_problem("delivery-refused", detail)) from error
        return f"accepted by {self._config.host} as {message['Message-ID']}"

    def _message(self, action: ActionRequested, to: Address, key: str) -> EmailMessage:
        config = self._config
        message = EmailMessage(policy=SMTP_POLICY)
        message["From"] = self._sender
        message["To"] = to
        message["Subject"] = one_line(f"{config.subject_prefix}{action.title}", SUBJECT_LENGTH_MAX)
        message["Date"] = format_datetime(localtime())
        message["Message-ID"] = f"<{key}@{self._sender.domain}>"
        # RFC 3834: out-of-office programs must not answer this.
        message["Auto-Submitted"] = "auto-generated"
        if config.reply_to:
            message["Reply-To"] = sender_address(config.reply_to)
        leave = config.unsubscribe_url.replace("{person}", action.recipient)
        # Our own link opts out on a bare POST (RFC 8058); one of the settings does where they say so.
        one_click = config.unsubscribe_one_click if leave else action.unsubscribe_link.startswith("https://")
        leave = leave or action.unsubscribe_link
        if leave:
            message["List-Unsubscribe"] = f"<{leave}>"
            if one_click:
                message["List-Unsubscribe-Post"] = "List-Unsubscribe=One-Click"
        message.set_content(text_body(action, leave))
        message.add_alternative(html_body(action, leave), subtype="html")
        return message

    @contextmanager
    def _session(self) -> Iterator[smtplib.SMTP]:
        """Yield a connection that is encrypted and logged in as configured; server faults are transient."""
        try:
            session = self._connected()
        except (OSError, smtplib.SMTPException) as error:
            raise TransientError(self._server_problem(error)) from error
        try:
            yield session
        except (OSError, smtplib.SMTPException) as error:
            raise TransientError(self._server_problem(error)) from error
        finally:
            _leave(session)

    def _connected(self) -> smtplib.SMTP:
        config = self._config
        # Without a name smtplib asks the DNS for ours, which may hang; the sender's domain is as good.
        name, context = (
            config.helo_name or self._sender.domain,
            ssl.create_default_context(cafile=config.ca_file or None),
        )
        session: smtplib.SMTP
        if config.security == "ssl":
            session = EncryptedSession(
                config.host, config.port_used, name, timeout=config.timeout_s, context=context
            )
        else:
            session = Session(config.host, config.port_used, name, timeout=config.timeout_s)
        try:
            if config.security == "starttls":
                session.starttls(context=context)
            if config.username:
                session.login(config.username, config.password.reveal())
            # Here, and not at the first message: what the server says to this is not about a message.
            session.ehlo_or_helo_if_needed()
        except BaseException:
            session.close()
            raise
        return session

    def _checked(self, answer: tuple[int, bytes]) -> None:
        if answer[0] >= 400:
            raise smtplib.SMTPResponseException(*answer)

    def _server_problem(self, error: Exception) -> Problem:
        where = f"{self._config.host}:{self._config.port_used}"
        if isinstance(error, smtplib.SMTPResponseException):
            said = f"{error.smtp_code} {_text(error.smtp_error)}"
        else:
            said = f"{type(error).__name__}: {error}"
        fix = ""
        if isinstance(error, smtplib.SMTPAuthenticationError):
            fix = "check `username` and `password`"
        elif isinstance(error, smtplib.SMTPNotSupportedError):
            fix = "set `security` to what the server offers; an unencrypted connection is never a fallback"
        return delivery_problem("delivery-failed", one_line(f"{where}: {said}"), fix=fix)


def address_of(recipient: Recipient | None) -> Address:
    """Return the recipient's address; raises PermanentError when there is none that mail can use."""
    if recipient is None or not recipient.email:
        detail = "the roster has no e-mail address for this person"
        fix = "add `email` to the person in the roster, or choose another adapter"
        raise PermanentError(delivery_problem("recipient-unreachable", detail, fix=fix))
    address = mail_address(one_line(recipient.name), recipient.email)
    if address is None:
        detail = "the e-mail address in the roster is not one"
        raise PermanentError(delivery_problem("recipient-unreachable", detail, fix="correct `email`"))
    return address


def _refusal(code: int, said: bytes | str) -> PermanentError | TransientError:
    """Return the error for an SMTP reply about this message: 4xx is tried again, everything else final."""
    detail = one_line(f"the server answered {code} {_text(said)}")
    if 400 <= code < 500:
        return TransientError(delivery_problem("delivery-failed", detail), 0.0)
    return PermanentError(delivery_problem("delivery-refused", detail))


def _text(said: bytes | str) -> str:
    return said.decode("utf-8", "replace") if isinstance(said, bytes) else said


def _leave(session: smtplib.SMTP) -> None:
    """Say goodbye; the message is already accepted or refused, so nothing that goes wrong here matters."""
    if session.sock is not None:
        session.sock.settimeout(QUIT_S_MAX)
    try:
        session.quit()
    except (OSError, smtplib.SMTPException):
        session.close()


SPEC = AdapterSpec(
    name="email",
    kind="email",
    summary="Sends each action as an e-mail over SMTP.",
    stability="stable",
    config=EmailConfig,
    example={
        "host": "smtp.example.com",
        "sender": "Learning team <learning@example.com>",
        "security": "starttls",
    },
    factory=EmailAdapter,
)
