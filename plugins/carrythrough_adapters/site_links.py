"""Links of actions that lead into the learning system that an adapter serves: they name the course themselves."""

from __future__ import annotations

from urllib.parse import SplitResult, urlsplit


def within(site: str, link: str) -> SplitResult | None:
    """Return a link with its path relative to `site`, None when it leads elsewhere or is no link.

    site: an address without a slash at its end. Scheme, host and port must be the same.
    """
    base = urlsplit(site)
    try:
        found = urlsplit(link)
    except ValueError:
        return None
    if (found.scheme, found.netloc) != (base.scheme, base.netloc) or not found.path.startswith(
        f"{base.path}/"
    ):
        return None
    return found._replace(path=found.path[len(base.path) :])
