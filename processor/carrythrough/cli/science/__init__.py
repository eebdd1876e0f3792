"""The exam of the scoring: public answer data and a simulator with known truth against the production code."""
