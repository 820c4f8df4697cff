"""Benchmarks, each beside its peers in one run: `dev.py bench NAME` writes results/NAME.json."""
