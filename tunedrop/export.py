"""`tunedrop export`: a model's rated answers as a training file, fetched from the app's API.

A file has its name only once all of it is there: what is cut in between leaves nothing behind.
Knows the route and nothing of how conversations are remembered.
"""

from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import BinaryIO, NamedTuple

from shared.chat.examples import TOLD, Method, Reason
from shared.errors import DropError
from shared.printable import shown
from shared.run.folder import DropRole, parse
from tunedrop.app import App
from tunedrop.errors import CommandError, NotReached
from tunedrop.files import written_whole
from tunedrop.names import in_path

OUT = Path("training_set.jsonl")
NONE_YET = {
    Method.SUPERVISED: "has no answers that were rated good or corrected",
    Method.DPO: "has no answers that were rated bad and corrected",
}


class Exported(NamedTuple):
    """How many examples there are, and what was left out, in words; empty if nothing was."""

    examples: int
    left_out: str


def export(app: App, model: str, method: Method, out: Path, provenance: Path | None) -> Exported:
    """Write the examples, and where they come from. Raises CommandError, and leaves both files as
    they were, unless all has come."""
    path = f"api/models/{in_path(model)}/examples?method={method}"
    with written_whole(out, private=True) as file:
        headers = app.download(path, file)
        count = _count(headers, file)
        left_out = left_out_of(headers.get("x-tunedrop-left-out", ""))
        if not count:
            raise _none_yet(model, method, left_out)
        if provenance:
            with written_whole(provenance, private=True) as origins:
                sources = app.download(f"{path}&provenance=1", origins)
                if _count(sources, origins) != count:
                    message = "answers were rated while they were fetched."
                    raise NotReached(message, "Export again.")
    return Exported(count, left_out)


def place_for(out: Path | None) -> Path:
    """Where to write; without a word, under a name that the app takes for a training set, where no
    such file is yet. Raises CommandError."""
    if out is None and OUT.exists():
        raise CommandError(
            f"{OUT} is there already, and may be what the model was trained on.",
            "Name another file with --out, of which "
            f"`tunedrop merge {OUT} IT -o NEW` makes one with it.",
        )
    return out or OUT


def drop_name(model: str, out: Path) -> str:
    """Where the app takes the file as a training set: under its own name, if that is one."""
    with suppress(DropError):
        if parse(f"{model}/{out.name}")[1] is DropRole.TRAINING:
            return f"{model}/{out.name}"
    return f"{model}/training_set.jsonl"


def _count(headers: Mapping[str, str], file: BinaryIO) -> int:
    """How many lines have come. Raises CommandError if the app says that it has sent others."""
    file.seek(0)
    count = sum(1 for _ in file)
    told = headers.get("x-tunedrop-examples")
    if told is None:
        message = "the app does not say how many examples it has sent, as those of this kind do."
        raise NotReached(message, "Is --app the right one? An older one: update it.")
    if told != str(count):
        raise NotReached(
            f"the app has sent {shown(told)} examples and {count} have come.", "Export again."
        )
    return count


def left_out_of(told: str) -> str:
    """What the app says of it in words: `length=2` is "2 cut off at a limit of tokens"."""
    pairs = [entry.strip().partition("=") for entry in told.split(",") if entry.strip()]
    return ", ".join(f"{shown(count)} {_reason(name)}" for name, _, count in pairs)


def _reason(name: str) -> str:
    try:
        return TOLD[Reason(name)]
    except ValueError:
        return shown(name)


def _none_yet(model: str, method: Method, left_out: str) -> CommandError:
    if left_out:
        message = f"no example could be made of {model}'s rated answers: {left_out}."
        return CommandError(message, "Rate some more.")
    return CommandError(
        f"{model} {NONE_YET[method]} yet.",
        f"Switch remembering on (TUNEDROP_REMEMBER), and rate some: `tunedrop chat {model}` takes "
        "/good, /bad and /fix.",
    )
