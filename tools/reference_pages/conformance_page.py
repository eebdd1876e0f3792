"""docs/reference/xapi-conformance.md: every requirement of the two xAPI versions and the tests that prove it."""

from __future__ import annotations

import re
from collections import defaultdict
from pathlib import Path

from reference_pages.requirements import VERSIONS, proofs, requirements

_NAMES = {"1.0.3": "xAPI 1.0.3", "2.0.0": "xAPI 2.0 (IEEE 9274.1.1-2023)"}
_HEAD = """# Conformance with xAPI

What the two versions of the specification demand of a Learning Record Store, in our words, and the tests that prove
it. `pytest --section "Data 2.4.5"` runs the tests of a section. `Data` and `Communication` are parts 2 and 3 of xAPI
1.0.3; `s` counts the paragraphs and tables of a section, `b` the items of a list, as the public conformance suite does.
"""


def conformance_page(root: Path) -> str:
    """Return the page: one table a version and document."""
    tests = defaultdict(set)
    for proof in proofs(root):
        tests[proof.version, proof.section].add(proof.path)
    tables: dict[tuple[str, str], list[str]] = {}
    wanted = sorted(requirements(root), key=lambda r: (r.version, *_place(r.section)))
    for one in wanted:
        document, _, section = one.section.partition(" ")
        links = " ".join(_link(path) for path in sorted(tests[one.version, one.section]))
        tables.setdefault((one.version, document), []).append(
            f"| {section} | {one.says.replace('|', chr(92) + '|')} | {links} |"
        )
    parts = [_HEAD]
    for version in VERSIONS:
        count = sum(len(rows) for (of, _), rows in tables.items() if of == version)
        parts.append(f"\n## {_NAMES[version]}\n\n{count} requirements.\n")
        for (of, document), rows in tables.items():
            if of == version:
                head = f"\n### {document}\n\n| Section | Demands | Tests |\n|---|---|---|\n"
                parts.append(head + "\n".join(rows) + "\n")
    return "".join(parts)


def _link(path: str) -> str:
    return f"[{Path(path).stem.removeprefix('test_')}](../../{path})"


def _place(section: str) -> tuple[str, list[tuple[int, str]]]:
    document, _, rest = section.partition(" ")
    parts = re.findall(r"\d+|[a-z]+", rest)
    return document, [(int(part), "") if part.isdigit() else (-1, part) for part in parts]
