"""The rules that say how an update stands to a machine; pure, with no disk, clock or process."""
