"""Where a person stood before the program: peers and the person's own earlier readings, KPI by KPI."""

from __future__ import annotations

from carrythrough.evidence.baselines import Cell
from carrythrough.pipeline.plan import InForce
from carrythrough.program.types import Kpi, Skill


def baselines_part(subject: str, skill: Skill, in_force: InForce) -> list[dict[str, object]]:
    """Return the closed baselines of the KPIs that a skill serves: peers of role and site, and one's own.

    by_rank: the KPI has no target, so its readings count by rank among these peers, as a fallback.
    """
    person = in_force.directory.person(subject)
    role, site = ("", "") if person is None else (person.role, person.site)
    found: list[dict[str, object]] = []
    for kpi_id in skill.kpis:
        kpi, baseline = in_force.program.kpis.get(kpi_id), in_force.baselines.kpis.get(kpi_id)
        if kpi is None or baseline is None:
            continue
        peers, own = baseline.cell(role, site), baseline.own.get(subject)
        by_rank = kpi.target_for(role, site) is None
        found.append(
            {
                "kpi": kpi.id,
                "name": kpi.name,
                "months": [baseline.first, baseline.last],
                "noise_sd": baseline.noise_sd,
                "reliability": baseline.reliability,
                "by_rank": by_rank,
                "peers": None if peers is None else _peers(peers),
                "own": None if own is None else {"readings": own[0], "median": own[1]},
                "text": _text(_named(kpi), kpi.unit, peers, own, by_rank=by_rank),
            }
        )
    return found


def _named(kpi: Kpi) -> str:
    return f"{kpi.name} (from {kpi.source})" if kpi.source else kpi.name


def _peers(cell: Cell) -> dict[str, object]:
    return {name: getattr(cell, name) for name in cell.__struct_fields__}


def _text(name: str, unit: str, peers: Cell | None, own: tuple[int, float] | None, *, by_rank: bool) -> str:
    said = f"Before the program, {name}:"
    if own is not None:
        said += f" own median {own[1]:.4g}{_unit(unit)} from {own[0]} readings;"
    if peers is None:
        said += " too few peers to compare with."
    else:
        group = " ".join(part for part in (peers.role, peers.site) if part) or "everybody"
        said += f" median of {group} {peers.median:.4g}{_unit(unit)} ({peers.people} people)."
    if by_rank:
        said += " The KPI has no target, so a reading counts by its rank among them: a fallback."
    return said


def _unit(unit: str) -> str:
    return f" {unit}" if unit else ""
