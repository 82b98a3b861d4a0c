"""The verbs; each module is imported when one of its verbs is used."""
