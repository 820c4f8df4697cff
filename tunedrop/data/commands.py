"""The commands `convert`, `diff` and `merge`: their options and their ends."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from tunedrop.as_json import AsJson, note
from tunedrop.echo import say, say_json
from tunedrop.errors import CommandError, ExitCode, exit_on_error
from tunedrop.files import (
    STDIN,
    in_call,
    keep_apart,
    must_exist,
    opened,
    places_for,
    written_whole,
)

if TYPE_CHECKING:
    from shared.dataset.compare import Side

cli = typer.Typer()


@cli.command(
    epilog="Example: tunedrop convert answers.csv --user question --assistant answer -o new.jsonl"
)
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
        keep_apart([out], [file])
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
            message = "nothing could be carried over, so nothing was written."
            raise CommandError(message, "The reasons of each record stand above.")
        if not out:
            stdout = typer.get_binary_stream("stdout")
            stdout.writelines(done.lines)
            stdout.flush()
        elif not as_json:
            left = f", {len(done.left_out):,} left out" if done.left_out else ""
            check = f"tunedrop check {in_call(out)}{' --method dpo' if done.preferences else ''}"
            say(f"{many(len(done.lines), 'example')} in {out}{left}; now: {check}")
    raise typer.Exit(ExitCode.NO if done.left_out else ExitCode.DONE)


@cli.command(epilog="Example: tunedrop diff examples/captain rated.jsonl")
def diff(
    old: Annotated[Path, typer.Argument(help="a dataset, or a folder with a training set")],
    new: Annotated[Path, typer.Argument(help="another one, of a later day")],
    as_json: AsJson = False,
) -> None:
    """Say how a dataset differs from another: new, removed, answered otherwise, almost the same, in
    conflict. Exits 0 if it does not, 1 if it does or could not be read, 2 if called wrongly."""
    from shared.dataset.compare import must_be_alike
    from shared.dataset.diff import diff as compared

    with exit_on_error():
        sides = [_side(_sets(path)[0]) for path in (old, new)]
        must_be_alike(*sides)
        found = compared(*sides)
        if as_json:
            say_json(found.as_json())
        else:
            say("\n".join(found.sentences()))
            for side in sides:
                if side.unread:
                    name = in_call(side.path)
                    note(f"what is not readable was not compared: tunedrop check {name}")
    other = found.any() or any(side.unread for side in sides)
    raise typer.Exit(ExitCode.NO if other else ExitCode.DONE)


@cli.command(epilog="Example: tunedrop merge examples/captain rated.jsonl -o merged.jsonl")
def merge(
    base: Annotated[Path, typer.Argument(help="what was trained on: a file, or a drop's folder")],
    additions: Annotated[Path, typer.Argument(help="what comes to it, as of `tunedrop export`")],
    out: Annotated[Path, typer.Option("--out", "-o", help="where to write")],
    conflicts: Annotated[
        str, typer.Option(help="whose answer stands: base, additions or both")
    ] = "",
    validation: Annotated[
        Path | None, typer.Option(help="what is held out, and so not taken (default: the folder's)")
    ] = None,
    provenance: Annotated[
        Path | None, typer.Option(help="where each line is from (default: beside --out)")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Merge rated answers into the dataset that was trained on. Exits 0 if that is done, 1 if
    conflicts or unreadable lines were left, 2 if called wrongly."""
    from shared.dataset import merge as merging
    from shared.dataset.findings.quoting import many
    from tunedrop.data.provenance import beside, describe, digest

    if conflicts and conflicts not in list(merging.Conflicts):
        raise typer.BadParameter(f"{conflicts!r} is none of {', '.join(merging.Conflicts)}.")
    with exit_on_error():
        training, held = _sets(base)
        held = validation or held
        origins_path = provenance or beside(out)
        others = [file for file in _files(base) if file != training]
        keep_apart([out, origins_path], [*others, held, *_files(additions)])
        keep_apart([origins_path], [training])
        sides = _side(training), _side(_sets(additions)[0])
        policy = merging.Conflicts(conflicts or merging.Conflicts.BASE)
        done = merging.merge(*sides, _side(held, held_out=True) if held else None, policy)
        with places_for(out, origins_path) as (place, origins):
            with place.open("wb") as file:
                lines = merging.write(done, file)
            origins.write_bytes(describe(done, out.name, digest(place), lines))
        if as_json:
            say_json(done.as_json())
        else:
            say("\n".join(done.sentences()))
            if done.conflicts_left and not conflicts:
                say(
                    "  → --conflicts additions takes the new answers in the place of the old ones, "
                    "--conflicts both takes both, --conflicts base says that this is meant"
                )
            said = f"{many(done.examples, 'example')} in {out}; each line's source: {origins_path}"
            say(f"{said}. Now: tunedrop check {in_call(out)}")
            if sides[1].refused:
                said = "of the additions the check refuses some, as they were taken"
                note(f"{said}: tunedrop check {in_call(sides[1].path)}")
            for side in done.unread:
                note(f"what is not readable, and why: tunedrop check {in_call(side.path)}")
    left = done.unread or (done.conflicts_left and not conflicts)
    raise typer.Exit(ExitCode.NO if left else ExitCode.DONE)


def _side(path: Path, *, held_out: bool = False) -> "Side":
    """Raises CommandError for what is no file."""
    from shared.dataset.compare import Side
    from shared.dataset.reading.examples import FileRole

    if path == STDIN:
        raise CommandError("both files are read more than once.", "Name files, not the input.")
    with opened(path):
        return Side.of(path, FileRole.VALIDATION if held_out else FileRole.TRAINING)


def _files(path: Path) -> list[Path]:
    """A file, or those of a folder that belong to a drop."""
    from tunedrop.push import files_in

    return files_in(path) if path.is_dir() else [path]


def _sets(path: Path) -> tuple[Path, Path | None]:
    """The training set and the validation set of a drop's folder; of a file itself and none."""
    from shared.dataset.reading.examples import FileRole
    from tunedrop.data.given import given

    must_exist(path)
    if not path.is_dir():
        return path, None
    files = {file.role: file.path for file in given([path], None, may_ask=False).files}
    return files[FileRole.TRAINING], files.get(FileRole.VALIDATION)
