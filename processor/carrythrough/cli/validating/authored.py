"""Program maps and rosters: read whole, every finding at once."""

from __future__ import annotations

import codecs

from carrythrough.cli.validating.checked import Checked
from carrythrough.program.lint_context import ALONE, Surroundings

BYTES_MAX = 1 << 30
"""Bytes of a roster or program map that are read at all; their own limits are far below."""


def check_authored(kind: str, name: str, body: bytes, around: Surroundings = ALONE) -> Checked:
    """Check a program map or a roster; `kind` is "program" or "roster". around: what a map is held against."""
    from carrythrough.authoring.source import SourceError, decoded, read_source
    from carrythrough.identity.encoding import decode
    from carrythrough.identity.roster import check_roster
    from carrythrough.program.edits import advice
    from carrythrough.program.load import check_program

    checked = Checked(name, kind)
    try:
        if kind == "program":
            text = decoded(body, name)
        else:
            found = decode(body, name)
            text = found.text
            for lint in found.lints:
                checked.add(lint)
    except SourceError as error:
        checked.add(error.lint)
        return checked
    filename = name.removesuffix(".gz")
    if kind == "program":
        program, lints = check_program(text, filename, around)
        if program is not None and not program.goals:
            lints = [*advice(program, read_source(text, filename), filename), *lints]
        checked.value, checked.records = program, len(program.skills) if program else 0
    else:
        roster, lints = check_roster(text, filename)
        checked.value, checked.records = roster, len(roster.people) if roster else 0
    for lint in lints:
        checked.add(lint)
    return checked


def authored_kind(name: str, body: bytes) -> str:
    """Return "program" or "roster" for a YAML or JSON text, "" when it is neither."""
    from carrythrough.authoring.source import SourceError, read_source
    from carrythrough.cli.files.recognising import kind_of

    try:
        wide = body.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE))
        root = read_source(body.decode("utf-16" if wide else "utf-8", "replace"), name)
    except SourceError:
        # Not readable to the end: its first keys still tell what it was meant to be.
        keys = [
            line.partition(b":")[0].strip(b' "{').decode("utf-8", "replace")
            for line in body.splitlines()[:200]
        ]
        found = kind_of(keys)
    else:
        found = kind_of(root.value) if isinstance(root.value, dict) else ""
    return found if found in ("program", "roster") else ""
