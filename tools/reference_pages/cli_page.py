"""Writes docs/reference/cli.md: every command with its arguments and flags, as its own help says it."""

from __future__ import annotations

import os
import re
from importlib import import_module
from pathlib import Path


def cli_page(root: Path) -> str:
    """Return the page as Markdown, from the cyclopts app."""
    del root
    os.environ["COLUMNS"] = "100"  # help texts must not depend on the terminal that generated them
    os.environ["NO_COLOR"] = "1"
    app = import_module("carrythrough.cli.main").app
    text = str(app.generate_docs(output_format="markdown", heading_level=1))
    # Defaults below a home folder are those of whoever generated the page.
    text = text.replace(str(Path.home()), "~")
    return re.sub(r"[ \t]+$", "", text, flags=re.MULTILINE)
