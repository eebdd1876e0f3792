"""The forms in which people say what they saw or did: their questions, and the event that an answer is.

A form is about one person and one skill. A manager or a peer says how a chance to use the skill went; the
person says how sure they are, or that they used a job aid.
"""

from __future__ import annotations

from typing import Any, Literal

import msgspec

from carrythrough.events.types import OWN_SOURCES

FormName = Literal["manager-observation", "peer-observation", "self-report", "job-aid-use"]
SOURCE = OWN_SOURCES + "forms"
"""Source of every event that a form gives."""


class Option(msgspec.Struct, frozen=True):
    """One answer: what is sent, and what is read."""

    value: str
    label: str
    hint: str = ""


class Form(msgspec.Struct, frozen=True):
    """One form. about_self: whether who fills it in is whom it is about. question has {name} and {skill}."""

    name: FormName
    title: str
    question: str
    options: tuple[Option, ...]
    about_self: bool
    role: str = ""


_SEEN = (
    Option("met", "It went well", "What the skill asks for was there, without help."),
    Option("not-met", "It did not go well yet", "Something that the skill asks for was missing."),
    Option("not-seen", "There was a chance, but I did not see how it went"),
)
FORMS: dict[str, Form] = {
    "manager-observation": Form(
        name="manager-observation",
        title="How did it go?",
        question="Think of the last time that {name} had a chance to use this skill on the job.",
        options=_SEEN,
        about_self=False,
        role="manager",
    ),
    "peer-observation": Form(
        name="peer-observation",
        title="How did it go?",
        question="Think of the last time that you saw {name} use this skill on the job.",
        options=_SEEN,
        about_self=False,
        role="peer",
    ),
    "self-report": Form(
        name="self-report",
        title="How sure are you?",
        question="When you next need this skill on the job, how sure are you that it will go well?",
        options=(
            Option("0", "Not at all sure"),
            Option("1", "A little sure"),
            Option("2", "Half sure"),
            Option("3", "Rather sure"),
            Option("4", "Entirely sure"),
        ),
        about_self=True,
    ),
    "job-aid-use": Form(
        name="job-aid-use",
        title="Did you use the job aid?",
        question="Say so when you looked something up for this skill while you were at work.",
        options=(Option("used", "I used it just now"),),
        about_self=True,
    ),
}


def event_of_answer(
    form: Form, answer: str, *, employee: str, skill: str, identity: str, time: str
) -> dict[str, Any] | None:
    """Return the performance event (plain JSON) that an answer is, None for an answer that the form does not have.

    employee: roster id. identity: unique among forms, so that a repeated answer is known. time: RFC 3339.
    """
    if answer not in {option.value for option in form.options}:
        return None
    event: dict[str, Any] = {
        "id": identity, "source": SOURCE, "kind": "observation", "employee": employee, "time": time,
        "skill": skill, "activity": form.name,
    }  # fmt: skip
    if form.about_self:
        event["kind"] = form.name
        if form.name == "self-report":
            event["outcome"] = {"score": int(answer) / (len(form.options) - 1)}
        return event
    if answer == "not-seen":
        return event | {"kind": "opportunity"}
    return event | {"observer": {"role": form.role}, "outcome": {"met": answer == "met"}}
