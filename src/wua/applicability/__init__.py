"""Which update applies to which target, as pure functions of facts."""
