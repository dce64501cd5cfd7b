"""Backup, restore and upgrade of our own database."""
