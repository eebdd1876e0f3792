"""The program map: business goal, KPI, skill, objective, activities; read, linted, compiled (pure)."""
