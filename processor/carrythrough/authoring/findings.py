"""What a finding in a text means whatever stands there: its weight, the rule behind it, and why the rule matters.

A code keeps its meaning and its severity for good: scripts and pull requests quote it.
"""

from __future__ import annotations

from typing import Literal

import msgspec

Severity = Literal["error", "warning"]


class Finding(msgspec.Struct, frozen=True):
    """The part of a finding that is the same each time. rule: what must hold. why: what goes wrong otherwise."""

    severity: Severity
    rule: str
    why: str


TEXT_FINDINGS: dict[str, Finding] = {
    "alias-cycle": Finding(
        "error", "an anchor stands for a value that is complete", "a value inside itself would never end"
    ),
    "bad-format": Finding(
        "error", "texts of a kind have their form", "what is not of its form cannot be compared or read back"
    ),
    "duplicate-key": Finding(
        "error", "a key stands once in a mapping", "of two, one would win without anybody noticing"
    ),
    "empty": Finding("error", "the text is a mapping of keys to values", "nothing in it can come into force"),
    "merge-key": Finding(
        "error",
        "YAML 1.2 has no merge keys",
        "what a merged key overrides is hard to see, and other readers disagree about it",
    ),
    "missing-field": Finding(
        "error", "what is required is written", "without it there is no sensible value to go on with"
    ),
    "not-allowed": Finding(
        "error", "a choice is one of its names", "another name would be ignored or mean something else later"
    ),
    "not-utf8": Finding(
        "error", "texts are UTF-8 (RFC 3629)", "in another encoding, names and letters come out wrong"
    ),
    "out-of-range": Finding(
        "error", "values lie within their limits", "beyond them a value is a slip or does harm"
    ),
    "syntax": Finding("error", "the text is YAML or JSON", "what cannot be read cannot be used"),
    "tag": Finding(
        "error",
        "values carry no YAML tags but !!str",
        "a tag asks the reader to build something else than text, numbers, lists and mappings",
    ),
    "too-deep": Finding(
        "error", "nesting has a limit", "a text that nests deeper is damaged or meant to do harm"
    ),
    "too-large": Finding(
        "error", "the size of a text has a limit", "a text beyond it fills the memory of the server"
    ),
    "too-many-aliases": Finding(
        "error",
        "what aliases stand for has a limit",
        "aliases of aliases make a small file huge (known as a billion laughs)",
    ),
    "unknown-field": Finding(
        "error", "only known keys are used", "a mistyped key would leave its default in force without a word"
    ),
    "wrong-type": Finding(
        "error", "values are of their type", "a value of another type would have to be guessed at"
    ),
}
