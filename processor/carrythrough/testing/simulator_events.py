"""The performance events that the business systems of the sample organisation would send.

A CRM and a field-service system report outcomes of tasks and opened job aids, quality
assurance reports checks, a reporting system reports figures, a people system reports
what managers and peers observed and what people say of themselves.
"""

from __future__ import annotations

from typing import Any

from carrythrough.testing.simulator_people import Employee
from carrythrough.testing.simulator_statements import rfc3339
from carrythrough.testing.simulator_world import SkillWorld

Event = dict[str, Any]


def task_outcome(
    employee: Employee, skill: SkillWorld, t_ms: int, key: str, *, met: bool, said_assisted: bool
) -> Event:
    """Return the outcome of one task; `said_assisted`: the system itself saw the job aid open."""
    return {
        "id": key,
        "source": skill.source,
        "kind": "task-outcome",
        "employee": employee.id,
        "time": rfc3339(t_ms),
        "activity": skill.task,
        "outcome": {"met": met},
        "assisted": said_assisted,
    }


def opportunity(employee: Employee, skill: SkillWorld, t_ms: int, key: str) -> Event:
    """Return a chance to use the skill whose outcome nobody recorded."""
    return {
        "id": key,
        "source": skill.source,
        "kind": "opportunity",
        "employee": employee.id,
        "time": rfc3339(t_ms),
        "activity": skill.task,
    }


def quality_check(employee: Employee, skill: SkillWorld, t_ms: int, key: str, *, met: bool) -> Event:
    """Return a quality check of one task, by somebody who listened in or looked at the job."""
    return {
        "id": key,
        "source": "qa",
        "kind": "qa-result",
        "employee": employee.id,
        "time": rfc3339(t_ms),
        "activity": skill.task,
        "outcome": {"met": met},
    }


def aid_used(employee: Employee, skill: SkillWorld, t_ms: int, key: str) -> Event:
    """Return a job aid opened from the CRM's side bar while at work."""
    return {
        "id": key,
        "source": skill.source,
        "kind": "job-aid-use",
        "employee": employee.id,
        "time": rfc3339(t_ms),
        "activity": skill.task,
    }


def kpi_reading(employee: Employee, skill: SkillWorld, t_ms: int, value: float, key: str) -> Event:
    """Return one weekly figure, of a person or (where the figure is a team's) of the lead's team."""
    return {
        "id": key,
        "source": "reporting",
        "kind": "kpi-reading",
        "employee": employee.id,
        "time": rfc3339(t_ms),
        "kpi": skill.kpi,
        "outcome": {"value": value},
        "grain": "team" if skill.team_kpi else "individual",
    }


def observation(
    employee: Employee, skill: SkillWorld, t_ms: int, score: float, observer: str, key: str
) -> Event:
    """Return what a manager or a peer saw; `score` is 0..1, `observer` is "manager" or "peer"."""
    return {
        "id": key,
        "source": "people-hub",
        "kind": "observation",
        "employee": employee.id,
        "time": rfc3339(t_ms),
        "activity": skill.task,
        "outcome": {"score": score},
        "observer": {"role": observer},
    }


def self_report(employee: Employee, skill: SkillWorld, t_ms: int, confidence: float, key: str) -> Event:
    """Return how confident a person says to be, 0..1."""
    return {
        "id": key,
        "source": "people-hub",
        "kind": "self-report",
        "employee": employee.id,
        "time": rfc3339(t_ms),
        "activity": skill.task,
        "outcome": {"score": confidence},
    }
