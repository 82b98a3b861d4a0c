"""How one kind of payload is installed on and removed from a target. A plug-in axis."""
