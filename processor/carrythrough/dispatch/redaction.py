"""Taking secrets out of text that leaves an adapter: receipts, errors, problems.

An adapter author who puts a response or a URL into an error cannot leak a secret by it. It is the
second line of defence; the first is the `Secret` type.
"""

from __future__ import annotations

import base64
from collections.abc import Iterable, Mapping
from urllib.parse import quote, quote_plus

import msgspec

from carrythrough.errors import CarrythroughError, PermanentError, Problem, TransientError
from carrythrough.plugin import GoneError, Secret, ThrottledError

MASK = "********"
CUT = "…"
"""What `one_line` puts where it cuts a text."""
SECRET_LENGTH_MIN = 4
"""Shorter secrets are not searched for: masking every "a" would destroy the message and prove the secret."""


class AdapterFaultError(Exception):
    """An adapter raised none of our errors; the text is its type and message, masked."""


class Redaction:
    """The secrets of one configuration in the forms in which a library might print them."""

    def __init__(self, secrets: Iterable[str]) -> None:
        forms = {form for secret in secrets for form in _forms(secret)}
        self._forms = sorted(
            (form for form in forms if len(form) >= SECRET_LENGTH_MIN), key=len, reverse=True
        )

    @classmethod
    def of(cls, config: object) -> Redaction:
        """Return the redaction of every `Secret` inside a configuration."""
        return cls(secret.reveal() for secret in secrets_in(config))

    def clean(self, text: str) -> str:
        """Return `text` with every form of every secret masked."""
        for form in self._forms:
            text = text.replace(form, MASK)
        return self._clean_cut(text) if CUT in text else text

    def _clean_cut(self, text: str) -> str:
        """Return `text` with every beginning of a secret masked that `one_line` cut off at its mark."""
        parts = text.split(CUT)
        for position in range(len(parts) - 1):
            for form in self._forms:
                parts[position] = _without_beginning(parts[position], form)
        return CUT.join(parts)

    def clean_problem(self, problem: Problem) -> Problem:
        """Return a problem whose texts carry no secret."""
        return msgspec.structs.replace(
            problem,
            title=self.clean(problem.title),
            detail=self.clean(problem.detail),
            where=self.clean(problem.where),
            rule=self.clean(problem.rule),
            fix=self.clean(problem.fix),
        )

    def clean_error(self, error: Exception) -> Exception:
        """Return an error of the same meaning without secrets; what is not ours becomes AdapterFaultError.

        Raise it `from None`: the original must not hang on as the cause.
        """
        if not isinstance(error, CarrythroughError):
            return AdapterFaultError(self.clean(f"{type(error).__name__}: {error}"))
        problem = self.clean_problem(error.problem)
        if isinstance(error, TransientError):
            kind = ThrottledError if isinstance(error, ThrottledError) else TransientError
            return kind(problem, error.retry_after_s)
        if isinstance(error, PermanentError):
            return GoneError(problem) if isinstance(error, GoneError) else PermanentError(problem)
        return AdapterFaultError(problem.sentence())


def _without_beginning(text: str, form: str) -> str:
    """Return `text` with the beginning of `form` masked with which it ends."""
    for length in range(min(len(form) - 1, len(text)), SECRET_LENGTH_MIN - 1, -1):
        if text.endswith(form[:length]):
            return text[:-length] + MASK
    return text


def secrets_in(value: object) -> Iterable[Secret]:
    """Yield every `Secret` inside Structs, mappings and sequences."""
    if isinstance(value, Secret):
        yield value
    elif isinstance(value, msgspec.Struct):
        for name in value.__struct_fields__:
            yield from secrets_in(getattr(value, name))
    elif isinstance(value, Mapping):
        for item in value.values():
            yield from secrets_in(item)
    elif isinstance(value, list | tuple | set | frozenset):
        for item in value:
            yield from secrets_in(item)


def _forms(secret: str) -> Iterable[str]:
    """Yield a secret as it is, as a URL carries it, in base64, and as `repr` would escape it."""
    yield secret
    yield quote(secret, safe="")
    yield quote_plus(secret)
    yield repr(secret)[1:-1]
    encoded = base64.b64encode(secret.encode()).decode()
    yield encoded
    yield encoded.rstrip("=")
    # An address that is a secret is sent without its origin, and a receiver may echo that.
    path = secret.partition("://")[2].partition("/")[2]
    if path:
        yield f"/{path}"
        yield path.partition("?")[2]
    if secret.startswith("whsec_"):
        yield secret.removeprefix("whsec_")
