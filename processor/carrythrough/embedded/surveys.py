"""The tables of needs surveys: one row a survey, one a skill in it, and by what a survey is found again.

Whose a survey is, is a function of what its record says and of the roster in force now. So it is told on
reading: candidates are found by the pseudonym that the person had then and by kinship tokens of the names that
they have now (`identity.claims`), and the record in the log decides. A change of the roster rewrites nothing.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

import apsw

from carrythrough.embedded.database import chunks, marks, select
from carrythrough.embedded.decoding import record_of
from carrythrough.embedded.log import LogReader
from carrythrough.embedded.schema import NEED, SURVEY, SURVEY_KIN
from carrythrough.embedded.terms import Terms
from carrythrough.events.needs import RespondentName
from carrythrough.evidence.needs import NeedAnswer
from carrythrough.identity.claims import names_of, tokens_of
from carrythrough.identity.directory import RosterIndex
from carrythrough.pipeline.plan import Survey, name_surveyed

RESPONDENTS: tuple[RespondentName, ...] = ("learner", "manager")
"""By number, as the tables have them."""
READ_AT_ONCE = 400
_ANSWERS = (
    "SELECT s.position, s.source, n.skill, s.manager, s.t_ms, n.importance, n.confidence, n.expectation"
    " FROM survey s JOIN need n ON n.position = s.position"
    " WHERE NOT EXISTS (SELECT 1 FROM void v WHERE v.source = s.source)"
)


def write_surveys(connection: apsw.Connection, surveys: Iterable[Survey], terms: Terms) -> None:
    """Write new surveys; inside the transaction of the fold."""
    heads: list[object] = []
    answers: list[object] = []
    kin: list[object] = []
    for survey in surveys:
        first = survey.answers[0]
        manager = RESPONDENTS.index(first.respondent)
        heads += (survey.position, survey.subject, first.source, manager, first.t_ms)
        for a in survey.answers:
            number = terms.number(a.skill)
            answers += (survey.position, number, a.importance, a.confidence, a.expectation)
        for token in survey.kin:
            kin += (token, survey.position)
    SURVEY.run(connection, heads)
    NEED.run(connection, answers)
    SURVEY_KIN.run(connection, kin)


def answers_about(
    connection: apsw.Connection, log: LogReader, terms: Terms, subject: str, directory: RosterIndex
) -> list[NeedAnswer]:
    """Return the answers about one person by a roster, voided ones left out, in log order."""
    found = {at for (at,) in select(connection, "SELECT position FROM survey WHERE subject=?", (subject,))}
    person = directory.person(subject)
    if person is not None:
        tokens = {token for name in names_of(person) for token in tokens_of(name)}
        for part in chunks(list(directory.sealed(tokens))):
            text = f"SELECT position FROM survey_kin WHERE token IN ({marks(len(part))})"
            found.update(at for (at,) in select(connection, text, part))
    owners = _owners(log, sorted(found), directory)
    mine = sorted(position for position, owner in owners.items() if owner == subject)
    return [answer for _, answer in _read(connection, terms, mine)]


def all_answers(
    connection: apsw.Connection, log: LogReader, terms: Terms, directory: RosterIndex
) -> Iterator[tuple[str, NeedAnswer]]:
    """Yield (pseudonym by a roster, answer) of everybody in log order, voided ones left out."""
    after = 0
    while rows := select(
        connection,
        "SELECT position FROM survey WHERE position>? ORDER BY position LIMIT ?",
        (after, READ_AT_ONCE),
    ):
        positions = [at for (at,) in rows]
        owners = _owners(log, positions, directory)
        for position, answer in _read(connection, terms, positions):
            yield owners[position], answer
        after = positions[-1]


def stored_surveys(connection: apsw.Connection, terms: Terms) -> dict[int, Survey]:
    """Return every survey as it was folded, voided ones too, by position; the log alone has the names."""
    found: dict[int, Survey] = {}
    rows = select(
        connection,
        "SELECT s.position, s.subject, s.source, n.skill, s.manager, s.t_ms, n.importance, n.confidence, n.expectation"
        " FROM survey s JOIN need n ON n.position = s.position ORDER BY s.position, n.skill",
    )
    for position, subject, source, skill, manager, t_ms, *values in rows:
        answer = NeedAnswer(bytes(source), terms.text(skill), RESPONDENTS[manager], t_ms, *values)
        before = found[position].answers if position in found else ()
        answers = tuple(sorted((*before, answer), key=lambda a: a.skill))
        found[position] = Survey(subject, "", (), answers, position, 0)
    return found


def _read(
    connection: apsw.Connection, terms: Terms, positions: Sequence[int]
) -> Iterator[tuple[int, NeedAnswer]]:
    for part in chunks(positions, READ_AT_ONCE):
        where = f" AND s.position IN ({marks(len(part))}) ORDER BY s.position, n.skill"
        for position, source, skill, manager, t_ms, *values in select(connection, _ANSWERS + where, part):
            answer = NeedAnswer(bytes(source), terms.text(skill), RESPONDENTS[manager], t_ms, *values)
            yield position, answer


def _owners(log: LogReader, positions: Sequence[int], directory: RosterIndex) -> dict[int, str]:
    """Return by position whom the surveys there are about."""
    return {
        position: directory.subject_of_name(name_surveyed(record_of(row).content))
        for position, row in log.rows_at(positions).items()
    }
