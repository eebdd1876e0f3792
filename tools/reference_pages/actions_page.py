"""Writes docs/reference/actions.md: the catalogue of actions, their shipped texts and the placeholders."""

from __future__ import annotations

from pathlib import Path

from carrythrough.program.actions import ACTIONS
from carrythrough.program.shipped_texts import SHIPPED
from carrythrough.program.wording import AT_SENDING, LINK_MEANINGS, MEANINGS

INTRODUCTION = """\
# Actions

What a rule of the [program map](program-map.md) may ask for ([how to write one](../how-to/write-actions.md)). The
names are the same under `kill` in the policy and under `opted_out` in the [roster](roster.md). Besides them there is
"nothing": never written as a rule, but what guards or chance may choose, and logged like the others.

Link: *needed* means that the rule must say where to go; *ours* that we put one on as it is sent.

| Action | What it is | Answers | Stages that it is for | May go to | Link |
|---|---|---|---|---|---|"""
PLACEHOLDERS = """
## Placeholders

In titles and bodies, `{skill}`, or `{name|there}` with what to say when it is not known. Names are put in as the
message leaves; nothing that is logged or published has them.

| Placeholder | What stands there | When |
|---|---|---|"""
LINKS = """
In links, percent-encoded: """
TEXTS = """
## Texts that come with the product

Sent by a rule without a title and body of its own, in the language of who gets it, else in English.
"""


def actions_page(root: Path) -> str:
    """Return the page as Markdown."""
    del root
    lines = [INTRODUCTION]
    for action in ACTIONS.values():
        stages = ", ".join(action.stages) or "any"
        lines.append(
            f"| `{action.name}` | {action.word} | {action.cause} | {stages} | {', '.join(action.to)} | {action.link} |"
        )
    lines.append(PLACEHOLDERS)
    for word, meaning in MEANINGS.items():
        lines.append(f"| `{{{word}}}` | {meaning} | {'sending' if word in AT_SENDING else 'the decision'} |")
    lines.append(
        LINKS + ", ".join(f"`{{{word}}}` ({meaning})" for word, meaning in LINK_MEANINGS.items()) + "."
    )
    lines.append(TEXTS)
    lines += ["| Action | To | Language | Title | Body |", "|---|---|---|---|---|"]
    for action in ACTIONS.values():
        for to in action.to:
            for language, texts in SHIPPED.items():
                title, body = (text.replace("|", "\\|") for text in texts[action.name, to])
                lines.append(f"| `{action.name}` | {to} | {language} | {title} | {body} |")
    return "\n".join(lines)
