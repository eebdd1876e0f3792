"""docs/reference/repairs.md: what a lenient credential gets, from the list of repairs in the code."""

from __future__ import annotations

from pathlib import Path

from carrythrough.gateway.xapi.lenient import HEADER, MEDIA_TYPE, NAMED_MAX
from carrythrough.xapi.repairs import REPAIRS

_HEAD = """# Repairs for lenient senders

A credential is strict unless it was made with `carrythrough credentials add NAME --lenient`. A strict sender gets what
the specification says: the first fault refuses the request, with its place, rule and fix. A lenient sender gets each
statement of a POST by itself: stored, mended by one of the named repairs below and stored, or set aside alone. Only a
body that is not JSON, or beyond the limits of a request, is refused whole. A PUT has one statement, so what no repair
mends is refused as for a strict sender.

| Repair | What it does |
|---|---|
"""
_TAIL = """
A score with raw and max only, or with min only, needs no repair: it is a valid statement, and evidence derives the
scaled score where the bounds allow it.

What a repair changed is kept as it was sent, beside the statement, in the table `original` of `log.sqlite`. Each repair
is counted in `carrythrough_statement_repairs_total`.

## What is set aside

A statement that no repair mends, and one whose id stands for other content already, is written to the log with its
reason. `carrythrough quarantine list`, `show` and `export` work on it; mend the export and bring it in with
`carrythrough ingest`. It is kept once, however often it is sent, and counted in
`carrythrough_statements_set_aside_total` by the code of its reason.

## What the sender learns

The answer stays 200 with the array of ids, one a statement, in order; a statement set aside has its own id there, or
one that stands for the record in the quarantine. The header `{header}` counts what became of them and names the first
{named} of which there is something to say, by their place in the request:

```
stored=48, known=0, repaired=1, quarantined=1; 3=repaired:object-type-missing, 7=quarantined:iri-invalid
```

With `Accept: {media}` the body is an array of objects instead: `id`, `outcome` (`stored`, `known` for a
re-send, `repaired` or `quarantined`), `repairs` and `problem`, whose `where` points into the statement.
"""


def repairs_page(_root: Path) -> str:
    """Return the page."""
    rows = "".join(f"| `{name}` | {what} |\n" for name, what in REPAIRS.items())
    tail = _TAIL.format(header=HEADER.decode(), media=MEDIA_TYPE.decode(), named=NAMED_MAX)
    return _HEAD + rows + tail
