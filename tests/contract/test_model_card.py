"""The model card says what ships: name, number of features, m and certainty are those of the code."""

from __future__ import annotations

import re
from pathlib import Path

from carrythrough.scoring.head import FEATURES
from carrythrough.scoring.model import SHIPPED
from carrythrough.scoring.promotion import check


def test_the_card_is_that_of_the_shipped_model(repository: Path) -> None:
    card = (repository / "docs/explanation/model-card.md").read_text("utf-8")
    assert card.startswith(f"# Model card: {SHIPPED.name}\n")
    assert f"logistic, {len(FEATURES)} features" in card
    assert f"| Job layer | m = {SHIPPED.job_strength:g} pseudo-outcomes |" in card
    assert f"certainty {SHIPPED.certainty:g}:" in card
    assert f"tools/train_head.py --strength {SHIPPED.job_strength:g}`" in card
    covered = re.search(r"holds the truth in ([0-9.]+) %", card)
    assert covered
    assert 78.0 <= float(covered[1]) <= 84.0
    check(SHIPPED)
