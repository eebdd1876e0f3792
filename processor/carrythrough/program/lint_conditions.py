"""Conditions of reinforcement rules: those that always hold, never hold, or come too early to be fair."""

from __future__ import annotations

from carrythrough.program.lint_context import LintContext, Path, add_lint
from carrythrough.program.lint_evidence import OUTCOME_CHANNELS
from carrythrough.program.types import Reinforcement, Seen, Skill, When

PAIRS_MAX = 200_000
"""Pairs of rules compared: those of six hundred rules for one action, under half a second."""
_ABOVE = ("carried-through",)
"""Stages in which the score is on its target."""
_BELOW = ("underperforming", "settling-in")
"""Stages in which the score is below its target."""


def conditions(context: LintContext) -> None:
    """Check the condition of each rule."""
    skills = {skill.id: skill for skill in context.program.skills}
    for r, rule in enumerate(context.program.reinforcement):
        path: Path = ("reinforcement", r, "when")
        if rule.when == When(certainty=rule.when.certainty):
            message = f'rule "{rule.id}" has no condition'
            add_lint(context, path, "acts-always", message, 'add "stage: unapplied" and the like')
        about = [skills[name] for name in rule.skills if name in skills] or list(skills.values())
        _stages(context, rule, path)
        _scores(context, rule, about, path)
        for n, seen in enumerate(rule.when.seen):
            _seen(context, rule, seen, about, (*path, "seen", n))
        _absences(context, rule, about, path)


def _stages(context: LintContext, rule: Reinforcement, path: Path) -> None:
    for n, stage in enumerate(rule.when.stage):
        if stage == "not-enough-evidence":
            message = f'rule "{rule.id}" acts where there is not enough evidence'
            fix = "choose the stage that the action is for"
            add_lint(context, (*path, "stage", n), "acts-on-nothing", message, fix)
        if stage == "settling-in":
            message = f'rule "{rule.id}" acts in a declared dip, where a fall is expected'
            add_lint(context, (*path, "stage", n), "acts-in-dip", message, "choose another stage")


def _scores(context: LintContext, rule: Reinforcement, about: list[Skill], path: Path) -> None:
    when = rule.when
    low, high = when.score_from, when.score_below
    targets = [skill.target for skill in about]
    if high is not None and high <= 0.0:
        message = f'rule "{rule.id}" waits for a score below 0'
        add_lint(context, (*path, "score_below"), "never-true", message, "write a number above 0")
    elif low is not None and low >= 1.0:
        message = f'rule "{rule.id}" waits for a score of 1, which no score reaches'
        add_lint(context, (*path, "score_from"), "never-true", message, "write a number below 1")
    elif low is not None and high is not None and low >= high:
        message = f'rule "{rule.id}" waits for a score from {low:g} that is below {high:g}'
        add_lint(context, path, "never-true", message, "write the smaller number for score_from")
    elif when.falls_within_days and high is not None and targets and high <= min(targets):
        message = (
            f'rule "{rule.id}" waits for a score below {high:g} that is on its target of {min(targets):g}'
        )
        add_lint(
            context, (*path, "score_below"), "never-true", message, "remove score_below or falls_within_days"
        )
    elif low is not None and when.stage and set(when.stage) <= set(_BELOW) and low >= max(targets):
        message = f'rule "{rule.id}" waits for {when.stage[0]}, where scores are below their target, and a score on it'
        add_lint(
            context, (*path, "score_from"), "never-true", message, "remove score_from, or change the stage"
        )
    elif high is not None and when.stage and set(when.stage) <= set(_ABOVE) and high <= min(targets):
        message = f'rule "{rule.id}" waits for carried-through, where scores are on their target, and a score below it'
        add_lint(
            context, (*path, "score_below"), "never-true", message, "remove score_below, or change the stage"
        )
    if when.falls_within_days and when.stage and set(when.stage) <= set(_BELOW):
        message = (
            f'rule "{rule.id}" forecasts a fall below the target in a stage where scores are below it already'
        )
        fix = "remove falls_within_days, or choose carried-through or fading"
        add_lint(context, (*path, "falls_within_days"), "rule-for-nobody", message, fix)


