"""`python -m tunedrop`: checks datasets before anyone drops them. Works without Azure."""

import json
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from shared.dataset import report
from shared.dataset.scan import Scan, Scanned

CHUNK = 1 << 20
SHOWN = 20  # findings of a file that the terminal lists; --json has them all

cli = typer.Typer(no_args_is_help=True, add_completion=False, pretty_exceptions_enable=False)


@cli.callback()
def about() -> None:
    """Drop a dataset, get a tuned model."""


@cli.command()
def check(
    files: Annotated[list[Path], typer.Argument(help="datasets (JSONL)")],
    as_json: Annotated[bool, typer.Option("--json", help="print the report as JSON")] = False,
) -> None:
    """Check datasets as the app would. Exits 0 if clean, 1 with errors, 2 if one can't be read."""
    try:
        scanned = [scan(path) for path in files]
    except OSError as error:
        typer.echo(f"tunedrop: cannot read {error.filename}: {error.strerror}.", err=True)
        raise typer.Exit(2) from None
    if as_json:
        typer.echo(json.dumps(report.as_json("check", scanned), indent=2, ensure_ascii=False))
    else:
        show(scanned)
    raise typer.Exit(1 if any(file.broken for file in scanned) else 0)


def scan(path: Path) -> Scanned:
    looking = Scan(str(path))
    with path.open("rb") as file:
        while chunk := file.read(CHUNK):
            looking.feed(chunk)
    return looking.finish()


def show(scanned: list[Scanned]) -> None:
    screen = Console(highlight=False, markup=False, soft_wrap=True)
    for file in scanned:
        screen.print(f"{file.name}: {file.examples} examples, {file.size:,} bytes", style="bold")
        for finding in file.findings[:SHOWN]:
            where = f"{file.name}:{finding.line}" if finding.line else file.name
            screen.print(f"  {where}: {finding.severity}: {finding.what} {finding.fix}")
        hidden = sum(file.counts.values()) - min(len(file.findings), SHOWN)
        if hidden:
            screen.print(f"  … and {hidden} more (--json shows them).")
        if not file.findings:
            screen.print("  clean")


if __name__ == "__main__":
    cli(prog_name="tunedrop")
