"""`carrythrough program …`: from statements that nobody knows to a map that is checked before it goes live."""
