"""The search language: one parser, compiled to a predicate and to SQL."""
