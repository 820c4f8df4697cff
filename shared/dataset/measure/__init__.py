"""Numbers about a dataset: tokens, repetition, distributions, prices."""
