"""The head that ships with the product, so that a new installation scores from the first event.

Weights, as printed by `tools/train_head.py` with its defaults: fitted on the known-truth simulator,
with signs constrained; the model card is docs/explanation/model-card.md.
"""

from __future__ import annotations

from carrythrough.scoring.head import Model

SHIPPED = Model(
    name="carrythrough-1",
    base=0.4,
    strength=1.0,
    weights=(
        -0.07,
        0.0, 0.0, 0.0, 0.0, 0.0, 0.687,
        0.0, 0.0, 0.08, 0.197, 0.536, 0.0,
        -0.396, 0.219, 0.282, 0.0,
    ),
)  # fmt: skip
