"""Questions of the item bank: that each can be answered, and has answers that are right."""

from __future__ import annotations

from carrythrough.program.lint_context import LintContext, add_lint


def item_answers(context: LintContext) -> None:
    """Refuse right answers that cannot be chosen, and choices among which there is nothing to choose."""
    for i, item in enumerate(context.program.items):
        if not item.choices:
            continue
        if len(set(item.choices)) != len(item.choices) or len(item.choices) < 2:
            message = f'"{item.id}" offers fewer than two different choices, or one of them twice'
            fix = "write two or more different choices, or none for an answer in words"
            add_lint(context, ("items", i, "choices"), "item-answers", message, fix)
        for r, right in enumerate(item.right):
            if right not in item.choices:
                message = f'the right answer "{right[:60]}" of "{item.id}" is none of its choices'
                fix = "write it as the choice is written"
                add_lint(context, ("items", i, "right", r), "item-answers", message, fix)
