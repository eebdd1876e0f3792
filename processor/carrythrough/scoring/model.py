"""The head that ships with the product, so that a new installation scores from the first event."""

from __future__ import annotations

from carrythrough.scoring.head import Model

SHIPPED = Model(
    name="carrythrough-1",
    base=0.4,
    strength=1.0,
    weights=(
        -0.405,
        0.05, 0.15, 0.30, 0.25, 0.05, 0.30,
        0.05, 0.20, 0.35, 0.25, 0.10, 0.30,
        -0.12, 0.40, 0.15, 0.02,
    ),
)  # fmt: skip
