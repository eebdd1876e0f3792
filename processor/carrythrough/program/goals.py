"""Business goals and the KPIs that show them: where a program map begins."""

from __future__ import annotations

from typing import Annotated, Literal

from msgspec import Meta

from carrythrough.program.part import Date, Id, OptionalName, Part, Share, Text, day_number

SplitName = Literal["role", "site"]


class BaselineWindow(Part, frozen=True, kw_only=True, rename={"from_": "from"}):
    """The time before the program that later readings of a KPI are held against.

    from: first day, included. to: last day, included; left out, it is the day before the first
    cohort of the map's programs starts. days: so many days up to the last one, in place of "from".
    """

    from_: Date | None = None
    to: Date | None = None
    days: Annotated[int, Meta(ge=1, le=3650)] | None = None


class KpiTarget(Part, frozen=True, kw_only=True):
    """A standard of its own for people of one role, of one site, or of both.

    role: as in the roster; left out: any role. site: as in the roster; left out: any site. target: the
    standard of these people, in the unit of the KPI. Of several that fit, the one that names most counts.
    """

    role: OptionalName = ""
    site: OptionalName = ""
    target: float


class Kpi(Part, frozen=True, kw_only=True):
    """A business measure.

    id: how readings and skills name it. name: what people call it. unit: what one unit of a reading is.
    direction: which way is better. grain "team": readings never count for individuals.
    target: the standard, in `unit`; without one a reading is no outcome, or only a rank among peers once
    a baseline is closed. targets: standards for some roles or sites, in place of the target.
    source: the system that it comes from. noise_sd: standard deviation of one reading around the true value,
    in `unit`; 0: taken from the closed baseline, where there is one. reliability: 0..1, the weight of one
    reading as evidence about one person (0.2-0.5 is usual); left out: that of the baseline, else 0.3.
    baseline: the days whose readings are the baseline, for `carrythrough baseline close`. split_by: which
    peers a baseline keeps apart: role, site, both, or none of them with [].
    """

    id: Id
    name: Text
    unit: Annotated[str, Meta(max_length=40)] = ""
    direction: Literal["up", "down"] = "up"
    grain: Literal["individual", "team"] = "individual"
    target: float | None = None
    targets: Annotated[tuple[KpiTarget, ...], Meta(max_length=200)] = ()
    source: OptionalName = ""
    noise_sd: Annotated[float, Meta(ge=0.0)] = 0.0
    reliability: Share | None = None
    baseline: BaselineWindow | None = None
    split_by: tuple[SplitName, ...] = ("role", "site")

    def target_for(self, role: str, site: str) -> float | None:
        """Return the standard of somebody, in `unit`; None when the KPI has none for them."""
        best, names = self.target, 0
        for own in self.targets:
            fits = own.role in ("", role) and own.site in ("", site)
            given = bool(own.role) + bool(own.site)
            if fits and given > names:
                best, names = own.target, given
        return best


class Goal(Part, frozen=True, kw_only=True):
    """A business goal and the KPIs that show it.

    id: unique among the goals. name: what the business wants, in its own words. kpis: how the business
    sees that it gets there.
    """

    id: Id
    name: Text
    kpis: tuple[Kpi, ...]


def window_days(window: BaselineWindow, before_day: int | None = None) -> tuple[int, int] | None:
    """Return first and last day of a baseline window as days since the epoch, both included.

    before_day: the day on which the first cohort starts, which ends a window without `to`. A window without
    a first day begins with the oldest reading (day 0). None when the window has no end, or days that do not
    exist.
    """
    end = day_number(window.to) if window.to is not None else None if before_day is None else before_day - 1
    if end is None:
        return None
    if window.days is not None:
        return end - window.days + 1, end
    if window.from_ is None:
        return 0, end
    first = day_number(window.from_)
    return None if first is None else (first, end)
