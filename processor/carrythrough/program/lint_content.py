"""What actions say and to whom: recipients, links, and placeholders that can be filled, in every language."""

from __future__ import annotations

from collections.abc import Iterator
from urllib.parse import urlsplit

from carrythrough.authoring.reading import did_you_mean, listing
from carrythrough.program.actions import ACTIONS, Action
from carrythrough.program.lint_context import LintContext, Path, add_lint
from carrythrough.program.types import Reinforcement
from carrythrough.program.wording import AT_SENDING, LINK_MEANINGS, MEANINGS, Placeholder, placeholders


def content(context: LintContext) -> None:
    """Check what each rule sends, to whom, and that it can be said."""
    for r, rule in enumerate(context.program.reinforcement):
        place: Path = ("reinforcement", r)
        action = ACTIONS[rule.action]
        _recipient(context, rule, action, place)
        _link(context, rule, action, place)
        _cause(context, rule, action, place)
        if bool(rule.title) is not bool(rule.body):
            message = f'reinforcement rule "{rule.id}" has no {"title" if not rule.title else "body"} to send'
            fix = 'write "title" and "body", or leave both out for the text that comes with the product'
            add_lint(context, place, "no-content", message, fix)
        _tags(context, rule, place)
        for path, text in _written(rule):
            for found in placeholders(text):
                _placeholder(context, rule, found, (*place, *path))


def _recipient(context: LintContext, rule: Reinforcement, action: Action, place: Path) -> None:
    if rule.to in action.to:
        return
    message = f'rule "{rule.id}" sends "{rule.action}" to the {rule.to}'
    fix = f'write "to: {action.to[0]}"' + (f" ({listing(action.to)})" if len(action.to) > 1 else "")
    add_lint(context, (*place, "to"), "wrong-recipient", message, fix)


def _link(context: LintContext, rule: Reinforcement, action: Action, place: Path) -> None:
    if action.link == "needed" and not rule.link:
        message = f'rule "{rule.id}" asks for "{rule.action}" and says nowhere to go'
        add_lint(context, place, "no-link", message, 'add "link: https://…"')
    named: list[tuple[Path, str]] = [(("link",), rule.link)]
    named += [(("texts", tag, "link"), wording.link) for tag, wording in rule.texts.items()]
    for path, link in named:
        if link and not _is_web(link):
            message = f'the link of rule "{rule.id}" is no web address'
            add_lint(context, (*place, *path), "bad-link", message, 'begin it with "https://"')


def _is_web(link: str) -> bool:
    try:
        parts = urlsplit(link)
    except ValueError:
        return False
    return parts.scheme in ("https", "http") and bool(parts.netloc)


def _cause(context: LintContext, rule: Reinforcement, action: Action, place: Path) -> None:
    if not action.stages:
        return
    for n, stage in enumerate(rule.when.stage):
        if stage not in action.stages and stage != "not-enough-evidence":
            message = f'rule "{rule.id}" answers "{stage}" with "{rule.action}", which is for: {action.cause}'
            fix = f"choose another action, or one of: {listing(action.stages)}"
            add_lint(context, (*place, "when", "stage", n), "other-cause", message, fix)


def _tags(context: LintContext, rule: Reinforcement, place: Path) -> None:
    seen: set[str] = set()
    for tag in rule.texts:
        if tag.lower() in seen:
            message = f'rule "{rule.id}" has two texts for "{tag.lower()}"'
            add_lint(context, (*place, "texts", tag), "language-twice", message, "keep one of the two")
        seen.add(tag.lower())


def _written(rule: Reinforcement) -> Iterator[tuple[Path, str]]:
    """Yield (path in the rule, text) of everything that may have placeholders."""
    for member in ("title", "body", "link"):
        yield (member,), getattr(rule, member)
    for tag, wording in rule.texts.items():
        for member in ("title", "body", "link"):
            yield ("texts", tag, member), getattr(wording, member)


def _placeholder(context: LintContext, rule: Reinforcement, found: Placeholder, path: Path) -> None:
    known = _known(rule, is_link=path[-1] == "link")
    if found.word not in known:
        message = f'"{found.text}" in rule "{rule.id}" is nothing that can be filled in'
        near = did_you_mean(found.text.strip("{}").strip(), known)
        fix = near.replace('"', '"{', 1).replace('"?', '}"?') if near else f"known here: {listing(known, 20)}"
        add_lint(context, path, "unknown-placeholder", message, fix)
    elif found.word in AT_SENDING and found.instead is None:
        message = (
            f'nothing is said in the place of "{found.text}" in rule "{rule.id}" where the name is not known'
        )
        fix = f'write "{{{found.word}|somebody}}" and the like'
        add_lint(context, path, "no-words-instead", message, fix)


def _known(rule: Reinforcement, *, is_link: bool) -> list[str]:
    if is_link:
        return list(LINK_MEANINGS)
    return [word for word in MEANINGS if word != "person" or rule.to != "employee"]
