"""Proves that every answer of every form is an admissible event of its kind, about whom the form is about."""

from __future__ import annotations

import pytest

from carrythrough.events.admission import admit_document
from carrythrough.events.forms import FORMS, SOURCE, event_of_answer
from carrythrough.events.types import PerformanceEvent


def answered(form: str, answer: str) -> PerformanceEvent:
    document = event_of_answer(
        FORMS[form], answer, employee="e-1", skill="calm", identity="x", time="2026-11-01T10:00:00Z"
    )
    assert document is not None
    return admit_document(document).event


@pytest.mark.parametrize("form", FORMS)
def test_every_answer_is_an_event(form: str) -> None:
    for option in FORMS[form].options:
        event = answered(form, option.value)
        assert (event.employee, event.skill, event.source, event.activity) == ("e-1", "calm", SOURCE, form)


def test_what_answers_mean() -> None:
    met = answered("manager-observation", "met")
    assert met.outcome is not None
    assert (met.kind, met.observer and met.observer.role, met.outcome.met) == ("observation", "manager", True)
    not_met = answered("peer-observation", "not-met")
    assert not_met.outcome is not None
    assert (not_met.observer and not_met.observer.role, not_met.outcome.met) == ("peer", False)
    assert answered("manager-observation", "not-seen").kind == "opportunity"
    sure = answered("self-report", "3")
    assert sure.outcome is not None
    assert (sure.kind, sure.outcome.score) == ("self-report", 0.75)
    assert answered("job-aid-use", "used").kind == "job-aid-use"


@pytest.mark.parametrize("answer", ["", "5", "-1", "met ", "MET"])
def test_another_answer_is_none(answer: str) -> None:
    form = FORMS["self-report"] if answer.strip("-").isdigit() else FORMS["manager-observation"]
    assert event_of_answer(form, answer, employee="e", skill="s", identity="i", time="t") is None
