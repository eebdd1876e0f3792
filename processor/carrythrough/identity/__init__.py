"""From the actors of statements to employees: identifiers, roster, pseudonyms (pure)."""
