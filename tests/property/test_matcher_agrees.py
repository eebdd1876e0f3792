"""Proves that the compiled map finds exactly what asking every matcher in turn would find, in the documented order.

The oracle reads the plain JSON of map and statement and shares nothing with the product but the order of
specificity, which is written out here once more.
"""

from __future__ import annotations

from typing import Any

import msgspec
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from carrythrough.events.performance import PerformanceEvent
from carrythrough.program.compile import Program
from carrythrough.program.event_matcher import EventMatcher
from carrythrough.program.match_key import example_of, key_of
from carrythrough.program.matcher import Matcher
from carrythrough.program.precedence import covers
from carrythrough.program.prefixes import PrefixIndex
from carrythrough.program.types import EventEvidence, EventMatch, EventRule, Match, ProgramMap
from carrythrough.xapi.admission import decode_statement

Json = dict[str, Any]
IRIS = st.sampled_from(["u:a", "u:ab", "u:abc", "u:a/c", "u:b", "v:a", "v:ab", "v:b"])
BEGINNINGS = st.sampled_from(["u:", "u:a", "u:ab", "u:abcd", "v:", "v:b"])
PROFILES = st.sampled_from(["u:a", "u:ab", "u:a/", "v:"])
REGISTRATIONS = st.sampled_from([f"{n:08x}-ABCD-4000-8000-000000000000" for n in range(3)])
EXTENSIONS = ["x:1", "x:2"]
VALUES = st.sampled_from([True, False, 0, 1, 1.0, 2, "1", "true", ""])
PATHS = st.sampled_from([[], ["k"], ["k", "0"], ["0"]])
LISTS = ("activity", "activity_type", "category", "parent", "grouping", "verb")


def some(values: st.SearchStrategy[Any], most: int = 2) -> st.SearchStrategy[list[Any]]:
    return st.one_of(st.just([]), st.just([]), st.lists(values, min_size=1, max_size=most, unique_by=repr))


EXCLUSIONS = st.fixed_dictionaries(
    {name: some(BEGINNINGS if name == "activity_prefix" else IRIS) for name in (*LISTS, "activity_prefix")}
)
MATCHES = st.fixed_dictionaries(
    {
        **{name: some(IRIS) for name in LISTS},
        "activity_prefix": some(BEGINNINGS),
        "profile": some(PROFILES),
        "registration": some(REGISTRATIONS),
        "extension": some(
            st.fixed_dictionaries(
                {
                    "iri": st.sampled_from(EXTENSIONS),
                    "at": st.sampled_from(["result", "context", "activity"]),
                    "path": PATHS,
                    "equals": some(VALUES),
                }
            )
        ),
        "except": st.one_of(st.just({}), st.just({}), EXCLUSIONS),
    }
).filter(lambda match: any(match[name] for name in match if name != "except"))
CARRIED = st.dictionaries(
    st.sampled_from([*EXTENSIONS, "x:3"]),
    st.one_of(
        VALUES,
        st.none(),
        st.lists(VALUES, max_size=2),
        st.dictionaries(
            st.sampled_from(["k", "0"]), st.one_of(VALUES, st.lists(VALUES, max_size=2)), max_size=2
        ),
    ),
    max_size=2,
)


@st.composite
def statements(draw: st.DrawFn) -> Json:
    """A statement as JSON, about an activity or about another statement."""
    body: Json = {"actor": {"mbox": "mailto:a@b.c"}, "verb": {"id": draw(IRIS)}}
    if draw(st.integers(0, 9)):
        definition = {"extensions": draw(CARRIED)}
        if draw(st.booleans()):
            definition["type"] = draw(IRIS)
        body["object"] = {"id": draw(IRIS), "definition": definition}
    else:
        body["object"] = {"objectType": "StatementRef", "id": "0d9f29b6-3b0a-4f5e-8d57-28a9d5bf0e5c"}
    body["result"] = {"extensions": draw(CARRIED)}
    context: Json = {"extensions": draw(CARRIED), "contextActivities": {}}
    for member in ("parent", "grouping", "category"):
        near = draw(st.lists(IRIS, max_size=3))
        if near:
            context["contextActivities"][member] = [{"id": name} for name in near]
    if draw(st.booleans()):
        context["registration"] = draw(REGISTRATIONS).lower()
    return body | ({"context": context} if draw(st.integers(0, 9)) else {})


