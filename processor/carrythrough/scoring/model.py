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
        0.118,
        0.0, 0.0, 0.0, 0.0, 0.0, 0.554,
        0.0, 0.0, 0.058, 0.179, 0.405, 0.024,
        -0.432, 0.281, 0.287, 0.0,
    ),
)  # fmt: skip
