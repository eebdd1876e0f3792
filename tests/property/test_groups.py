"""No few people can be worked out from what is shown of groups: every subtraction that a reader can do is tried."""

from __future__ import annotations

from itertools import combinations

from hypothesis import given, settings
from hypothesis import strategies as st

from carrythrough.scoring.groups import (
    SIBLING,
    SMALL,
    WHOLE,
    GroupScore,
    Member,
    group_scores,
    suppressed,
    suppressed_together,
)
from carrythrough.scoring.overall import SKILL_CORRELATION, interval_of, overall_of, variance_of
from carrythrough.scoring.score import Score

MINIMUM = 8


@st.composite
def organisations(draw: st.DrawFn) -> list[Member]:
    size = draw(st.integers(0, 60))
    teams = draw(st.integers(1, 6))
    roles = draw(st.integers(1, 3))
    return [
        Member(
            f"p{n}",
            {"team": f"t{draw(st.integers(0, teams - 1))}", "role": f"r{draw(st.integers(0, roles - 1))}"},
            draw(st.floats(0, 1)),
            0.01,
        )
        for n in range(size)
    ]


def people_of(members: list[Member]) -> dict[tuple[str, str], frozenset[str]]:
    found: dict[tuple[str, str], set[str]] = {WHOLE: set()}
    for member in members:
        found[WHOLE].add(member.subject)
        for key in member.groups.items():
            found.setdefault(key, set()).add(member.subject)
    return {key: frozenset(subjects) for key, subjects in found.items()}


@given(organisations())
@settings(max_examples=150)
def test_no_subtraction_reaches_fewer_people_than_the_minimum(members: list[Member]) -> None:
    people = people_of(members)
    hidden = suppressed(people, MINIMUM)
    shown = {key: found for key, found in people.items() if key not in hidden}
    assert all(len(found) >= MINIMUM for found in shown.values())
    for dimension in ("team", "role"):
        parts = [key for key in shown if key[0] == dimension]
        for count in range(len(parts) + 1):
            for some in combinations(parts, count):
                joined = frozenset[str]().union(*(shown[key] for key in some))
                for outer in shown.values():
                    if joined < outer:
                        assert len(outer - joined) >= MINIMUM
    # And nobody hidden stands alone, so that even the size of one group stays its own secret.
    if WHOLE in shown:
        for dimension in ("team", "role"):
            out = [key for key in hidden if key[0] == dimension]
            assert len(out) != 1


@given(organisations())
@settings(max_examples=60)
def test_what_is_shown_is_the_plain_mean(members: list[Member]) -> None:
    for (dimension, group), found in group_scores({"": members}, MINIMUM)[""].items():
        mine = [m for m in members if dimension == "program" or m.groups[dimension] == group]
        if isinstance(found, GroupScore):
            assert found.people == len(mine)
            assert abs(found.value - sum(m.value for m in mine) / len(mine)) < 1e-12
            assert abs(found.variance - 0.01 / len(mine)) < 1e-12
        else:
            assert found == SMALL if len(mine) < MINIMUM else found == SIBLING


def organisation(**sizes: int) -> dict[tuple[str, str], frozenset[str]]:
    members = [
        Member(f"{team}-{n}", {"team": team}, 0.5, 0.01) for team, size in sizes.items() for n in range(size)
    ]
    return people_of(members)


def test_a_small_team_takes_a_sibling_with_it() -> None:
    hidden = suppressed(organisation(a=20, b=12, c=3), MINIMUM)
    assert hidden == {("team", "c"): SMALL, ("team", "b"): SIBLING}


def test_two_small_teams_that_reach_the_minimum_together_need_no_third() -> None:
    assert set(suppressed(organisation(a=20, b=4, c=5), MINIMUM)) == {("team", "b"), ("team", "c")}
    assert set(suppressed(organisation(a=20, b=4, c=2, d=9), MINIMUM)) == {("team", x) for x in "bcd"}


def divided(*parts: tuple[int, str, str]) -> dict[tuple[str, str], frozenset[str]]:
    """Return an organisation by parts: size, team, role."""
    return people_of(
        [
            Member(f"{team}-{role}-{n}", {"team": team, "role": role}, 0.5, 0.01)
            for size, team, role in parts
            for n in range(size)
        ]
    )


def test_teams_that_cover_a_role_do_not_give_the_few_others_in_them_away() -> None:
    people = divided(
        (9, "a", "agent"), (1, "a", "lead"), (9, "b", "agent"), (2, "b", "lead"), (9, "c", "fitter")
    )
    hidden = suppressed(people, MINIMUM)
    # a + b - agents = three leads.
    assert {("team", "a"), ("team", "b"), ("role", "agent")} & set(hidden)


def test_a_role_is_not_shown_beside_two_teams_that_leave_a_few_of_it() -> None:
    people = divided((10, "a", "agent"), (10, "b", "agent"), (3, "c", "agent"), (12, "c", "fitter"))
    shown = set(people) - set(suppressed(people, MINIMUM))
    assert not {("team", "a"), ("team", "b"), ("role", "agent")} <= shown


