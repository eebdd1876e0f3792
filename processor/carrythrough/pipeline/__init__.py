"""The one place where anything is decided: `step(state, inputs, program, as_of)` (pure)."""
