"""The living page /design: every piece of the shell in all its states."""
