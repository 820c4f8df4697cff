"""Whole lives of runs in one process, from a seed: several hosts, one storage, one service, and
what may go wrong between them. docs/reliability.md says what is simulated and what is not."""
