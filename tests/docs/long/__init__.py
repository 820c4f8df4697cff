"""Slow to set up: `dev.py test tests/docs/long`."""
