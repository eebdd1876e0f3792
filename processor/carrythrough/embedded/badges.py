"""The key that signs the badges of a data folder, made when the first badge is asked for."""

from __future__ import annotations

import threading
from pathlib import Path

from carrythrough.embedded.data_folder import write_private
from carrythrough.errors import PermanentError, Problem
from carrythrough.gateway.badges.signing import KEY_BITS_MIN, BadgeKey, new_key

FILE = "badges.key"
_making = threading.Lock()


def load_badge_key(folder: Path) -> BadgeKey:
    """Return the key that signs badges, made where there is none yet; raises PermanentError."""
    path = folder / FILE
    with _making:
        if not path.exists():
            write_private(path, new_key())
        text = path.read_text(encoding="ascii")
    try:
        return BadgeKey(text)
    except ValueError as error:
        raise PermanentError(
            Problem(
                code="badge-key-unreadable",
                status=500,
                title="The key that signs badges cannot be read",
                detail=str(error),
                where=str(path),
                rule=f"a private RSA key of at least {KEY_BITS_MIN} bits as PEM text, as this program writes it",
                fix="restore the file from a backup: badges signed with another key can no longer be checked",
            )
        ) from None
