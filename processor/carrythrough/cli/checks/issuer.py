"""Checks the issuer whose bearer tokens are taken: can its keys be read, and do its clients have credentials."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from carrythrough.cli.checks.result import Result
from carrythrough.cli.terminal import plural
from carrythrough.settings import Settings


def check_issuer(settings: Settings, folder: Path) -> Iterator[Result]:
    """Yield what holds for the issuer of the settings; nothing where there is none."""
    issuer = settings.oauth
    if issuer is None:
        return
    import httpx

    from carrythrough.errors import PermanentError
    from carrythrough.gateway.auth import Credentials
    from carrythrough.gateway.oauth_keys import fetch, read_keys

    try:
        keys = read_keys(fetch(issuer))
    except (OSError, ValueError, httpx.HTTPError) as error:
        fix = "correct jwks_url or jwks_file, or mend the way there: until then no token of this issuer is taken"
        yield Result("token issuer", "failed", f"its keys cannot be read: {error}", fix)
    else:
        yield Result("token issuer", "ok", f"{plural(len(keys), 'key')} of {issuer.issuer}")
    try:
        credentials = Credentials.from_file((folder / "credentials.json").read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, PermanentError):
        return  # another check says so
    lost = sorted(name for name in issuer.clients.values() if credentials.find(name) is None)
    if lost:
        fix = f"carrythrough credentials add {lost[0]}"
        yield Result("token clients", "warning", f"there is no credential named {', '.join(lost)}", fix)
