"""The science page names the constants that the code computes with."""

from __future__ import annotations

from pathlib import Path

import pytest

from carrythrough.evidence import baselines, mapping
from carrythrough.program.activities import DIFFICULTY_DEFAULT
from carrythrough.reinforcement import stage
from carrythrough.scoring import decay, head, online, shadow, spacing, tempering
from carrythrough.scoring.model import SHIPPED

SAID = [
    f"half-lives, learn and practice | {', '.join(str(h // decay.DAY_MS) for h in decay.LEARN_HALF_LIVES_MS)} days",
    f"half-lives, job and observed | {', '.join(str(h // decay.DAY_MS) for h in decay.JOB_HALF_LIVES_MS)} days",
    f"{decay.BLOCKS_KEPT} of {decay.BLOCK_HALF_LIVES} half-lives",
    f"in the model version, {SHIPPED.job_strength:g} as shipped",
    f"pseudo-outcomes m, certainty c | {SHIPPED.job_strength:g}, {SHIPPED.certainty:g} |",
    f"base, pseudo-outcomes of it in a share | {SHIPPED.base:g}, {SHIPPED.strength:g} |",
    f"now {SHIPPED.certainty:g}",
    f"over {len(head.FEATURES)} features",
    f"longest gap told apart | {head.GAP_DAYS_MAX:g} days",
    f"described | {DIFFICULTY_DEFAULT:g} |",
    f"ahead by at most | {mapping.SKEW_MS_MAX // 60_000} min",
    f"manager {mapping.MANAGER_WEIGHT:g}, peer {mapping.PEER_WEIGHT:g}",
    f"weight {mapping.RELIABILITY_DEFAULT:g} |",
    f"within {baselines.RELIABILITY_MIN:g}..{baselines.RELIABILITY_MAX:g}",
    f"fewer than {baselines.PEERS_MIN} people or {baselines.READINGS_MIN} readings",
    f"as a share of the target | {stage.LEARNT_SHARE:g} |",
    f"under the target | {stage.FADED_RETENTION:.2f} |",
    f"outcomes on the job | {stage.APPLIED_TRIALS:.1f} |",
    f"and their weight | {stage.ASSISTED_SHARE:g}, {stage.ASSISTED_SUCCESSES:.1f} |",
    f"p(1−p) ≥ {online.CURVATURE_LEAST:g}".replace("0.", "."),
    f"precision {shadow.PRIOR_PRECISION:g} a",
    f"prior precision {tempering.PRECISION:g} each",
    f"falls to {spacing.RETENTION:.2f}, for safety-critical skills {spacing.RETENTION_SAFETY:g}",
]


@pytest.mark.parametrize("said", SAID)
def test_the_page_says_what_the_code_has(repository: Path, said: str) -> None:
    page = " ".join((repository / "docs/explanation/science.md").read_text("utf-8").split())
    assert " ".join(said.split()) in page
