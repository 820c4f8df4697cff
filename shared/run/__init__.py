"""The life of a run: from a dropped dataset to a model that serves."""
