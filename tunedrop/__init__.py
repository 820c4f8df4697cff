"""The command-line tool: what people and build pipelines do from a terminal."""