def map_of(matches: list[Json]) -> bytes:
    """Return a map with an activity for each matcher, each about a skill of its own and one of three shared ones."""
    skills = [f"own-{n}" for n in range(len(matches))] + ["shared-0", "shared-1", "shared-2"]
    return msgspec.json.encode(
        {
            "map": "m",
            "version": 1,
            "name": "M",
            "skills": [{"id": skill, "name": skill} for skill in skills],
            "activities": [
                {
                    "id": f"a-{n}",
                    "name": "A",
                    "match": match,
                    "evidence": [{"skill": s, "channel": "learn"} for s in (f"own-{n}", f"shared-{n % 3}")],
                }
                for n, match in enumerate(matches)
            ],
        }
    )


def named(statement: Json, member: str) -> list[str]:
    """Return what a statement carries for a member of a matcher."""
    about = statement["object"]
    around = statement.get("context", {}).get("contextActivities", {})
    if member in ("activity", "activity_prefix"):
        return [] if "objectType" in about else [about["id"]]
    if member == "activity_type":
        return [about["definition"]["type"]] if "type" in about.get("definition", {}) else []
    if member == "verb":
        return [statement["verb"]["id"]]
    if member == "registration":
        return [text for text in [statement.get("context", {}).get("registration")] if text]
    return [near["id"] for near in around.get("category" if member == "profile" else member, [])]


def wants(member: str, wanted: str, given: str) -> bool:
    """Say whether a value of a matcher is met by one of a statement."""
    if member == "activity_prefix":
        return given[: len(wanted)] == wanted
    if member == "profile":
        below = wanted if wanted.endswith(("/", "#", "?")) else None
        return given == wanted or any(given.startswith(below or wanted + end) for end in "/#?")
    if member == "registration":
        return given.upper() == wanted.upper()
    return given == wanted


def carries(statement: Json, wanted: Json) -> bool:
    """Say whether a statement carries an extension."""
    holder = {
        "result": statement.get("result", {}),
        "context": statement.get("context", {}),
        "activity": statement["object"].get("definition", {}),
    }[wanted["at"]]
    value = holder.get("extensions", {}).get(wanted["iri"])
    for step in wanted["path"]:
        if isinstance(value, dict) and step in value:
            value = value[step]
        elif isinstance(value, list) and step.isdigit() and int(step) < len(value):
            value = value[int(step)]
        else:
            return False
    if value is None:
        return False
    return not wanted["equals"] or any(
        value == one and isinstance(value, bool) is isinstance(one, bool) for one in wanted["equals"]
    )


def holds(match: Json, statement: Json) -> bool:
    """Say whether a matcher holds, in the plainest way."""

    def met(member: str, values: list[str]) -> bool:
        return any(wants(member, one, given) for one in values for given in named(statement, member))

    for member, values in match.items():
        if not values or member == "except":
            continue
        if member == "extension":
            if not all(carries(statement, one) for one in values):
                return False
        elif not met(member, values):
            return False
    return not any(met(member, values) for member, values in match.get("except", {}).items())


def rank(match: Json) -> tuple[int, int, int]:
    """Return how specific a matcher is, as the page on matching says; smallest first."""
    order = (
        "activity activity_prefix registration extension parent grouping category profile activity_type verb"
    )
    given = [n for n, member in enumerate(order.split()) if match[member]]
    longest = max(map(len, match["activity_prefix"]), default=0) if given[0] == 1 else 0
    asked = len(given) + max(0, len(match["extension"]) - 1)
    return given[0], -longest, -asked - any(match["except"].values())


def expected(matches: list[Json], statement: Json) -> list[tuple[str, str]]:
    """Return (rule, skill) as asking every matcher in turn gives them."""
    order = sorted(range(len(matches)), key=lambda n: (*rank(matches[n]), n))
    taken: dict[str, str] = {}
    for n in order:
        if holds(matches[n], statement):
            for skill in (f"own-{n}", f"shared-{n % 3}"):
                taken.setdefault(skill, f"a-{n}")
    return [(rule, skill) for skill, rule in taken.items()]


def decoded(statement: Json) -> Any:
    return decode_statement(msgspec.json.encode(statement))


@given(st.lists(MATCHES, min_size=1, max_size=8), st.lists(statements(), min_size=1, max_size=6))
def test_the_compiled_map_agrees_with_asking_everyone(matches, said) -> None:
    program = Program(msgspec.json.decode(map_of(matches), type=ProgramMap))
    for statement in [*said, *said]:  # the second time from memory
        found = [(rule.rule, rule.skill) for rule in program.match_statement(decoded(statement))]
        assert found == expected(matches, statement)


