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
        -0.524,
        0.012, 0.055, 0.024, 0.0, 0.007, 0.229,
        0.0, 0.0, 0.086, 0.213, 0.509, 0.0,
        -0.321, 0.247, 0.356, 0.0,
    ),
)  # fmt: skip
