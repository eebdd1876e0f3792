"""`carrythrough actions`: what there is to ask for, and how a message of a program map will read."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

from cyclopts import Parameter

from carrythrough.cli.table import table
from carrythrough.cli.terminal import note, say, say_json, say_wrapped
from carrythrough.cli.usage import wrong_usage

if TYPE_CHECKING:
    from carrythrough.identity.person import Person
    from carrythrough.pipeline.effects import ActionRequested
    from carrythrough.program.types import ProgramMap, Reinforcement, Skill

SCORE = 0.61
"""Of the person whom a preview makes up."""
DAYS = 21
NAME, ABOUT = "Ada Lovelace", "Grace Hopper"


def list_actions(*, json: Annotated[bool, Parameter(help="Print JSON.")] = False) -> int:
    """List the actions that a rule of a program map may ask for: what each is for and who may get it.

    For example:

    ```sh
    carrythrough actions list
    ```
    """
    from carrythrough.program.actions import ACTIONS

    if json:
        say_json(
            [
                {"name": a.name, "word": a.word, "cause": a.cause, "to": a.to, "link": a.link}
                for a in ACTIONS.values()
            ]
        )
        return 0
    columns = [("action", "left"), ("goes to", "left"), ("what it answers", "left")]
    table(columns, ([a.name, ", ".join(a.to), a.cause] for a in ACTIONS.values()))
    return 0


def preview(
    program_map: Annotated[Path, Parameter(name="MAP", help="The program map.")],
    rule: Annotated[str, Parameter(help="Id of the reinforcement rule.")],
    /,
    *,
    locale: Annotated[
        str, Parameter(help='Language tag of the reader, as "de" or "de-CH" (default: theirs, else en).')
    ] = "",
    person: Annotated[
        str,
        Parameter(
            help="Who reads it: a roster id with --roster, else a name. Empty: somebody without a name."
        ),
    ] = NAME,
    roster: Annotated[Path | None, Parameter(help="The roster that has the person.")] = None,
    skill: Annotated[str, Parameter(help="Id of the skill (default: the first that the rule is for).")] = "",
    html: Annotated[bool, Parameter(help="Print the HTML alone, for a browser.")] = False,
    json: Annotated[bool, Parameter(help="Print JSON.")] = False,
) -> int:
    """Show what a rule would send, as plain text and as the HTML of an e-mail; nothing is sent.

    The score and the reason are made up; the words, the language and the placeholders are those of the map. What is
    wrong with the map is `carrythrough program lint`'s to say.

    For example:

    ```sh
    carrythrough actions preview program-map.yaml nudge-to-apply --locale de
    carrythrough actions preview program-map.yaml nudge-to-apply --html > message.html
    ```
    """
    from carrythrough.cli.program.reading import read_map
    from carrythrough_adapters.email_body import html_body, text_body

    program = read_map(program_map)
    chosen = _rule(program, rule)
    reader = _reader(person, roster)
    action = _action(chosen, _skill(program, chosen, skill), locale or reader.locale)
    action, refused = _with_names(action, reader)
    text, page = text_body(action, ""), html_body(action, "")
    if json:
        say_json({"subject": action.title, "text": text, "html": page, "refused": refused})
    elif html:
        print(page, end="")
    else:
        _show(action, text, page)
    if refused:
        note(f"It would not be sent: {refused}.", "yellow")
    return int(bool(refused))


def _show(action: ActionRequested, text: str, page: str) -> None:
    say("Subject", "bold")
    say_wrapped(action.title)
    say()
    say("Text", "bold")
    for line in text.splitlines():
        say_wrapped(line) if line else say()
    say()
    say("HTML", "bold")
    say(page)


def _rule(program: ProgramMap, name: str) -> Reinforcement:
    for rule in program.reinforcement:
        if rule.id == name:
            return rule
    known = ", ".join(rule.id for rule in program.reinforcement) or "the map has none"
    raise wrong_usage(f'the map has no reinforcement rule "{name}"', f"write one of: {known}", where="RULE")


def _skill(program: ProgramMap, rule: Reinforcement, name: str) -> Skill:
    wanted = name or (rule.skills[0] if rule.skills else program.skills[0].id)
    for skill in program.skills:
        if skill.id == wanted:
            return skill
    known = ", ".join(skill.id for skill in program.skills)
    raise wrong_usage(f'the map has no skill "{wanted}"', f"write one of: {known}", where="--skill")


def _reader(person: str, roster: Path | None) -> Person:
    from carrythrough.cli.files.opening import InputFile
    from carrythrough.identity.person import Person
    from carrythrough.identity.roster import load_roster

    if roster is None:
        return Person(id="preview", name=person)
    with InputFile(roster) as file:
        people = load_roster(file.stream.read().decode("utf-8"), str(roster)).people
    found = next((one for one in people if one.id == person), None)
    if found is None:
        raise wrong_usage(
            f'the roster has nobody with the id "{person}"', "name a roster id", where="--person"
        )
    return found


def _action(rule: Reinforcement, skill: Skill, locale: str) -> ActionRequested:
    from carrythrough.pipeline.effects import ActionRequested
    from carrythrough.reinforcement.actions import said

    stage = rule.when.stage[0] if rule.when.stage else "unapplied"
    why = "You have learnt and practised this, and we have not seen it used on the job lately."
    values: dict[str, Any] = {
        "skill": skill.name, "score": f"{100 * SCORE:.0f}", "target": f"{100 * skill.target:.0f}",
        "stage": stage.replace("-", " "), "why": why, "days": str(DAYS),
    }  # fmt: skip
    if rule.to != "employee":
        values.pop("score")  # what somebody scores is theirs to show
    words = said(rule, locale, values, {"skill_id": skill.id, "person_id": "0" * 32})
    about_self = rule.to == "employee"
    return ActionRequested(
        id="preview", subject="reader" if about_self else "about", recipient="reader", to=rule.to, skill=skill.id,
        skill_name=skill.name, action=rule.action, rule=rule.id, stage=stage, score=SCORE, as_of_ms=0, expires_ms=0,
        title=words.title, body=words.body, link=words.link, why=why,
    )  # fmt: skip


def _with_names(action: ActionRequested, reader: Person) -> tuple[ActionRequested, str]:
    from carrythrough.dispatch.addressing import addressed_to
    from carrythrough.ports import Recipient

    names = {"reader": reader.name, "about": ABOUT}
    people = {key: Recipient(pseudonym=key, name=name) for key, name in names.items()}

    class Directory:
        def recipient(self, pseudonym: str) -> Recipient | None:
            return people.get(pseudonym)

        def recipients(self, pseudonyms: Any) -> dict[str, Recipient]:
            return {key: people[key] for key in pseudonyms if key in people}

    return addressed_to(action, people["reader"], Directory())
