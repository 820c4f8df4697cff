"""Benchmarks, each beside its peers in one run: `dev.py bench NAME`, whose figures --save keeps."""
