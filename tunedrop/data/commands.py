"""The commands `convert`, `diff` and `merge`: their options and their ends."""

import typer

cli = typer.Typer()
