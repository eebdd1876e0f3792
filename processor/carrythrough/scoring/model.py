"""The head that ships with the product, so that a new installation scores from the first event.

Weights, as printed by `tools/train_head.py --strength 24`: fitted on the known-truth simulator,
with signs constrained; the model card is docs/explanation/model-card.md.
"""

from __future__ import annotations

from carrythrough.scoring.head import Model

SHIPPED = Model(
    name="carrythrough-3",
    base=0.4,
    strength=1.0,
    weights=(
        0.125,
        0.0, 0.0, 0.056, 0.056, 0.23, 0.0,
        0.0, 0.0, 0.089, 0.125, 0.453, 0.0,
        -0.371, 0.08, 0.196, 0.0,
    ),
    job_strength=24.0,
    certainty=0.34,
)  # fmt: skip