def _seen(context: LintContext, rule: Reinforcement, seen: Seen, about: list[Skill], path: Path) -> None:
    if seen.at_most is not None and seen.at_most < seen.at_least:
        message = f'rule "{rule.id}" counts at least {seen.at_least} and at most {seen.at_most}'
        fix = 'write "at_least: 0"' if seen.at_least == 1 else "write the smaller number for at_least"
        add_lint(context, path, "never-true", message, fix)
    elif seen.at_least == 0 and seen.at_most is None:
        message = f'rule "{rule.id}" counts at least 0, which is always true'
        add_lint(context, path, "rule-for-nobody", message, 'write "at_most", or a number above 0')
    elif seen.channel not in OUTCOME_CHANNELS and seen.result != "any":
        message = f'rule "{rule.id}" counts each {seen.result} in "{seen.channel}", which carries no outcomes'
        add_lint(
            context, (*path, "result"), "never-true", message, "remove result, or choose another channel"
        )
    elif seen.channel not in OUTCOME_CHANNELS and (seen.at_least > 1 or seen.at_most):
        message = f'rule "{rule.id}" counts beyond one in "{seen.channel}", of which only the newest is kept'
        add_lint(context, path, "never-true", message, 'write "at_least: 1", or use "unseen"')
    elif seen.channel == "job" and about and seen.at_least > 1:
        rhythm = min(skill.opportunity_days for skill in about)
        if seen.days < (seen.at_least - 1) * rhythm:
            message = (
                f'rule "{rule.id}" counts {seen.at_least} in {seen.days} days, and the job offers a chance '
                f"every {rhythm}"
            )
            add_lint(
                context,
                (*path, "days"),
                "window-too-short",
                message,
                f"write {seen.at_least * rhythm} or more",
            )


def _absences(context: LintContext, rule: Reinforcement, about: list[Skill], path: Path) -> None:
    for n, unseen in enumerate(rule.when.unseen):
        place = (*path, "unseen", n)
        for seen in rule.when.seen:
            if seen.channel == unseen.channel and seen.at_least > 0 and seen.days <= unseen.days:
                message = (
                    f'rule "{rule.id}" waits for something in "{seen.channel}" within {seen.days} days, and for '
                    f"nothing there for {unseen.days}"
                )
                add_lint(context, place, "never-true", message, "count further back than the absence goes")
                break
        rhythm = max((skill.opportunity_days for skill in about), default=0)
        if unseen.channel == "job" and unseen.days < rhythm:
            message = (
                f'rule "{rule.id}" misses job evidence after {unseen.days} days, and the job offers a chance '
                f"every {rhythm}"
            )
            add_lint(context, (*place, "days"), "absence-too-short", message, f"write {rhythm} or more")


def shadowed_rules(context: LintContext) -> None:
    """Warn of a rule that an earlier one for the same action always comes before."""
    rules = context.program.reinforcement
    by_action: dict[str, list[int]] = {}
    left = PAIRS_MAX
    for number, rule in enumerate(rules):
        for earlier in by_action.setdefault(rule.action, []):
            left -= 1
            if left < 0:
                return
            if rules[earlier].to == rule.to and _covers(rules[earlier], rule):
                first = rules[earlier].id
                message = f'rule "{rule.id}" never acts: "{first}" holds whenever it does, and is taken first'
                fix = "put the narrower rule first, or remove one of the two"
                add_lint(context, ("reinforcement", number), "shadowed", message, fix)
                break
        by_action[rule.action].append(number)


def _covers(wide: Reinforcement, narrow: Reinforcement) -> bool:
    """Say whether `wide` surely holds whenever `narrow` does."""
    a, b = wide.when, narrow.when
    return (
        (not wide.skills or (bool(narrow.skills) and set(narrow.skills) <= set(wide.skills)))
        and (not a.stage or (bool(b.stage) and set(b.stage) <= set(a.stage)))
        and (
            a.score_below is None
            or (b.score_below is not None and b.score_below <= a.score_below and b.certainty >= a.certainty)
        )
        and (a.score_from is None or (b.score_from is not None and b.score_from >= a.score_from))
        and (not a.falls_within_days or 0 < b.falls_within_days <= a.falls_within_days)
        and set(a.seen) <= set(b.seen)
        and all(
            any(other.channel == unseen.channel and other.days >= unseen.days for other in b.unseen)
            for unseen in a.unseen
        )
    )
