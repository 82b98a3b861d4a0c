"""The agent at the other end of a connection: every call serialised."""
