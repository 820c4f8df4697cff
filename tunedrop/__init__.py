"""The command-line tool: what people and build pipelines do from a terminal."""

__version__ = "0.1.0"  # the only place: the package and `tunedrop --version` take it from here
