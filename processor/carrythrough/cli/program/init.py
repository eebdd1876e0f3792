"""`carrythrough program init`: a first program map, from a few questions or from statements that there are."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated, Any, Literal

from cyclopts import Parameter

from carrythrough.cli.terminal import note, plural, say, say_json, say_wrapped
from carrythrough.errors import PermanentError, Problem

MAP_FILE = Path("program-map.yaml")


def init(
    *,
    from_: Annotated[
        list[Path] | None,
        Parameter(
            name="--from",
            consume_multiple=True,
            help="Files of statements (JSON or JSON lines, plain or gzip) to propose activities from.",
        ),
    ] = None,
    to: Annotated[Path, Parameter(help="The file to write; - prints the map.")] = MAP_FILE,
    name: Annotated[str, Parameter(help="What people call the program.")] = "",
    skill: Annotated[
        list[str] | None, Parameter(help="What people need to be able to do; once for each skill.")
    ] = None,
    does: Annotated[str, Parameter(help="What one can see people do on the job.")] = "",
    owner: Annotated[str, Parameter(help="Who answers for the program.")] = "",
    goal: Annotated[str, Parameter(help="The business goal.")] = "",
    kpi: Annotated[str, Parameter(help="The measure that shows whether the goal is reached.")] = "",
    unit: Annotated[str, Parameter(help="Its unit.")] = "",
    direction: Annotated[
        Literal["up", "down"] | None, Parameter(help="Which way is better (default: up).")
    ] = None,
    target: Annotated[float | None, Parameter(help="From which value on it is good.")] = None,
    activity: Annotated[
        list[str] | None,
        Parameter(help='Without --from: the id of an activity, or a beginning of ids that ends in "/".'),
    ] = None,
    yes: Annotated[bool, Parameter(help="Ask nothing: leave open what no option says.")] = False,
    force: Annotated[bool, Parameter(help="Write over a map that exists.")] = False,
    json: Annotated[bool, Parameter(help="Print what is proposed as JSON; asks nothing.")] = False,
) -> int:
    """Begin a program map: from a few questions, or from statements that there are.

    With --from it proposes an activity for every sort of statement that says how something went, with a matcher,
    counts, and a guess at channel and outcome; the reasons stand in the file as comments. What it guesses is yours to
    change. Nothing is stored or sent.

    For example:

    ```sh
    carrythrough program init
    carrythrough program init --from statements.jsonl.gz --yes
    carrythrough program init --name "Safe lifting" --skill "Lift with the hoist" --activity https://lms.example.org/hoist/
    ```
    """
    from carrythrough.program.map_text import Answers

    answers = Answers(
        name=name,
        owner=owner,
        goal=goal,
        kpi=kpi,
        unit=unit,
        direction=direction or "",
        target=target,
        skills=tuple(skill or ()),
        does=does,
    )
    printed = str(to) == "/dev/stdin"
    if not printed:
        _must_be_free(to, force=force)
    observed, refusals = _observed(from_ or [])
    if sys.stdin.isatty() and not (yes or json):
        from carrythrough.cli.program.asking import completed

        answers = completed(answers)
    proposal, text = _proposed(observed, answers, from_ or [], activity or [])
    if printed:
        sys.stdout.write(text)
    else:
        from carrythrough.cli.program.writing import write_text

        write_text(to, text, replace=force)
    if json:
        _say_json(proposal, refusals, "" if printed else str(to))
    elif not printed:
        _report(proposal, refusals, to)
    return 0


def _must_be_free(path: Path, *, force: bool) -> None:
    from carrythrough.cli.program.writing import refuse_existing

    if not force:
        refuse_existing(path)


def _observed(files: list[Path]) -> tuple[Any, Any]:
    from carrythrough.cli.program.reading import Refusals, records_of
    from carrythrough.program.observed import Observed

    observed, refusals = Observed(), Refusals()
    for _, records in records_of(files, refusals, events=False):
        for record in records:
            observed.add(record.statement)
    if files and not observed.statements:
        raise PermanentError(_no_statements(files, refusals))
    return observed, refusals


def _no_statements(files: list[Path], refusals: Any) -> Problem:
    first = next(iter(refusals.first.values()), "")
    return Problem(
        code="no-statements",
        status=422,
        title="There is nothing to propose a map from",
        detail=f"no record of the files can be read as a statement; the first: {first}"
        if first
        else "the files are empty",
        where=", ".join(map(str, files)),
        rule="a map is proposed from xAPI statements that keep the rules, or can be mended",
        fix="`carrythrough validate FILE` shows what is wrong with each record"
        if first
        else "export them again",
    )


def _proposed(observed: Any, answers: Any, files: list[Path], activities: list[str]) -> tuple[Any, str]:
    from carrythrough.program.courses import slug
    from carrythrough.program.first_map import first_proposal
    from carrythrough.program.map_text import map_text
    from carrythrough.program.proposing import propose

    skills = [(slug(title, "skill"), title) for title in answers.skills]
    proposal = (
        propose(observed, skills, answers.name) if files else first_proposal(skills, answers.name, activities)
    )
    text = map_text(proposal, answers, ", ".join(path.name for path in files))
    return proposal, text + _tests(proposal, observed, text)


def _tests(proposal: Any, observed: Any, text: str) -> str:
    """Return the section of tests: a real statement of each activity, and what the proposed map makes of it."""
    from carrythrough.pipeline.checking import evidence_of
    from carrythrough.program.compile import Program
    from carrythrough.program.load import load_program
    from carrythrough.program.sampling import samples_of, tests_text
    from carrythrough.program.types import Expect, ExpectedEvidence, MapTest

    program = Program(load_program(text, str(MAP_FILE)))
    tests = []
    for sample in samples_of(proposal, observed):
        try:
            pieces = evidence_of(program, [sample.given])
        except PermanentError:
            continue  # mended on its way in: as it was sent it is no statement, and no test
        expected = tuple(
            ExpectedEvidence(skill=p.skill, channel=p.channel, outcome=p.outcome, by=p.by) for p in pieces
        )
        expect = Expect(evidence=expected)
        tests.append(MapTest(id=sample.id, name=sample.name, given=(sample.given,), expect=expect))
    return tests_text(tests)


def _report(proposal: Any, refusals: Any, to: Path) -> None:
    from carrythrough.cli.program.shown import show_activities, show_bearing, show_refusals

    parts = f"{plural(len(proposal.skills), 'skill')}, {plural(len(proposal.activities), 'activity', 'activities')}"
    read = f" from {plural(proposal.statements, 'statement')}" if proposal.statements else ""
    say(f"{to}: {parts}{read}", "bold")
    if proposal.activities and proposal.statements:
        say()
        show_activities(proposal.activities)
        say()
        show_bearing(proposal.statements, proposal.bearing, proposal.covered)
        if not any(part.activity.evidence[0].outcome != "none" for part in proposal.activities):
            say_wrapped(
                _no_outcome(proposal.numbers),
                "",
            )
    elif proposal.numbers:
        say_wrapped(_no_outcome(proposal.numbers), "")
    show_refusals(refusals)
    say()
    note(f"Next: carrythrough program lint {to}")


def _no_outcome(numbers: str) -> str:
    """Return why no score can come of a proposed map. numbers: what extensions carry that may say how it went."""
    if numbers:
        return (
            f"None of it is an outcome. The results carry numbers in extensions, of which nobody but you knows what "
            f'they mean: {numbers}. Where one says how well it went, write "outcome: extension" with its scale.'
        )
    return (
        "None of it is an outcome: nothing in these statements says how well anybody did. Scores need a quiz "
        "with marks, a simulation, or events from the job."
    )


def _say_json(proposal: Any, refusals: Any, to: str) -> None:
    import msgspec

    from carrythrough.program.observed import SCORE_BEARING

    say_json(
        {
            "file": to,
            "statements": proposal.statements,
            "score_bearing": proposal.bearing,
            "score_bearing_means": SCORE_BEARING,
            "score_bearing_with_evidence": proposal.covered,
            "skills": msgspec.to_builtins(proposal.skills),
            "activities": msgspec.to_builtins(proposal.activities),
            "left_out": msgspec.to_builtins(proposal.left_out),
            "refused": dict(refusals.codes),
        }
    )
