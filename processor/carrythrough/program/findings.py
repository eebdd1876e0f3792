"""Every finding about a program map as a whole: its code, its weight, the rule behind it, and why it matters.

The linter takes rule, reason and severity from here, and so does the reference page, so a code means one thing.
An error refuses the map. Nothing that older maps may contain is an error that was not one before: a map that
came into force once stays readable for as long as the log is.
"""

from __future__ import annotations

from carrythrough.authoring.findings import Finding

_NAMES: dict[str, Finding] = {
    "ambiguous-id": Finding(
        "warning",
        "an activity and an event rule have different ids",
        "explanations, objectives and tests name them by id alone, so nobody can tell which is meant",
    ),
    "bad-iri": Finding(
        "error",
        "ids of other systems are absolute IRIs",
        "without its scheme an IRI names nothing that others could look up or compare",
    ),
    "duplicate-id": Finding(
        "error",
        "ids are unique within their section",
        "of two, nobody could tell which one a reference means",
    ),
    "item-answers": Finding(
        "error",
        "a question has different choices, and its right answers are among them",
        "nobody could answer it, and everybody's answers would count as wrong",
    ),
    "requires-cycle": Finding(
        "error",
        "skills that come first do not require each other",
        "each of them would wait for the other, and no rule would ever act on any of them",
    ),
    "unknown-activity": Finding(
        "error",
        "every activity that is named is defined in the map",
        "a name that nothing answers to does nothing",
    ),
    "unknown-adapter": Finding(
        "warning",
        "every adapter that is named is installed, or set up under that name in the settings",
        "nothing would deliver the action",
    ),
    "unknown-kpi": Finding(
        "error",
        "every KPI that is named is defined in the map",
        "a name that nothing answers to does nothing",
    ),
    "unknown-person": Finding(
        "warning",
        "people who are named stand in the roster",
        "somebody whom the roster does not know takes no part",
    ),
    "unknown-role": Finding(
        "warning", "roles are spelled as in the roster", "a role that nobody has concerns nobody"
    ),
    "unknown-rule": Finding(
        "error",
        "every rule that is named is defined in the map",
        "a test that expects a rule that does not exist can never pass",
    ),
    "unknown-site": Finding(
        "warning", "sites are spelled as in the roster", "a site where nobody works concerns nobody"
    ),
    "unknown-skill": Finding(
        "error",
        "every skill that is named is defined in the map",
        "a name that nothing answers to does nothing",
    ),
    "unknown-source": Finding(
        "error",
        "what shows an objective is an activity or an event rule of the map",
        "a name that nothing answers to shows nothing",
    ),
    "unknown-team": Finding(
        "warning", "teams are spelled as in the roster", "a team without members concerns nobody"
    ),
}
_BUSINESS: dict[str, Finding] = {
    "baseline-impossible": Finding(
        "error",
        "a baseline window goes from its first day to its last, and names its first day once",
        "no reading would lie in it",
    ),
    "baseline-in-program": Finding(
        "warning",
        "a baseline ends before the first cohort starts",
        "readings from the program itself hide what the program changed",
    ),
    "baseline-open": Finding(
        "warning",
        "a baseline window has a last day, its own or that before the first cohort starts",
        "`carrythrough baseline close` has to be told each time where the baseline ends",
    ),
    "dip-impossible": Finding("error", "a dip goes from its first day to its last", "no day would lie in it"),
    "duplicate-target": Finding(
        "error", "a role and site have one target", "of two, nobody could tell which one counts"
    ),
    "goal-without-kpi": Finding(
        "warning", "a goal has a KPI that shows it", "nobody could tell whether the goal was reached"
    ),
    "half-life-conflict": Finding(
        "error",
        "a skill says once how soon its job outcomes age",
        "volatile asks for the 30-day memory, the half-life for the 90-day one",
    ),
    "half-life-out-of-sense": Finding(
        "warning",
        "a half-life is near one of the two that scoring keeps (30 and 90 days), and longer than the time between "
        "two chances to use the skill",
        "otherwise the hint is not what happens, or evidence has faded before the next comes in",
    ),
    "kpi-without-skill": Finding(
        "warning", "a skill serves each KPI", "a KPI that no skill serves cannot move because of learning"
    ),
    "kpi-without-target": Finding(
        "warning",
        "a KPI has a target",
        "an outcome is about a standard; without one a reading is at best a rank among peers",
    ),
    "no-job-evidence": Finding(
        "warning",
        "an objective is shown on the job, by evidence in the channels job or observed",
        "transfer is shown on the job; events that name the skill themselves count as well",
    ),
    "objective-without-activity": Finding(
        "warning", "activities teach or practise an objective", "nothing in the map helps anybody to reach it"
    ),
    "skill-without-evidence": Finding(
        "warning",
        "activities or events give evidence of each skill",
        "a skill is scored from evidence, so this one never has a score",
    ),
    "skill-without-kpi": Finding(
        "warning", "each skill serves a KPI", "the business value of a skill that serves none cannot be shown"
    ),
    "skill-without-role": Finding(
        "warning",
        "where skills name roles, each does",
        "a skill that no role needs counts in nobody's overall score",
    ),
    "source-conflict": Finding(
        "warning",
        "an event rule about a KPI asks for the source that the KPI names",
        "its readings come from elsewhere, so the rule never takes any",
    ),
    "target-for-nobody": Finding(
        "error",
        "a target of its own names a role or a site",
        "without one it competes with the target of all",
    ),
    "target-unreachable": Finding(
        "warning",
        "a score can reach its target, and can miss it",
        "scores lie between 0 and 1 and reach neither end",
    ),
    "team-kpi": Finding(
        "warning",
        "a team's KPI is no evidence about one person",
        "its readings never count for individuals, so the rule gives no evidence, and the skill has no KPI of its own",
    ),
    "unrelated-activity": Finding(
        "warning",
        "the activities of an objective say something about its skill",
        "the objective looks covered, and its scores stay empty",
    ),
}
_RECORDS: dict[str, Finding] = {
    "channel-conflict": Finding(
        "error",
        "only the channels learn, practice, job and observed carry outcomes, and some kinds of event name theirs",
        "opinions, views and help never count as results, whatever the map says",
    ),
    "duplicate-evidence": Finding(
        "error",
        "an activity names a skill once",
        "one statement gives one piece of evidence a skill, so the second is lost",
    ),
    "extension-missing": Finding(
        "error",
        "what is read from an extension names the extension",
        "without it there is nothing to read, and every outcome stays unknown",
    ),
    "match-all": Finding(
        "error",
        "a matcher names at least one thing that its records have in common",
        "it would claim every record, and change the scores of everybody",
    ),
    "modality-conflict": Finding(
        "warning",
        "the channel of evidence fits the modality of its activity",
        "help that counts as a test, or a course that counts as work, overstates what people can do",
    ),
    "never-matches": Finding(
        "error",
        "some statement can meet all members of a matcher",
        "an activity without statements gives no evidence",
    ),
    "no-evidence": Finding(
        "warning", "an activity says something about a skill", "without evidence it only labels statements"
    ),
    "open-prefix": Finding(
        "warning",
        "a beginning of ids ends where a word or number ends",
        "course/1 is also the beginning of course/10, whose statements would count as well",
    ),
    "overlapping-evidence": Finding(
        "warning",
        "records that two matchers share are given to one of them by being told apart",
        "for the same skill and channel only one of the two is taken, and which one may not be what you mean",
    ),
    "scale-impossible": Finding(
        "error", "the worst and the best value of a scale differ", "no value would say anything"
    ),
    "setting-unused": Finding(
        "warning", "what is set has something to act on", "it looks as if it did something, and does nothing"
    ),
    "shadowed": Finding(
        "warning",
        "a record is given to the most specific activity, the earlier on a tie; to the earlier event rule; and of "
        "rules for the same action the earlier acts",
        "what another always takes does nothing",
    ),
    "weight-zero": Finding(
        "warning", "an outcome that is read has a weight", "with weight 0 it is read and never counts"
    ),
}
_ACTIONS: dict[str, Finding] = {
    "absence-too-short": Finding(
        "warning",
        "job evidence is missed only after the job has had a chance to show it",
        "the rule would act on people who have done nothing wrong",
    ),
    "acts-always": Finding(
        "error",
        "a rule says when it acts",
        "it would act on everybody, all the time, as often as the policy lets it",
    ),
    "acts-in-dip": Finding(
        "warning",
        "where a fall is expected and declared, nothing is asked of people",
        "a push in the first weeks tells people that they fail where everybody does",
    ),
    "acts-on-nothing": Finding(
        "error",
        "where there is not enough evidence, nothing is sent",
        "nobody can tell there whether the action would help",
    ),
    "bad-link": Finding("warning", "a link is a web address", "people who follow it end up nowhere"),
    "expires-in-quiet": Finding(
        "warning",
        "an action lives longer than the quiet hours",
        "what is decided in the evening would expire before the morning, unsent",
    ),
    "language-twice": Finding(
        "error", "a rule has one text for a language", "nobody could tell which of the two is sent"
    ),
    "needs-order": Finding(
        "error", "a high priority begins above a medium one", "no priority would ever be medium"
    ),
    "never-true": Finding(
        "error", "a condition can be met", "a rule whose condition contradicts itself never acts"
    ),
    "no-adapter": Finding(
        "warning", "a rule names the adapters that deliver it", "otherwise nothing leaves the house"
    ),
    "no-content": Finding(
        "error",
        "an action has a title and a body, or neither and the text that comes with the product",
        "half a message is noise",
    ),
    "no-link": Finding(
        "error",
        "an action that asks for something to be opened says where it is",
        "the person could not do what is asked",
    ),
    "no-words-instead": Finding(
        "warning",
        "a name in a text has words for when the name is not known",
        "such a message is not sent to people whom the roster has no name for",
    ),
    "nothing-sent": Finding(
        "warning", "the policy leaves a time at which something may be sent", "no rule of the map ever acts"
    ),
    "other-cause": Finding(
        "warning",
        "an action answers the cause that a stage shows",
        "what does not fit the cause helps nobody, and teaches people to ignore us",
    ),
    "rule-for-nobody": Finding(
        "warning",
        "a rule acts in stages and on scores that exist at the same time",
        "where its stage holds, the rest of its condition never does, or is always true",
    ),
    "rule-switched-off": Finding(
        "warning",
        "what the policy switches off has no rules",
        "the rule reads as if it were in force, and is not",
    ),
    "unknown-placeholder": Finding(
        "warning",
        "what stands in braces is a placeholder that can be filled in",
        "the whole text is passed over, and the one that comes with the product is sent in its place",
    ),
    "wrong-recipient": Finding(
        "error",
        "an action goes to somebody who can do what it asks",
        "a request that only somebody else can follow is noise",
    ),
    "window-too-short": Finding(
        "warning",
        "a window is long enough for its count",
        "the job does not offer so many chances in that time, so the rule hardly ever acts",
    ),
}
_PEOPLE: dict[str, Finding] = {
    "cohort-empty": Finding(
        "error", "a cohort says who belongs to it", "without roles, teams, sites or people it has no members"
    ),
    "cohort-overlap": Finding(
        "warning",
        "somebody belongs to one cohort of a program",
        "the first cohort in the map counts, so the others are smaller than they look",
    ),
    "program-dates": Finding(
        "error",
        "days exist, and a program ends after it and its cohorts have started",
        "nobody could take part",
    ),
    "program-ended": Finding(
        "warning",
        "programs of the map are current",
        "nobody takes part in it any more, so it only adds to the text",
    ),
    "program-without-start": Finding(
        "warning",
        "a program that is rolled out by design has a first day",
        "without it nothing tells before from after",
    ),
    "rollout-without-comparison": Finding(
        "warning",
        "a rollout has what it compares: a comparison cohort, or cohorts that start on different days",
        "without it nobody can tell later what the program has changed",
    ),
}
_TESTS: dict[str, Finding] = {
    "test-expects-nothing": Finding(
        "warning", "a test expects something", "a test that compares nothing always passes"
    ),
    "test-given": Finding(
        "error",
        'each entry of "given" is a statement or an event',
        "nothing, or two things at once, cannot happen",
    ),
}

FINDINGS: dict[str, Finding] = dict(
    sorted((_NAMES | _BUSINESS | _RECORDS | _ACTIONS | _PEOPLE | _TESTS).items())
)
"""Code → what is the same about each finding of it."""
