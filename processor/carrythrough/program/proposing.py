"""From what a file of statements holds to activities of a program map: matchers, channels and outcomes, with reasons.

What is proposed is what a careful author would try first. Each statement that says how something went is
given a reading; of those that say only that something happens, one a sitting is taken. What nobody measured
stays exposure, and an opinion stays voice, as everywhere (`evidence.mapping`).
"""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence

import msgspec

from carrythrough.program.activities import Activity, ActivityEvidence, ModalityName
from carrythrough.program.courses import Home, homes_of, is_system, slug, spoken, title_of, unique
from carrythrough.program.gauges import Gauges, add_to, told
from carrythrough.program.matcher import Matcher
from carrythrough.program.matching_guess import Bucket, common_beginning, matcher_for
from carrythrough.program.natures import (
    CHATTER,
    ENDINGS,
    Nature,
    is_about_confidence,
    nature_of_id,
    nature_of_type,
    nature_of_verb,
    tail,
    verb_word,
)
from carrythrough.program.observed import Observed, Sighting, Trait
from carrythrough.program.readings import Cell, Reading, reading_of

TITLES_SHOWN = 3
TITLES_READ = 30
"""Activities whose titles are looked at: many have the same."""
UNNAMED = "What the program teaches"
_PLURAL = {
    Nature.QUESTION: "Questions",
    Nature.ASSESSMENT: "Assessments",
    Nature.PRACTICE: "Simulations",
    Nature.CONFIDENCE: "Questions of confidence",
    Nature.OPINION: "Questions of opinion",
    Nature.OBSERVED: "Observations",
    Nature.JOB_AID: "Job aids",
    Nature.MEDIA: "Videos",
    Nature.READING: "Pages and documents",
    Nature.LIVE: "Sessions",
    Nature.COACHING: "Coaching",
    Nature.SOCIAL: "Discussions",
    Nature.COURSE: "Courses and units",
    Nature.OTHER: "Activities",
}
_MODALITY: dict[Nature, ModalityName] = {
    Nature.JOB_AID: "support",
    Nature.COACHING: "coaching",
    Nature.SOCIAL: "social",
    Nature.OBSERVED: "on-the-job",
}


class ProposedSkill(msgspec.Struct, frozen=True):
    """A skill that is proposed. course: the id it was guessed from, "" for the whole file."""

    id: str
    name: str
    course: str


class ProposedActivity(msgspec.Struct, frozen=True):
    """An activity that is proposed, with what it was guessed from. statements, bearing: counts in the file."""

    activity: Activity
    statements: int
    bearing: int
    verbs: tuple[tuple[str, int], ...]
    reason: str
    titles: tuple[str, ...] = ()


class LeftOut(msgspec.Struct, frozen=True):
    """Statements of a verb that nothing is proposed for, and why."""

    verb: str
    about: str
    statements: int
    why: str


class Proposal(msgspec.Struct, frozen=True):
    """What is proposed for a file. covered: its score-bearing statements that the activities match.

    numbers: the extensions that may say how well it went, in words.
    """

    skills: tuple[ProposedSkill, ...]
    activities: tuple[ProposedActivity, ...]
    left_out: tuple[LeftOut, ...]
    statements: int
    bearing: int
    covered: int
    numbers: str = ""


def propose(observed: Observed, skills: Sequence[tuple[str, str]] = (), name: str = "") -> Proposal:
    """Return the activities to map for what was seen; a pure function of the counts.

    skills: (id, name) of skills that there are; the first takes all evidence. None: one is proposed for each
    course, at most `courses.COURSES_MAX`. name: of the program, for a file that names no course.
    """
    homes = homes_of(observed)
    natures = {kind: _nature(kind, observed) for kind in observed.kinds}
    cells = _cells(observed, homes, natures)
    kept, left_out = _kept(cells)
    named = (
        dict.fromkeys((home.course for home in homes.values()), ProposedSkill(*skills[0], ""))
        if skills
        else _skills(kept, observed, name)
    )
    buckets = _buckets(kept)
    activities = _activities(buckets, named, observed)
    covered = _covered([part.activity for part in activities], observed)
    given = tuple(ProposedSkill(skill, title, "") for skill, title in skills)
    return Proposal(
        skills=given or tuple(dict.fromkeys(named[course] for course in sorted(named))),
        activities=tuple(activities),
        left_out=tuple(left_out),
        statements=observed.statements,
        bearing=observed.bearing,
        covered=covered,
        numbers=_numbers(observed),
    )


