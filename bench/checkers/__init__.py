"""What the benchmark of the dataset check runs, and on which files."""
