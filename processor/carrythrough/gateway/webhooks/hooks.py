"""The webhooks of an installation: settings, secrets and mappings, checked before any of them is listened to."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path

import msgspec

from carrythrough.errors import wrong_setting
from carrythrough.events.body_mapping import BodyMapping, load_body_mapping
from carrythrough.gateway.webhook_settings import NAME, WEBHOOKS_MAX, Webhook
from carrythrough.gateway.webhooks.signatures import key_fault

SECRET_CHARACTERS_MIN = 16
"""Shortest secret taken: with fewer characters a signature could be searched for."""


class Hook(msgspec.Struct, frozen=True):
    """One webhook, ready: its settings, the secrets that sign for it (the newest first), and its mapping."""

    name: str
    settings: Webhook
    secrets: tuple[str, ...]
    mapping: BodyMapping

    @property
    def source(self) -> str:
        """Return the source of events whose mapping names none."""
        return f"hook:{self.name}"


def load_hooks(
    webhooks: Mapping[str, Webhook], environment: Mapping[str, str] | None = None
) -> dict[str, Hook]:
    """Return every webhook by name; raises PermanentError naming the setting or the place in the mapping."""
    if len(webhooks) > WEBHOOKS_MAX:
        raise wrong_setting("webhooks", f"{len(webhooks)} webhooks; at most {WEBHOOKS_MAX}")
    held = os.environ if environment is None else environment
    return {name: _hook(name, settings, held) for name, settings in webhooks.items()}


def read_mapping(path: Path, where: str) -> BodyMapping:
    """Return the mapping in a file; raises PermanentError with file:line:column, or naming the setting."""
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        reason = getattr(error, "strerror", None) or "it is not UTF-8 text"
        raise wrong_setting(where, f"{path} cannot be read: {reason}") from None
    return load_body_mapping(text, str(path))


def _hook(name: str, settings: Webhook, environment: Mapping[str, str]) -> Hook:
    where = f"webhooks.{name[:40]}"
    if not NAME.fullmatch(name):
        raise wrong_setting(where, "the name of a webhook is lower-case letters, digits and hyphens")
    if settings.signature == "hmac-sha256" and not settings.header:
        raise wrong_setting(f"{where}.header", "hmac-sha256 needs the name of the header with the signature")
    needs_url = settings.signature == "hubspot" or "{url}" in settings.template
    if needs_url and not settings.url.startswith(("http://", "https://")):
        raise wrong_setting(f"{where}.url", "the signature covers the address, so it must be known here")
    if "{timestamp}" in settings.template and not settings.timestamp_header:
        raise wrong_setting(f"{where}.timestamp_header", "the template names {timestamp}")
    if "{id}" in settings.template and not settings.id_header:
        raise wrong_setting(f"{where}.id_header", "the template names {id}")
    secrets = [_secret(f"{where}.secret_env", settings, settings.secret_env, environment)]
    if settings.previous_secret_env:
        key = f"{where}.previous_secret_env"
        secrets.append(_secret(key, settings, settings.previous_secret_env, environment))
    return Hook(name, settings, tuple(secrets), read_mapping(Path(settings.mapping), f"{where}.mapping"))


def _secret(where: str, settings: Webhook, variable: str, environment: Mapping[str, str]) -> str:
    found = environment.get(variable, "")
    if not found:
        raise wrong_setting(where, f"the environment variable {variable[:80]!r} is not set or empty")
    if len(found) < SECRET_CHARACTERS_MIN:
        raise wrong_setting(
            where, f"the secret in {variable[:80]!r} has fewer than {SECRET_CHARACTERS_MIN} characters"
        )
    fault = key_fault(settings, found)
    if fault:
        raise wrong_setting(where, f"the secret in {variable[:80]!r} cannot be used: {fault}")
    return found
