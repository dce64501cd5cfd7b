"""What travels of the larger resources."""
