"""Proves that the most specific matcher is taken, at a cost that hardly grows with their number."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from carrythrough.evidence.types import W_ONE, Y_ONE, Channel
from carrythrough.program import compile as compiling
from carrythrough.program import event_matcher
from carrythrough.program.compile import Outcome, Program
from carrythrough.program.load import load_program
from carrythrough.program.matcher import Matcher, MatchKey, PrefixIndex
from carrythrough.program.types import Match
from carrythrough.xapi.statement import (
    Activity,
    Agent,
    Context,
    ContextActivities,
    Definition,
    Result,
    Statement,
    StatementRef,
    Verb,
)

ANSWERED = "http://adlnet.gov/expapi/verbs/answered"
PASSED = "http://adlnet.gov/expapi/verbs/passed"
REGISTRATION = "ec531277-b57b-4c15-8d91-d292c5b2b8f7"


def program_of(*activities: tuple[str, str, dict[str, Any]]) -> Program:
    """Return a program of (activity id, skill, match) triples."""
    document = {
        "map": "m",
        "version": 7,
        "name": "M",
        "skills": [{"id": skill, "name": skill} for skill in sorted({skill for _, skill, _ in activities})],
        "activities": [
            {"id": name, "name": name, "match": match, "evidence": [{"skill": skill, "channel": "learn"}]}
            for name, skill, match in activities
        ],
    }
    return Program(load_program(msgspec.json.encode(document).decode(), "m.json"))


def statement(
    activity: str = "https://x/1", verb: str = ANSWERED, kind: str | None = None, **around: tuple[str, ...]
) -> Statement:
    context = ContextActivities(**{name: tuple(Activity(i) for i in ids) for name, ids in around.items()})
    return Statement(
        actor=Agent(mbox="mailto:a@b.c"),
        verb=Verb(verb),
        object=Activity(activity, Definition(type=kind) if kind else None),
        context=Context(context_activities=context) if around else None,
    )


def carrying(*, registration: str | None = None, at: str = "context", **extensions: Any) -> Statement:
    """Return a statement with a registration, and extensions (name: value of https://e/name) in one place."""
    values = {f"https://e/{name}": value for name, value in extensions.items()}
    return Statement(
        actor=Agent(mbox="mailto:a@b.c"),
        verb=Verb(ANSWERED),
        object=Activity("https://x/1", Definition(extensions=values if at == "activity" else None)),
        result=Result(extensions=values) if at == "result" else None,
        context=Context(registration=registration, extensions=values if at == "context" else None),
    )


def mode(**more: Any) -> dict[str, Any]:
    """Return a matcher that asks for the extension https://e/mode."""
    return {"extension": [{"iri": "https://e/mode", **more}]}


def taken(program: Program, st: Statement) -> list[str]:
    return [rule.rule for rule in program.match_statement(st)]


@pytest.mark.parametrize(
    ("match", "matching", "other"),
    [
        ({"activity": "https://x/1"}, statement("https://x/1"), statement("https://x/10")),
        ({"activity_prefix": "https://x/1"}, statement("https://x/10"), statement("https://x/2")),
        ({"activity_type": "https://t"}, statement(kind="https://t"), statement(kind="https://u")),
        ({"verb": PASSED}, statement(verb=PASSED), statement()),
        ({"parent": "https://p"}, statement(parent=("https://o", "https://p")), statement(grouping=("https://p",))),
        ({"grouping": "https://p"}, statement(grouping=("https://p",)), statement(category=("https://p",))),
        ({"category": "https://p"}, statement(category=("https://p",)), statement(parent=("https://p",))),
        ({"profile": "https://p"}, statement(category=("https://p",)), statement(category=("https://px",))),
        ({"profile": "https://p"}, statement(category=("https://q", "https://p/v1.0")), statement(parent=("https://p",))),
        ({"profile": "https://p#"}, statement(category=("https://p#x",)), statement(category=("https://p",))),
        ({"registration": REGISTRATION.upper()}, carrying(registration=REGISTRATION), statement()),
        ({"registration": REGISTRATION}, carrying(registration=REGISTRATION.upper()),
         carrying(registration=REGISTRATION.replace("1", "2"))),
        (mode(), carrying(mode="exam"), carrying(other="exam")),
        (mode(), carrying(mode=False), carrying(mode=None)),
        (mode(), carrying(mode=[]), carrying(mode="exam", at="result")),
        (mode(at="result"), carrying(mode="exam", at="result"), carrying(mode="exam")),
        (mode(at="activity"), carrying(mode="exam", at="activity"), carrying(mode="exam")),
        (mode(equals="exam"), carrying(mode="exam"), carrying(mode="Exam")),
        (mode(equals=["exam", 2]), carrying(mode=2.0), carrying(mode="2")),
        (mode(equals=[1]), carrying(mode=1), carrying(mode=True)),
        (mode(equals=[True]), carrying(mode=True), carrying(mode=1)),
        (mode(path=["a", "1"], equals="x"), carrying(mode={"a": ["y", "x"]}), carrying(mode={"a": ["x", "y"]})),
        (mode(path=["0"]), carrying(mode={"0": 1}), carrying(mode="0")),
        ({"extension": [{"iri": "https://e/a"}, {"iri": "https://e/b", "equals": 2}]},
         carrying(a=1, b=2), carrying(a=1, b=3)),
        ({"activity_prefix": "https://x/", "except": {"activity": "https://x/2"}},
         statement("https://x/1"), statement("https://x/2")),
        ({"activity_prefix": "https://x/", "except": {"activity_prefix": "https://x/draft/"}},
         statement("https://x/1"), statement("https://x/draft/1")),
        ({"verb": ANSWERED, "except": {"activity_type": "https://t", "grouping": "https://g"}},
         statement(), statement(grouping=("https://f", "https://g"))),
        ({"verb": ANSWERED, "except": {"parent": "https://p", "category": "https://c", "verb": PASSED}},
         statement(category=("https://p",)), statement(category=("https://c",))),
        ({"activity": ["https://x/1", "https://x/2"], "verb": [PASSED, ANSWERED]},
         statement("https://x/2", PASSED), statement("https://x/2", "https://other")),
    ],
)  # fmt: skip
def test_each_member_matches_what_it_says(match, matching, other) -> None:
    program = program_of(("a", "s", match))
    assert taken(program, matching) == ["a"]
    assert taken(program, other) == []


def test_the_most_specific_activity_gives_the_evidence_of_a_skill() -> None:
    program = program_of(
        ("by-verb", "s", {"verb": ANSWERED}),
        ("by-type", "s", {"activity_type": "https://t"}),
        ("by-category", "s", {"category": "https://c"}),
        ("by-grouping", "s", {"grouping": "https://g"}),
        ("by-parent", "s", {"parent": "https://p"}),
        ("by-prefix", "s", {"activity_prefix": "https://x/"}),
        ("by-longer-prefix", "s", {"activity_prefix": "https://x/1"}),
        ("by-id", "s", {"activity": "https://x/1"}),
    )
    around = {"parent": ("https://p",), "grouping": ("https://g",), "category": ("https://c",)}
    assert taken(program, statement("https://x/1", kind="https://t", **around)) == ["by-id"]
    assert taken(program, statement("https://x/11", kind="https://t", **around)) == ["by-longer-prefix"]
    assert taken(program, statement("https://x/2", kind="https://t", **around)) == ["by-prefix"]
    assert taken(program, statement("https://y", kind="https://t", **around)) == ["by-parent"]
    del around["parent"]
    assert taken(program, statement("https://y", kind="https://t", **around)) == ["by-grouping"]
    del around["grouping"]
    assert taken(program, statement("https://y", kind="https://t", **around)) == ["by-category"]
    assert taken(program, statement("https://y", kind="https://t")) == ["by-type"]
    assert taken(program, statement("https://y")) == ["by-verb"]


def test_what_tells_more_of_one_person_or_way_comes_before_what_tells_of_a_group() -> None:
    program = program_of(
        ("by-profile", "s", {"profile": "https://p"}),
        ("by-category", "s", {"category": "https://p/v1"}),
        ("by-extension", "s", mode()),
        ("by-registration", "s", {"registration": REGISTRATION}),
        ("by-prefix", "s", {"activity_prefix": "https://x/2"}),
    )
    near = ContextActivities(category=(Activity("https://p/v1"),))
    mode_ = {"https://e/mode": "exam"}
    context = Context(registration=REGISTRATION, extensions=mode_, context_activities=near)
    steps = [
        (Activity("https://x/2"), context, "by-prefix"),
        (Activity("https://x/1"), context, "by-registration"),
        (Activity("https://x/1"), Context(extensions=mode_, context_activities=near), "by-extension"),
        (Activity("https://x/1"), Context(context_activities=near), "by-category"),
        (Activity("https://x/1"), Context(context_activities=ContextActivities(category=(Activity("https://p/v2"),))),
         "by-profile"),
    ]  # fmt: skip
    for about, around, winner in steps:
        one = Statement(actor=Agent(mbox="mailto:a@b.c"), verb=Verb(ANSWERED), object=about, context=around)
        assert taken(program, one) == [winner]


def test_an_exclusion_and_each_extension_make_a_matcher_more_specific() -> None:
    program = program_of(
        ("plain", "s", mode()),
        ("excluding", "s", mode() | {"except": {"verb": PASSED}}),
        (
            "two",
            "s",
            {"extension": [{"iri": "https://e/mode"}, {"iri": "https://e/a"}], "except": {"verb": PASSED}},
        ),
    )
    assert taken(program, carrying(mode=1, a=1)) == ["two"]
    assert taken(program, carrying(mode=1)) == ["excluding"]


def test_more_members_are_more_specific_and_the_earlier_wins_a_tie() -> None:
    program = program_of(
        ("first", "s", {"activity": "https://x/1"}),
        ("second", "s", {"activity": ["https://x/1", "https://x/3"]}),
        ("with-verb", "s", {"activity": "https://x/1", "verb": PASSED}),
    )
    assert taken(program, statement("https://x/1")) == ["first"]
    assert taken(program, statement("https://x/1", PASSED)) == ["with-verb"]
    assert taken(program, statement("https://x/3")) == ["second"]


def test_one_statement_speaks_once_of_each_skill() -> None:
    program = program_of(
        ("a", "s", {"activity": "https://x/1"}),
        ("b", "t", {"verb": ANSWERED}),
        ("c", "s", {"verb": ANSWERED}),
    )
    assert [(r.rule, r.skill) for r in program.match_statement(statement())] == [("a", "s"), ("b", "t")]


def test_an_object_that_is_no_activity_matches_by_verb_only() -> None:
    program = program_of(("a", "s", {"activity": "urn:x"}), ("b", "t", {"verb": ANSWERED}))
    about_statement = Statement(
        actor=Agent(mbox="mailto:a@b.c"), verb=Verb(ANSWERED), object=StatementRef("urn:x")
    )
    assert taken(program, about_statement) == ["b"]


def test_rules_carry_fixed_point_numbers() -> None:
    document = {
        "map": "m", "version": 1, "name": "M", "skills": [{"id": "s", "name": "S"}],
        "activities": [{"id": "a", "name": "A", "match": {"verb": ANSWERED}, "evidence": [
            {"skill": "s", "channel": "practice", "outcome": "success", "weight": 0.5, "difficulty": 0.25,
             "item": "activity"}]}],
    }  # fmt: skip
    program = Program(load_program(msgspec.json.encode(document).decode(), "m.json"))
    (rule,) = program.match_statement(statement())
    assert (rule.channel, rule.outcome, rule.w, rule.p_item, rule.item) == (
        Channel.PRACTICE, Outcome.SUCCESS, W_ONE // 2, Y_ONE // 4, True,
    )  # fmt: skip


def test_numbers_shared_with_evidence_are_the_same() -> None:
    assert (compiling.Y_ONE, compiling.W_ONE) == (Y_ONE, W_ONE)
    assert {channel.name.lower(): channel.value for channel in Channel} == event_matcher.CHANNELS


def _campus(count: int) -> list[Match]:
    """Return `count` matchers of every kind over one big site, most sharing verbs, types and categories."""
    matches = []
    for n in range(count):
        verb = (ANSWERED, PASSED)[n % 2 : n % 2 + 1]
        if n % 5 == 0:
            matches.append(Match(activity_prefix=(f"https://lms/course/{n}/",), verb=verb))
        elif n % 5 == 1:
            matches.append(Match(parent=(f"https://lms/module/{n}",), activity_type=("https://t/question",)))
        else:
            matches.append(Match(activity=(f"https://lms/item/{n}",), verb=verb, category=("https://cmi5",)))
    return matches


def _tests_a_statement(count: int) -> float:
    """Return the mean number of full tests that a statement costs among `count` matchers."""
    matcher = Matcher(_campus(count))
    asked = 0
    for n in range(0, count, max(1, count // 100)):
        for activity in (f"https://lms/course/{n}/q", f"https://lms/item/{n}", "https://elsewhere/1"):
            for verb in (ANSWERED, PASSED):
                matcher.find(MatchKey(activity, "https://t/question", verb, (f"https://lms/module/{n}",), (), ("https://cmi5",)))  # fmt: skip  # noqa: E501
                asked += 1
    return matcher.tests_made / asked


def test_matching_cost_does_not_grow_with_the_number_of_rules() -> None:
    few, many = _tests_a_statement(50), _tests_a_statement(5_000)
    assert few > 0
    assert many <= few * 1.5
    assert many <= 3


class CountingText(str):
    """A text that counts how often it is compared or searched."""

    __slots__ = ()
    asked = 0

    def __lt__(self, other: str) -> bool:
        CountingText.asked += 1
        return super().__lt__(other)

    def startswith(self, *arguments: Any) -> bool:
        CountingText.asked += 1
        return super().startswith(*arguments)


def test_looking_up_prefixes_costs_logarithmically() -> None:
    def cost(count: int) -> int:
        index = PrefixIndex([f"https://lms/{n:06}/" for n in range(count)])
        CountingText.asked = 0
        assert index.of(CountingText("https://lms/000007/item")) == ["https://lms/000007/"]
        return CountingText.asked

    assert cost(16) <= 8
    assert cost(16_384) <= 20


def test_nested_prefixes_are_all_found_longest_first() -> None:
    index = PrefixIndex(["h", "ht", "https://a/", "https://a/b/", "https://ab", "z"])
    assert index.of("https://a/b/c") == ["https://a/b/", "https://a/", "ht", "h"]
    assert index.of("https://a/") == ["https://a/", "ht", "h"]
    assert index.of("") == []


def test_only_what_asks_for_more_than_its_anchor_is_tested() -> None:
    program = program_of(*((f"a{n}", "s", {"activity": f"https://x/{n}"}) for n in range(100)))
    for n in range(100):
        assert taken(program, statement(f"https://x/{n}")) == [f"a{n}"]
    assert program.matcher.tests_made == 0


def test_matchers_that_share_every_single_value_are_told_apart_by_two() -> None:
    """Of 30 verbs times 30 types no value is rare: the second one tells apart what hangs on the first."""
    verbs, kinds = ([f"https://{name}/{n}" for n in range(30)] for name in "vt")
    program = program_of(
        *(
            (f"a{v}-{t}", "s", {"verb": verbs[v], "activity_type": kinds[t]})
            for v in range(30)
            for t in range(30)
        ),
        *((f"v{v}", "s", {"verb": verbs[v]}) for v in range(30)),
    )
    for n in range(30):
        assert taken(program, statement(verb=verbs[n], kind=kinds[n // 2])) == [f"a{n}-{n // 2}"]
        assert taken(program, statement(verb=verbs[n])) == [f"v{n}"]
    assert program.matcher.tests_made == 0


def test_a_statement_that_names_very_much_is_matched_once_for_each() -> None:
    parents = tuple(f"https://p/{n}" for n in range(200))
    program = program_of(*((f"a{n}", f"s{n}", {"parent": parent}) for n, parent in enumerate(parents)))
    assert len(taken(program, statement(parent=parents + parents))) == len(parents)
