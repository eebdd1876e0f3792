"""The effect that is worth finding: what decisions are counted for. Imports nothing, so that commands start fast."""

from __future__ import annotations

WORTH = 0.05
"""As long as nobody says otherwise: 5 points of 100."""
WORTH_MIN, WORTH_MAX = 0.005, 0.5
"""An effect under half a point needs more decisions than anybody makes; one over 50 points nobody doubts."""
