"""What the tool does with datasets on this machine: checks, converts, compares and merges them."""
