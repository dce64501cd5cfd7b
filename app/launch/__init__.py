"""``make run``: prepares the databases, starts every process and stops them together."""
