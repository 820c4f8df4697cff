"""Only so that docs/generate is a package by its whole name."""