FEW = some(st.sampled_from(["u:a", "u:ab", "v:a"]), most=2)
DENSE = st.fixed_dictionaries(
    {name: st.just([]) for name in ("activity", "grouping", "profile", "registration")}
    | dict.fromkeys(("activity_type", "category", "parent", "verb"), FEW)
    | {
        "activity_prefix": some(st.sampled_from(["u:", "u:a"]), most=1),
        "extension": some(
            st.fixed_dictionaries(
                {"iri": st.just("x:1"), "at": st.just("context"), "path": st.just([]), "equals": some(VALUES)}
            )
        ),
        "except": st.one_of(st.just({}), st.fixed_dictionaries({"verb": FEW, "parent": FEW})),
    }
).filter(lambda match: sum(bool(match[name]) for name in match if name != "except") > 1)


@given(st.lists(DENSE, min_size=15, max_size=40), st.lists(statements(), min_size=1, max_size=4))
@settings(max_examples=40, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large])
def test_maps_in_which_many_matchers_share_every_value_agree_too(matches, said) -> None:
    program = Program(msgspec.json.decode(map_of(matches), type=ProgramMap))
    for statement in said:
        found = [(rule.rule, rule.skill) for rule in program.match_statement(decoded(statement))]
        assert found == expected(matches, statement)
        assert list(program.match_key(key_of(decoded(statement)))) == list(
            program.match_statement(decoded(statement))
        )


def match_of(match: Json) -> Match:
    return msgspec.convert(match, Match)


@given(MATCHES, MATCHES, statements())
def test_what_is_covered_is_matched_by_the_wider(wide, narrow, statement) -> None:
    if covers(match_of(wide), match_of(narrow)) and holds(narrow, statement):
        assert holds(wide, statement)


@given(MATCHES)
def test_a_matcher_covers_itself_and_holds_for_its_example(match) -> None:
    parsed = match_of(match)
    assert covers(parsed, parsed)
    free = match | {"except": {}, "activity": match["activity"] if not match["activity_prefix"] else []}
    if len({(one["at"], one["iri"]) for one in free["extension"]}) == len(free["extension"]):
        assert Matcher([match_of(free)]).find(example_of(match_of(free))) == [0]


@given(st.lists(st.text(alphabet="ab/", max_size=6), max_size=20), st.text(alphabet="ab/", max_size=10))
def test_prefixes_are_those_that_a_scan_finds(prefixes, text) -> None:
    found = sorted({prefix for prefix in prefixes if text.startswith(prefix)}, key=len, reverse=True)
    assert PrefixIndex(prefixes).of(text) == found


KINDS = ("qa-result", "opportunity", "task-outcome")
EVENT_MATCHES = st.fixed_dictionaries(
    {"kind": some(st.sampled_from(KINDS))}
    | {m: some(st.sampled_from("xyz")) for m in ("kpi", "activity", "source")}
)
EVENTS = st.builds(
    PerformanceEvent,
    id=st.just("1"),
    source=st.sampled_from("xyzw"),
    kind=st.sampled_from(KINDS),
    time=st.just("2026-01-01T00:00:00Z"),
    kpi=st.sampled_from(["", *"xyz"]),
    activity=st.sampled_from(["", *"xyz"]),
    skill=st.sampled_from(["", "s-0", "s-1", "gone"]),
)


@given(st.lists(EVENT_MATCHES, max_size=8), st.lists(EVENTS, min_size=1, max_size=6))
def test_event_rules_agree_with_asking_everyone(matches, events) -> None:
    rules = [
        EventRule(id=f"r-{n}", match=match, evidence=evidence)
        for n, (match, evidence) in enumerate(
            (msgspec.convert(m, EventMatch), (EventEvidence(skill=f"s-{n % 2}"), EventEvidence(skill="s-2")))
            for n, m in enumerate(matches)
        )
    ]
    matcher = EventMatcher(rules, ["s-0", "s-1", "s-2"])
    for ev in events:
        taken: dict[str, str] = {}
        for rule, match in zip(rules, matches, strict=True):
            if all(not wanted or getattr(ev, member) in wanted for member, wanted in match.items()):
                for entry in rule.evidence:
                    if ev.skill in ("", entry.skill):
                        taken.setdefault(entry.skill, rule.id)
        if not taken and ev.skill in ("s-0", "s-1", "s-2"):
            taken = {ev.skill: ""}
        found = matcher.find(ev)
        assert [(one.skill, one.rule) for one in found] == list(taken.items())