def _numbers(observed: Observed) -> str:
    gauges: Gauges = {}
    for of_kind in observed.gauges.values():
        add_to(gauges, of_kind)
    return told(gauges.items())


def _nature(kind: Sighting, observed: Observed) -> Nature:
    if kind.traits & Trait.OPINION:
        about = observed.about.get(kind.activity)
        text = "" if about is None else about.question or about.title
        return Nature.CONFIDENCE if is_about_confidence(text) else Nature.OPINION
    by_type = nature_of_type(kind.activity_type)
    if by_type in (None, Nature.QUESTION, Nature.COURSE):
        libraries = [
            nature_of_type(name) for name in kind.category if name.startswith("http://h5p.org/libraries")
        ]
        if libraries and libraries[0] is not None and by_type != Nature.COURSE:
            strong = libraries[0] in (Nature.OPINION, Nature.PRACTICE) or by_type is None
            by_type = libraries[0] if strong else by_type
    by_id = nature_of_id(kind.activity)
    if by_type == Nature.COURSE and by_id == Nature.PRACTICE:
        return Nature.PRACTICE
    if by_type is not None:
        return by_type
    if by_id in (Nature.PRACTICE, Nature.OPINION, Nature.JOB_AID):
        return by_id
    return nature_of_verb(kind.verb) or by_id or Nature.OTHER


def _cells(
    observed: Observed, homes: Mapping[Sighting, Home], natures: Mapping[Sighting, Nature]
) -> dict[tuple[str, Nature, str, str], Cell]:
    cells: dict[tuple[str, Nature, str, str], Cell] = {}
    for kind, count in observed.sorted():
        home, nature = homes[kind], natures[kind]
        at = (home.course, nature, kind.activity_type, kind.verb)
        cell = cells.get(at)
        if cell is None:
            cell = cells[at] = Cell(home.course, nature, kind.activity_type, kind.verb)
        cell.add(kind, count, home.member, observed.gauges.get(kind))
    return cells


def _kept(
    cells: Mapping[tuple[str, Nature, str, str], Cell],
) -> tuple[list[tuple[Cell, Reading]], list[LeftOut]]:
    """Return the cells that become evidence, with their reading, and the verbs that are left out."""
    groups: defaultdict[tuple[str, Nature, str], list[Cell]] = defaultdict(list)
    for (course, nature, activity_type, _), cell in cells.items():
        groups[course, nature, activity_type].append(cell)
    kept: list[tuple[Cell, Reading]] = []
    left: Counter[tuple[str, str, str]] = Counter()
    for group in groups.values():
        taken = [cell for cell in group if cell.bearing]
        unanswered = group[0].nature in (Nature.OPINION, Nature.CONFIDENCE)
        if not taken and not unanswered and not is_system(group[0].activity_type):
            taken = _one_a_sitting(group)
        kept += [(cell, reading_of(cell)) for cell in taken]
        for cell in group:
            if cell not in taken:
                chatter = verb_word(cell.verb) in CHATTER
                why = "goes on within a sitting" if chatter else "says no more than the statements taken"
                if is_system(cell.activity_type):
                    why = "about the system itself"
                left[cell.verb, _PLURAL[cell.nature].lower(), why] += cell.statements
    return kept, [LeftOut(verb, about, number, why) for (verb, about, why), number in left.most_common()]


def _one_a_sitting(group: Sequence[Cell]) -> list[Cell]:
    """Return the cell whose verb stands for one sitting, none where all only say that something goes on."""
    words = {verb_word(cell.verb): cell for cell in group}
    for word in ENDINGS:
        if word in words:
            return [words[word]]
    quiet = [cell for cell in group if verb_word(cell.verb) not in CHATTER]
    return [max(quiet, key=lambda cell: (cell.statements, cell.verb))] if quiet else []


