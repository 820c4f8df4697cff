"""The commands `convert`, `diff` and `merge`: their options and their ends."""

from pathlib import Path
from typing import Annotated

import typer

from tunedrop.echo import say, say_json
from tunedrop.errors import CommandError, exit_on_error
from tunedrop.files import written_whole

cli = typer.Typer()

AsJson = Annotated[bool, typer.Option("--json", help="print the result as JSON")]


@cli.command()
def convert(
    file: Annotated[Path, typer.Argument(help="a dataset in another format (- is the input)")],
    format: Annotated[str, typer.Option("--from", help="its format; auto finds out")] = "auto",
    out: Annotated[
        Path | None, typer.Option("--out", "-o", help="where to write (default: the output)")
    ] = None,
    user: Annotated[str, typer.Option(help="column or key of the question")] = "",
    assistant: Annotated[str, typer.Option(help="column or key of the answer")] = "",
    system: Annotated[str, typer.Option(help="column or key of the system prompt")] = "",
    delimiter: Annotated[str, typer.Option(help="of CSV: one character, or tab")] = "",
    as_json: AsJson = False,
) -> None:
    """Convert sharegpt, alpaca, prompt-completion, trl-preference, csv or openai-legacy into the
    app's format. Exits 0 if all of it was taken, 1 if records were left out, 2 if nothing could be
    done."""
    from shared.dataset.findings.quoting import many
    from tunedrop.data import convert as converting
    from tunedrop.data.formats import NAMES
    from tunedrop.data.pairs import Columns

    if format not in NAMES:
        raise typer.BadParameter(f"{format!r} is none of {', '.join(NAMES)}.")
    if bool(user) != bool(assistant) or (system and not user):
        raise typer.BadParameter("--user and --assistant go together, --system with both.")
    if as_json and not out:
        raise typer.BadParameter("--json needs --out: the output takes one of them.")
    delimiter = {"tab": "\t", "\\t": "\t"}.get(delimiter, delimiter)
    if len(delimiter) > 1:
        raise typer.BadParameter(f"{delimiter!r} is not one character.")
    columns = Columns(user, assistant, system) if user else None
    with exit_on_error():
        done = converting.convert(file, format, columns, delimiter)
        told = done.sentences()
        if done.lines and out:
            with written_whole(out) as file_out:
                file_out.writelines(done.lines)
        if as_json:
            say_json(done.as_json())
        else:
            say("\n".join(told), err=out is None)
        if not done.lines:
            raise CommandError("nothing could be carried over, so nothing was written.")
        if not out:
            stdout = typer.get_binary_stream("stdout")
            stdout.writelines(done.lines)
            stdout.flush()
        elif not as_json:
            left = f", {len(done.left_out):,} left out" if done.left_out else ""
            say(f"{many(len(done.lines), 'example')} in {out}{left}; now: tunedrop check {out}")
    raise typer.Exit(1 if done.left_out else 0)
