"""The head that ships with the product, so that a new installation scores from the first event.

Weights, as printed by `tools/train_head.py` with its defaults: fitted on the known-truth simulator,
with signs constrained; the model card is docs/explanation/model-card.md.
"""

from __future__ import annotations

from carrythrough.scoring.head import Model

SHIPPED = Model(
    name="carrythrough-2",
    base=0.4,
    strength=1.0,
    weights=(
        -0.251,
        0.0, 0.0, 0.075, 0.075, 0.023, 0.204,
        0.0, 0.0, 0.123, 0.214, 0.421, 0.01,
        -0.39, 0.217, 0.259, 0.0,
    ),
    job_strength=24.0,
    certainty=0.4,
)  # fmt: skip
