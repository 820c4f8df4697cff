"""What a dataset must be. Runs without Azure: in the app, in the command line, in a test."""