@given(organisations())
@settings(max_examples=150)
def test_no_sums_of_two_dimensions_differ_by_fewer_people_than_the_minimum(members: list[Member]) -> None:
    people = people_of(members)
    hidden = suppressed(people, MINIMUM)
    shown = {
        name: [found for key, found in people.items() if key[0] == name and key not in hidden]
        for name in ("team", "role")
    }
    for teams in powerset(shown["team"]):
        for roles in powerset(shown["role"]):
            one, two = frozenset[str]().union(*teams), frozenset[str]().union(*roles)
            if one < two or two < one:
                assert len(one ^ two) >= MINIMUM or not (one and two)


def powerset(sets: list[frozenset[str]]) -> list[tuple[frozenset[str], ...]]:
    return [some for count in range(len(sets) + 1) for some in combinations(sets, count)]


def test_a_whole_under_the_minimum_hides_everything() -> None:
    assert set(suppressed(organisation(a=4, b=3), MINIMUM)) == {WHOLE, ("team", "a"), ("team", "b")}


def test_a_whole_with_one_team_under_the_minimum_of_the_rest_is_safe() -> None:
    hidden = suppressed(organisation(a=30), MINIMUM)
    assert hidden == {}


def skilled(**teams: tuple[int, tuple[str, ...]]) -> dict[str, dict[tuple[str, str], frozenset[str]]]:
    """Teams by name: size, and the skills that everybody in it has."""
    found: dict[str, list[Member]] = {"": []}
    for team, (size, skills) in teams.items():
        mine = [Member(f"{team}-{n}", {"team": team}, 0.5, 0.01) for n in range(size)]
        for variable in ("", *skills):
            found.setdefault(variable, []).extend(mine)
    return {variable: people_of(members) for variable, members in found.items()}


def test_neither_the_overall_score_nor_the_skills_tell_the_one_that_is_hidden() -> None:
    people = skilled(a=(20, ("x", "y")), b=(12, ("x", "y", "z")), c=(3, ("x", "z")))
    hidden = suppressed_together(people, MINIMUM, "")
    # c is too small in x and z, so a sibling is hidden in each; in b that leaves y beside the overall score.
    for team in ("a", "b"):
        skills = [v for v in people if v and people[v].get(("team", team))]
        out = [v for v in skills if ("team", team) in hidden[v]]
        assert bool(out) == (("team", team) in hidden[""]), team
    for variable in hidden:
        assert len({key for key in hidden[variable] if key != WHOLE}) != 1


def test_a_group_of_people_with_different_skills_keeps_its_overall_score() -> None:
    people = skilled(a=(20, ("x",)), b=(20, ("x",)))
    some = frozenset(sorted(people["x"]["team", "a"])[:5])
    people["y"] = {WHOLE: some, ("team", "a"): some}
    hidden = suppressed_together(people, MINIMUM, "")
    assert set(hidden["y"]) == {WHOLE, ("team", "a")}
    assert hidden[""] == hidden["x"] == {}


@given(organisations(), st.data())
@settings(max_examples=40)
def test_hiding_together_always_ends_and_hides_no_less(members: list[Member], data: st.DataObject) -> None:
    people = {"": people_of(members)}
    for skill in "xyz":
        mine = data.draw(st.sampled_from([members, members[::2], members[: len(members) // 3]]))
        people[skill] = people_of(mine)
    together = suppressed_together(people, MINIMUM, "")
    for variable, groups in people.items():
        assert set(suppressed(groups, MINIMUM)) <= set(together[variable])
        assert suppressed(groups, MINIMUM, together[variable]).keys() == together[variable].keys()


def score(alpha: float, beta: float) -> Score:
    return Score(
        value=alpha / (alpha + beta), low=0, high=1, pi=0.5, pi_fresh=0.5, alpha=alpha, beta=beta,
        successes=0, trials=0, assisted=0, outcomes=9, effective=9, exposures=0,
    )  # fmt: skip


def test_the_overall_score_is_the_weighted_mean_and_skills_do_not_cancel() -> None:
    one, two = score(6, 4), score(3, 7)
    found = overall_of([(3.0, one), (1.0, two), (0.0, score(9, 1))])
    assert found is not None
    assert abs(found.value - (3 * 0.6 + 0.3) / 4) < 1e-12
    assert found.skills == 2
    v1, v2 = variance_of(one), variance_of(two)
    independent = (9 * v1 + v2) / 16
    together = (3 * v1**0.5 + v2**0.5) ** 2 / 16
    expected = independent + SKILL_CORRELATION * (together - independent)
    assert abs(found.variance - expected) < 1e-12
    assert independent < found.variance < together
    assert found.low < found.value < found.high
    assert overall_of([(0.0, one)]) is None
    alone = overall_of([(2.0, one)])
    assert alone is not None
    assert abs(alone.variance - v1) < 1e-12


def test_an_interval_exists_for_every_mean_and_variance() -> None:
    for mean in (0.0, 0.001, 0.5, 0.999, 1.0):
        for variance in (0.0, 1e-12, 0.01, 0.25, 1.0):
            low, high = interval_of(mean, variance)
            assert 0.0 <= low <= high <= 1.0
