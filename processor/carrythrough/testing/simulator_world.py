"""What the sample organisation learns and works with: courses, simulations, job aids, tasks, figures.

This is the senders' side of the sample: the names and numbers that a learning
management system, a simulation or a CRM would know. `demo_organisation/program.yaml`
is the receiver's side; a test holds that every name here is evidence there.
"""

from __future__ import annotations

import msgspec

LEARN = "https://learn.larkfield.example"
MOODLE = "https://moodle.larkfield.example"
SIM = "https://sim.larkfield.example"
MENTORING = "https://mentoring.larkfield.example"
AIDS = "https://aids.larkfield.example"


class SkillWorld(msgspec.Struct, frozen=True, kw_only=True):
    """How one skill is taught, practised, supported and met at work.

    difficulty: hidden, in logits (see `simulator_truth`). moodle: the course runs in Moodle, which
    sends no statement ids. per_day: role → opportunities a working day. task, source: how the
    business systems name an opportunity. kpi: figure that the skill moves; kpi_at_target: its value
    when people meet the standard three times in four; kpi_slope: its change per unit of truth;
    kpi_sd: scale of its noise; kpi_roles: who is measured by it; team_kpi: one figure for a team.
    """

    id: str
    name: str
    difficulty: float
    course: str
    questions: int
    moodle: bool
    scenario: str
    steps: int
    video: str
    video_s: int
    aid: str
    per_day: dict[str, float]
    task: str
    source: str
    kpi: str
    kpi_at_target: float
    kpi_slope: float
    kpi_sd: float
    kpi_roles: tuple[str, ...]
    team_kpi: bool = False

    def course_iri(self) -> str:
        """Return the activity id of the course."""
        return f"{MOODLE}/course/{self.id}" if self.moodle else f"{LEARN}/xapi/courses/{self.id}"

    def question_iri(self, number: int) -> str:
        """Return the activity id of question `number`, counted from 1."""
        return f"{self.course_iri()}/question/{number}"

    def scenario_iri(self) -> str:
        """Return the activity id of the simulation."""
        return f"{SIM}/scenarios/{self.id}"

    def video_iri(self) -> str:
        """Return the activity id of the video."""
        return f"{LEARN}/xapi/media/{self.id}"

    def mentoring_iri(self) -> str:
        """Return the activity id of the mentoring sessions."""
        return f"{MENTORING}/sessions/{self.id}"

    def aid_iri(self) -> str:
        """Return the activity id of the job aid."""
        return f"{AIDS}/{self.id}"


SKILLS: tuple[SkillWorld, ...] = (
    SkillWorld(
        id="de-escalation",
        name="De-escalation",
        difficulty=1.6,
        course="De-escalation basics",
        questions=6,
        moodle=False,
        scenario="The furious first minute",
        steps=4,
        video="What an angry customer needs first",
        video_s=312,
        aid="Six sentences that calm",
        per_day={"agent": 0.55, "technician": 0.25, "lead": 0.35},
        task="complaint-call",
        source="crm",
        kpi="csat",
        kpi_at_target=0.80,
        kpi_slope=0.35,
        kpi_sd=0.04,
        kpi_roles=("agent", "lead"),
    ),
    SkillWorld(
        id="needs-discovery",
        name="Needs discovery",
        difficulty=1.4,
        course="Asking before answering",
        questions=6,
        moodle=False,
        scenario="The wrong question",
        steps=4,
        video="Listening for the second problem",
        video_s=264,
        aid="Discovery question card",
        per_day={"agent": 0.6, "lead": 0.3},
        task="first-contact",
        source="crm",
        kpi="first-contact-resolution",
        kpi_at_target=0.74,
        kpi_slope=0.35,
        kpi_sd=0.035,
        kpi_roles=("agent", "lead"),
    ),
    SkillWorld(
        id="guided-diagnosis",
        name="Guided diagnosis",
        difficulty=1.9,
        course="Diagnosis by elimination",
        questions=8,
        moodle=True,
        scenario="Cold house, warm pump",
        steps=5,
        video="How a heat pump fails",
        video_s=415,
        aid="Fault tree",
        per_day={"agent": 0.35, "technician": 0.7},
        task="diagnosis",
        source="field-service",
        kpi="first-time-fix",
        kpi_at_target=0.78,
        kpi_slope=0.35,
        kpi_sd=0.035,
        kpi_roles=("technician",),
    ),
    SkillWorld(
        id="safe-isolation",
        name="Safe isolation",
        difficulty=1.3,
        course="Safe isolation",
        questions=6,
        moodle=False,
        scenario="Prove it dead",
        steps=4,
        video="Four steps that keep you alive",
        video_s=198,
        aid="Isolation checklist",
        per_day={"technician": 0.6},
        task="isolation",
        source="field-service",
        kpi="safe-job-audit",
        kpi_at_target=0.95,
        kpi_slope=0.15,
        kpi_sd=0.02,
        kpi_roles=("technician",),
    ),
    SkillWorld(
        id="clear-handover",
        name="Clear handover",
        difficulty=1.5,
        course="Notes others can use",
        questions=6,
        moodle=True,
        scenario="Monday's case, Friday's note",
        steps=3,
        video="One case, two notes",
        video_s=243,
        aid="Handover template",
        per_day={"agent": 0.5, "technician": 0.4},
        task="handover",
        source="crm",
        kpi="repeat-contacts",
        kpi_at_target=0.12,
        kpi_slope=-0.15,
        kpi_sd=0.015,
        kpi_roles=("agent", "technician"),
    ),
    SkillWorld(
        id="coaching-conversation",
        name="Coaching conversation",
        difficulty=1.7,
        course="Coaching in ten minutes",
        questions=6,
        moodle=False,
        scenario="The defensive answer",
        steps=4,
        video="A good question, a long silence",
        video_s=287,
        aid="Coaching conversation card",
        per_day={"lead": 0.5},
        task="coaching-session",
        source="people-hub",
        kpi="team-quality",
        kpi_at_target=0.85,
        kpi_slope=0.2,
        kpi_sd=0.025,
        kpi_roles=("lead",),
        team_kpi=True,
    ),
)
SKILL_BY_ID = {skill.id: skill for skill in SKILLS}
SKILLS_OF_ROLE: dict[str, tuple[SkillWorld, ...]] = {
    role: tuple(skill for skill in SKILLS if role in skill.per_day)
    for role in ("agent", "technician", "lead")
}
