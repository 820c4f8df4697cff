"""Documentation. `generate` makes the pages that come from the code."""
