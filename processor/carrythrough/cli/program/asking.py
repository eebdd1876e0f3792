"""The few questions of `program init`, for somebody at a terminal; each answer is also an option."""

from __future__ import annotations

import sys
from collections.abc import Callable

from carrythrough.cli.terminal import note, printable
from carrythrough.program.map_text import Answers

Reads = Callable[[str], str]


def completed(answers: Answers, reads: Reads = input) -> Answers:
    """Return the answers with what was not given as an option asked for; an empty line leaves it open."""
    note(
        "A few questions; press Enter to leave one open. Every answer can be changed in the file later.",
        "dim",
    )

    def ask(given: str, question: str) -> str:
        return given or _line(reads, question)

    name = ask(answers.name, "What do people call the program?")
    skills = answers.skills or tuple(
        part.strip()
        for part in _line(reads, "What do people need to be able to do? (several: with ;)").split(";")
    )
    does = ask(answers.does, "What can one see them do on the job?")
    owner = ask(answers.owner, "Who answers for it?")
    goal = ask(answers.goal, "Which business goal is it for?")
    kpi = ask(answers.kpi, "Which measure shows that the goal is reached?")
    unit, target = answers.unit, answers.target
    if kpi:
        unit = ask(unit, "In which unit? (%, s, tickets …)")
        while target is None and (said := _line(reads, "From which value on is it good?")):
            try:
                target = float(said.replace(",", "."))
            except ValueError:
                note(f"{printable(said)} is no number")
    direction = answers.direction
    if kpi and not direction:
        direction = (
            "down" if _line(reads, "Is more of it better? (yes, no)").lower().startswith("n") else "up"
        )
    return Answers(
        name=name,
        owner=owner,
        goal=goal,
        kpi=kpi,
        unit=unit,
        direction=direction,
        target=target,
        skills=tuple(skill for skill in skills if skill),
        does=does,
    )


def _line(reads: Reads, question: str) -> str:
    sys.stderr.write(question + " ")
    sys.stderr.flush()
    try:
        return " ".join(reads("").split())
    except EOFError:
        sys.stderr.write("\n")
        return ""
