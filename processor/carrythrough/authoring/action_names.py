"""The names of the actions that program maps ask for and people decline: one list for maps and rosters."""

from __future__ import annotations

from typing import Literal

ActionName = Literal[
    "nudge",
    "spaced-review",
    "simulation",
    "microlearning",
    "job-aid",
    "fade-job-aid",
    "coaching",
    "mentor-match",
    "feedback-request",
    "opportunity-request",
    "action-plan",
    "recognition",
    "needs-survey",
]
"""What a rule may ask for; `program.actions.ACTIONS` says what each is for."""
AudienceName = Literal["employee", "manager", "report", "peer"]
"""Who gets an action, seen from whom it is about: themselves, their manager, somebody they lead, a team-mate."""
