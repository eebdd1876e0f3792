"""Writes docs/reference/xapi-profile.md: verbs, types, extensions and templates of our xAPI profile, with examples."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import msgspec

from carrythrough.forward import own
from carrythrough.forward.milestones import Milestone

INTRODUCTION = """\
# xAPI profile

What Carrythrough writes back to a Learning Record Store ([forward](../how-to/forward.md)), and the one extension
that it reads, of [needs surveys](../how-to/needs-survey.md). The profile itself is `schemas/xapi-profile.jsonld`,
by the xAPI Profiles specification 1.0; an installed package has it as `carrythrough/schemas/xapi-profile.jsonld`.

| | |
|---|---|"""

EXAMPLES = (
    Milestone(
        what="carried-through",
        effect="0d6f2b4c-8f7e-4f0a-9a3b-2f2e6f1c7d10",
        subject="mrnq4zj2c5xk7w3h6t8d9f2a4e",
        skill="de-escalation",
        skill_name="De-escalation",
        at_ms=1_795_255_200_000,
    ),
    Milestone(
        what="reached-target",
        effect="5b1f6a80-1c52-4a3d-8d57-0e9b3c2f4a11",
        subject="mrnq4zj2c5xk7w3h6t8d9f2a4e",
        skill="de-escalation",
        skill_name="De-escalation",
        at_ms=1_795_255_200_000,
        score=0.78,
        low=0.69,
        high=0.86,
        outcomes=14,
        target=0.75,
        model="shipped-1",
    ),
    Milestone(
        what="was-sent",
        effect="9c3e7d12-40aa-4f6b-b6a4-7d1e5f8c9b12",
        subject="mrnq4zj2c5xk7w3h6t8d9f2a4e",
        skill="de-escalation",
        skill_name="De-escalation",
        at_ms=1_795_255_200_000,
        action="spaced-review",
        rule="review",
        to="employee",
    ),
    Milestone(
        what="answered",
        effect="1f7a9b34-5d21-4c8e-9e02-3a6b8d4f7c13",
        subject="mrnq4zj2c5xk7w3h6t8d9f2a4e",
        skill="de-escalation",
        skill_name="De-escalation",
        at_ms=1_795_341_600_000,
        action="spaced-review",
        rule="review",
        to="employee",
        sent="9c3e7d12-40aa-4f6b-b6a4-7d1e5f8c9b12",
    ),
)


def profile_page(root: Path) -> str:
    """Return the page as Markdown, from the profile below `root` and the code that writes by it."""
    profile = json.loads((root / "schemas" / "xapi-profile.jsonld").read_text("utf-8"))
    version = profile["versions"][0]
    lines = [
        INTRODUCTION,
        f"| Profile | `{profile['id']}` |",
        f"| Version, in the category of every statement | `{version['id']}` |",
        f"| Conforms to | {profile['conformsTo']} |",
        "",
        profile["definition"]["en"],
    ]
    for kind, heading in (
        ("Verb", "Verbs"),
        ("ActivityType", "Activity types"),
        ("ResultExtension", "Extensions of the result"),
        ("ContextExtension", "Extensions of the context"),
    ):
        lines += ["", f"## {heading}", "", "| IRI | Name | Meaning |", "|---|---|---|"]
        lines += [_row(one) for one in profile["concepts"] if one["type"] == kind]
    lines += ["", "## Statements", ""]
    for template, example in zip(profile["templates"], EXAMPLES, strict=True):
        lines += [*_template(template), *_example(example)]
    return "\n".join(lines)


def _row(concept: dict[str, Any]) -> str:
    return f"| `{concept['id']}` | {concept['prefLabel']['en']} | {concept['definition']['en']} |"


def _template(template: dict[str, Any]) -> list[str]:
    lines = [f"### {template['prefLabel']['en'].capitalize()}", "", template["definition"]["en"], ""]
    for rule in template["rules"]:
        told = f", always `{json.dumps(rule['all'][0])}`" if "all" in rule else ""
        lines.append(f"- `{rule['location']}`: {rule['presence']}{told}")
    return [*lines, ""]


def _example(milestone: Milestone) -> list[str]:
    text = own.statement(
        milestone, "default", own.pseudonymous("https://scores.example.com", milestone.subject)
    )
    return ["```json", msgspec.json.format(text, indent=2).decode(), "```", ""]
