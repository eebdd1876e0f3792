"""Stage, rules, guards and the choice of an action (pure)."""