def _skills(kept: Iterable[tuple[Cell, Reading]], observed: Observed, name: str) -> dict[str, ProposedSkill]:
    """Return the skill of each course; what names no course goes with the only one, or with the program."""
    courses = sorted({cell.course for cell, _ in kept})
    named = [course for course in courses if course]
    taken: set[str] = set()
    found: dict[str, ProposedSkill] = {}
    for course in named:
        title = title_of(course, observed)
        found[course] = ProposedSkill(unique(slug(title, "skill"), taken), title, course)
    if "" in courses or not found:
        if len(named) == 1:
            found[""] = found[named[0]]
        else:
            title = name or _common_title(cell for cell, _ in kept if not cell.course) or UNNAMED
            found[""] = ProposedSkill(unique(slug(title, "skill"), taken), title, "")
    return found


def _common_title(cells: Iterable[Cell]) -> str:
    """Return what the ids of some cells have in common in words, "" when that are no words."""
    beginning = common_beginning({activity for cell in cells for activity in cell.activities})
    last = tail(beginning) if beginning else ""
    return spoken(last) if re.fullmatch(r"[A-Za-z][A-Za-z _+-]{2,}", last) else ""


def _buckets(kept: Iterable[tuple[Cell, Reading]]) -> list[Bucket]:
    """Put cells together that differ in the verb only."""
    found: dict[tuple[str, Nature, str, Reading], Bucket] = {}
    for cell, reading in kept:
        at = (cell.course, cell.nature, cell.activity_type, reading)
        if at not in found:
            found[at] = Bucket(cell.course, cell.nature, cell.activity_type, reading)
        found[at].cells.append(cell)
    return sorted(found.values(), key=lambda b: (b.course, list(Nature).index(b.nature), -b.statements))


def _activities(
    buckets: Sequence[Bucket], skills: Mapping[str, ProposedSkill], observed: Observed
) -> list[ProposedActivity]:
    taken: set[str] = set()
    found = []
    several = len({skill.id for skill in skills.values()}) > 1
    for bucket in buckets:
        skill, reading = skills[bucket.course], bucket.reading
        titles = _titles(bucket, observed)
        what = _what(bucket)
        single = len(bucket.activities) == 1
        name = titles[0] if single else f"{what} ({len(bucket.activities):,})"
        stem = titles[0] if single else f"{skill.id} {what}" if several else what
        evidence = ActivityEvidence(
            skill=skill.id,
            channel=reading.channel,
            outcome=reading.outcome,
            extension=reading.extension,
            weight=reading.weight,
            item="activity" if reading.item else "none",
        )
        activity = Activity(
            id=unique(slug(stem, "activity"), taken),
            name=name,
            match=matcher_for(bucket, buckets),
            modality=_MODALITY.get(bucket.nature, "formal"),
            evidence=(evidence,),
        )
        verbs = Counter({cell.verb: cell.statements for cell in bucket.cells})
        found.append(
            ProposedActivity(
                activity,
                bucket.statements,
                sum(cell.bearing for cell in bucket.cells),
                tuple(verbs.most_common()),
                reading.reason,
                tuple(titles) if not single else (),
            )
        )
    return found


def _titles(bucket: Bucket, observed: Observed) -> list[str]:
    """Return the titles of the most frequent activities; of questions their text."""
    asks = bucket.nature in (Nature.QUESTION, Nature.OPINION, Nature.CONFIDENCE)
    found: list[str] = []
    for name, _ in sorted(bucket.activities.items(), key=lambda pair: (-pair[1], pair[0]))[:TITLES_READ]:
        known = observed.about.get(name)
        title = (asks and known is not None and known.question) or title_of(name, observed)
        if title not in found:
            found.append(title)
    return found[:TITLES_SHOWN]


def _what(bucket: Bucket) -> str:
    """Return what the activities of a bucket are, in the plural."""
    if bucket.nature == Nature.OTHER and bucket.activity_type:
        return spoken(tail(bucket.activity_type))
    return _PLURAL[bucket.nature]


def _covered(activities: Sequence[Activity], observed: Observed) -> int:
    matcher = Matcher([activity.match for activity in activities])
    return sum(n for kind, n in observed.kinds.items() if kind.bearing and matcher.find(kind.key()))
