"""The checks: `example_checks` lists those of one example, `file_checks` those of a file."""
