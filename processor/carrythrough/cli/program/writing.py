"""Files that the commands about maps write: whole or not at all, and never over what a person wrote unasked."""

from __future__ import annotations

import os
from pathlib import Path

from carrythrough.errors import PermanentError, Problem


def refuse_existing(path: Path) -> None:
    """Raise PermanentError when there is a file of this name."""
    if path.exists():
        raise PermanentError(
            Problem(
                code="file-exists",
                status=409,
                title="The file exists already",
                detail=f"{path} would be written over",
                where=str(path),
                rule="what a person wrote is not written over unasked",
                fix="name another file with --to, or add --force",
            )
        )


def write_text(path: Path, text: str, *, replace: bool) -> None:
    """Write a text file in one move; raises PermanentError when it exists already or cannot be written."""
    if not replace:
        refuse_existing(path)
    beside = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        beside.write_text(text, encoding="utf-8")
        beside.replace(path)
    except OSError as error:
        beside.unlink(missing_ok=True)
        raise PermanentError(
            Problem(
                code="file-unwritable",
                status=403,
                title="The file cannot be written",
                detail=f"{path}: {error.strerror or error}",
                where=str(path),
                rule="the folder exists, and this user may write there",
                fix="name another file, or correct the permissions",
            )
        ) from error
