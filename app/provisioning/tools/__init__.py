"""The OpenSIPS tables that the panel edits, one declaration each."""
