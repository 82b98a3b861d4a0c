"""Where updates come from. A plug-in axis."""
