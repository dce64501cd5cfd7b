"""How long data stays: what is dropped, what is left as proof, where numbers are removed."""
