"""Actions of a program map: that they have a way out in time, and that the policy leaves room for them."""

from __future__ import annotations

from carrythrough.program.lint_context import LintContext, Path, add_lint, nearest
from carrythrough.program.types import Reinforcement

WEEK_DAYS = 7


def actions(context: LintContext) -> None:
    """Check by what each rule sends, and whether it can arrive in time."""
    policy = context.program.policy
    start, end = policy.quiet.minutes()
    quiet_h = ((end - start) % 1440) / 60
    for r, rule in enumerate(context.program.reinforcement):
        place: Path = ("reinforcement", r)
        if rule.action in policy.kill.actions:
            message = f'rule "{rule.id}" asks for "{rule.action}", which the policy switches off'
            fix = 'remove the rule, or take the action out of "kill"'
            add_lint(context, (*place, "action"), "rule-switched-off", message, fix)
        if rule.expires_h <= quiet_h:
            message = f'what rule "{rule.id}" sends expires after {rule.expires_h} h, and it is quiet for {quiet_h:g} h'
            fix = f"write at least {int(quiet_h) + 2}"
            add_lint(context, (*place, "expires_h"), "expires-in-quiet", message, fix)
        _adapters(context, rule, place)


def _adapters(context: LintContext, rule: Reinforcement, place: Path) -> None:
    if not rule.adapters:
        message = f'rule "{rule.id}" names no adapter'
        add_lint(context, place, "no-adapter", message, 'add "adapters: [console]"')
    _known_adapters(context, rule.adapters, (*place, "adapters"), f'rule "{rule.id}"')


def _known_adapters(context: LintContext, names: tuple[str, ...], place: Path, who: str) -> None:
    known = context.around.adapters
    for a, name in enumerate(names):
        if known is not None and name not in known:
            message = f'{who} names the adapter "{name}", which is neither installed nor set up'
            add_lint(
                context,
                (*place, a),
                "unknown-adapter",
                message,
                nearest(context, name, known, "install or set it up"),
            )


def policy(context: LintContext) -> None:
    """Check that the policy leaves a time to act, and switches off what exists."""
    found = context.program.policy
    if context.program.reinforcement:
        shut = (
            ("per_day", found.per_day == 0, "lets no push through on any day"),
            ("per_week", found.per_week == 0, "lets no push through in any week"),
            ("days_off", len(set(found.days_off)) == WEEK_DAYS, "leaves no day of the week"),
        )
        for member, closed, words in shut:
            if closed:
                message = f'the policy\'s "{member}" {words}'
                fix = "change it, or switch single actions off under kill"
                add_lint(context, ("policy", member), "nothing-sent", message, fix)
    _known_adapters(context, found.kill.adapters, ("policy", "kill", "adapters"), "the policy")


def needs(context: LintContext) -> None:
    """Refuse priorities out of order."""
    found = context.program.needs
    if found.medium_from >= found.high_from:
        message = f"a medium priority begins at {found.medium_from:g}, a high one at {found.high_from:g}"
        add_lint(context, ("needs",), "needs-order", message, "write the smaller number for medium_from")
