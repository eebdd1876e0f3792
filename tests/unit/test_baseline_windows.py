"""Baseline windows of the map: which readings they take, whom a KPI keeps apart, and targets of roles and sites."""

from __future__ import annotations

import random
from typing import Any

import msgspec
import pytest

from carrythrough.embedded.baselining import Span, closed, spans
from carrythrough.errors import PermanentError
from carrythrough.evidence.baselines import NONE, Baseline, Reading, Tally
from carrythrough.evidence.standard import is_fallback, outcome_of_reading
from carrythrough.evidence.types import Y_ONE
from carrythrough.program.part import DAY_MS, day_number
from carrythrough.program.types import Kpi, KpiTarget, ProgramMap


def ms(date: str) -> int:
    day = day_number(date)
    assert day is not None
    return day * DAY_MS


def program(baseline: dict[str, Any] | None = None, *, start: str = "", **more: Any) -> ProgramMap:
    kpi = {"id": "k", "name": "K"} | ({} if baseline is None else {"baseline": baseline}) | more
    tree: dict[str, Any] = {
        "map": "m",
        "version": 1,
        "name": "M",
        "goals": [{"id": "g", "name": "G", "kpis": [kpi, {"id": "other", "name": "O"}]}],
        "skills": [{"id": "s", "name": "S"}],
    }
    if start:
        waves = [
            {"id": "c", "start": "2025-01-01", "teams": ["x"], "comparison": True},
            {"id": "a", "teams": ["t"]},
            {"id": "b", "start": "2025-09-01", "teams": ["u"]},
        ]
        tree["programs"] = [{"id": "p", "name": "P", "start": start, "cohorts": waves}]
    return msgspec.convert(tree, ProgramMap)


UNTIL = ms("2025-12-31") + 5


@pytest.mark.parametrize(
    ("window", "start", "first", "end"),
    [
        (None, "", "1970-01-01", UNTIL + 1),
        (None, "2025-06-01", "1970-01-01", UNTIL + 1),  # no window: --until alone decides, as before
        ({"from": "2025-02-01", "to": "2025-03-31"}, "", "2025-02-01", ms("2025-04-01")),
        ({"to": "2025-03-31"}, "", "1970-01-01", ms("2025-04-01")),
        ({"days": 10, "to": "2025-03-31"}, "", "2025-03-22", ms("2025-04-01")),
        ({"days": 31}, "2025-06-01", "2025-05-01", ms("2025-06-01")),
        ({"from": "2025-02-01"}, "2025-06-01", "2025-02-01", ms("2025-06-01")),
        ({"from": "2025-02-01", "to": "2027-01-01"}, "", "2025-02-01", UNTIL + 1),  # never after --until
        ({"days": 1}, "", "2025-12-31", UNTIL + 1),
    ],
)
def test_a_window_takes_its_days(window: dict[str, Any] | None, start: str, first: str, end: int) -> None:
    found = spans(program(window, start=start), ["k", "other"], UNTIL)
    assert found["k"] == Span(ms(first), end)
    assert found["other"] == Span(0, UNTIL + 1)


def reading(n: int, date: str, role: str = "agent", site: str = "north") -> Reading:
    return Reading("k", f"p{n}", role, site, date[:7], ms(date), 50.0 + n)


def test_a_close_takes_the_readings_of_the_window_only() -> None:
    window = spans(program({"from": "2025-02-01", "to": "2025-03-31"}), ["k"], UNTIL)
    days = ("2025-01-31", "2025-02-01", "2025-03-31", "2025-04-01")
    made = closed(NONE, [reading(n, day) for n, day in enumerate(days)], window, UNTIL, "t")
    assert (made.kpis["k"].readings, made.kpis["k"].first, made.kpis["k"].last) == (2, "2025-02", "2025-03")
    with pytest.raises(PermanentError, match="baseline window"):
        closed(NONE, [reading(1, "2025-01-31")], window, UNTIL, "t")


def peers(split_by: tuple[str, ...]) -> Baseline:
    """Sixty people in two roles at two sites: leads read 10 more, the south 100 more."""
    rng = random.Random(1)
    tally = Tally()
    tally.add(
        Reading("k", f"p{n}", role, site, "2025-01", month, rng.gauss(50, 1) + 10 * n_role + 100 * n_site)
        for n in range(60)
        for month in range(3)
        for n_role, role in [(n % 2, ("agent", "lead")[n % 2])]
        for n_site, site in [(n // 2 % 2, ("north", "south")[n // 2 % 2])]
    )
    found = tally.close("k", split_by)
    assert found is not None
    return msgspec.json.decode(msgspec.json.encode(found), type=Baseline)


@pytest.mark.parametrize(
    ("split_by", "cell", "people"),
    [
        (("role", "site"), ("lead", "south"), 15),
        (("site", "role"), ("lead", "south"), 15),
        (("role",), ("lead", ""), 30),
        (("site",), ("", "south"), 30),
        ((), ("", ""), 60),
    ],
)
def test_a_kpi_says_which_peers_it_keeps_apart(
    split_by: tuple[str, ...], cell: tuple[str, str], people: int
) -> None:
    found = peers(split_by).cell("lead", "south")
    assert found is not None
    assert ((found.role, found.site), found.people) == (cell, people)


def test_people_without_a_role_are_nobodys_peers_but_their_own() -> None:
    tally = Tally()
    tally.add(Reading("k", f"x{n}", "", "south", "2025-01", m, 1.0) for n in range(10) for m in range(3))
    tally.add(Reading("k", f"y{n}", "agent", "north", "2025-01", m, 9.0) for n in range(50) for m in range(3))
    found = tally.close("k")
    assert found is not None
    cell = found.cell("lead", "south")
    assert cell is not None
    assert (cell.role, cell.site, cell.people) == ("", "", 60)


def test_a_role_or_site_may_have_a_target_of_its_own() -> None:
    kpi = Kpi(
        id="k",
        name="K",
        target=50.0,
        targets=(
            KpiTarget(role="lead", target=60.0),
            KpiTarget(site="south", target=70.0),
            KpiTarget(role="lead", site="south", target=80.0),
        ),
    )
    met = {
        (role, site): [
            outcome_of_reading(kpi, value, None, role, site) == Y_ONE for value in (55, 65, 75, 85)
        ]
        for role in ("agent", "lead")
        for site in ("north", "south")
    }
    assert met == {
        ("agent", "north"): [True, True, True, True],
        ("lead", "north"): [False, True, True, True],
        ("agent", "south"): [False, False, True, True],
        ("lead", "south"): [False, False, False, True],
    }


def test_where_only_some_have_a_target_the_others_are_ranked() -> None:
    kpi = Kpi(id="k", name="K", targets=(KpiTarget(role="lead", target=60.0),))
    assert (is_fallback(kpi, "agent", "north"), is_fallback(kpi, "lead", "north")) == (True, False)
    assert outcome_of_reading(kpi, 50.0, None, "agent", "north") is None
    ranked = outcome_of_reading(kpi, 55.0, peers(("role", "site")), "agent", "north")
    assert ranked is not None
    assert ranked > Y_ONE // 2
