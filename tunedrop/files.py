"""Files that a command reads and writes: standard input as one of them, and outputs whole or not
at all. Knows nothing of what they hold, but for a file of local settings.
"""

import json
import os
import shlex
import tempfile
from collections.abc import Iterable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import BinaryIO

import typer

from tunedrop.errors import CommandError

STDIN = Path("-")


def name_of(path: Path) -> str:
    return "standard input" if path == STDIN else str(path)


def in_call(path: Path) -> str:
    """As it is written in a command that is told: in quotes where it has blanks."""
    return shlex.quote(str(path))


@contextmanager
def opened(path: Path) -> Iterator[BinaryIO]:
    """A file to read; `-` is standard input. Raises CommandError for a folder and for what is not
    there."""
    if path == STDIN:
        yield typer.get_binary_stream("stdin")
        return
    must_exist(path)
    if path.is_dir():
        raise CommandError(f"{path} is a folder.", "Name a file in it.")
    with path.open("rb") as file:
        yield file


def must_exist(path: Path) -> None:
    """Raises CommandError."""
    if path != STDIN and not path.exists():
        message = f"{path} does not exist."
        raise CommandError(message, "Check the path: it begins in the folder that you are in.")


def keep_apart(outputs: Iterable[Path | None], inputs: Iterable[Path | None]) -> None:
    """Raises CommandError where a file would be written over one that is read, or over another one
    that is written. What is no file, like a terminal, may be named twice."""
    read = {path.resolve() for path in inputs if path and path != STDIN}
    written = set[Path]()
    for path in filter(None, outputs):
        if path == STDIN:
            raise CommandError("- is an input only.", "Name the file that is to be written.")
        target = path.resolve()
        if target.exists() and not target.is_file():
            continue
        if target in read or any(_is_same(target, one) for one in read):
            message = f"{path} is read here: it would be overwritten."
            raise CommandError(message, "Name another file.")
        if target in written:
            message = f"{path} is named for two files that are written."
            raise CommandError(message, "Name another for one of them.")
        written.add(target)


def _is_same(path: Path, other: Path) -> bool:
    """By another name: a hard link, or where small and large letters are one."""
    return path.exists() and other.exists() and path.samefile(other)


@contextmanager
def written_whole(path: Path, *, private: bool = False) -> Iterator[BinaryIO]:
    """A file beside `path` that takes its name at the end of the block, and is deleted if that is
    left by an error. What is no file, like a terminal, is written to at once. Raises CommandError
    where it cannot be written. A file that was there keeps its rights; a new one that is `private`
    is for its maker only."""
    with places_for(path, private=private) as (place,), place.open("w+b") as file:
        yield file


@contextmanager
def places_for(*paths: Path, private: bool = False) -> Iterator[tuple[Path, ...]]:
    """As `written_whole`, of one file or several, for those who open the files themselves."""
    with ExitStack() as stack:
        places = [_place(path, stack) for path in paths]
        names = " or ".join(str(path) for path in paths)
        with _told(names, places):
            yield tuple(places)
            for path, place in zip(paths, places, strict=True):
                target = path.resolve()
                if place != target:
                    place.chmod(_rights(target, private))
                    place.replace(target)


def _place(path: Path, stack: ExitStack) -> Path:
    """A new file beside the path, for its maker only; or what is no file itself."""
    target = path.resolve()
    if target.exists() and not target.is_file():
        return target
    if not target.parent.is_dir():
        message = f"{path} cannot be written: there is no folder {path.parent}."
        raise CommandError(message, "Make it, or name a file elsewhere.")
    with _told(str(path)):
        handle, name = tempfile.mkstemp(
            prefix=f".{target.name}.", suffix=".part", dir=target.parent
        )
    os.close(handle)
    place = Path(name)
    stack.callback(place.unlink, missing_ok=True)
    return place


def _rights(target: Path, private: bool) -> int:
    """Those that it has, or that this system gives to a new file."""
    if target.exists():
        return target.stat().st_mode & 0o777
    mask = os.umask(0o077)
    os.umask(mask)
    return 0o600 if private else 0o666 & ~mask


@contextmanager
def _told(names: str, places: Sequence[Path] | None = None) -> Iterator[None]:
    """What cannot be written is named as it was asked for, and not as the file beside it. An error
    that names another file is about that."""
    try:
        yield
    except BrokenPipeError:
        raise
    except OSError as error:
        if error.filename and places is not None:
            named = Path(os.fsdecode(error.filename))
            if named not in places:
                raise
        message = f"{names} cannot be written: {error.strerror}."
        raise CommandError(message, "Name a file elsewhere.") from None


def settings_of(settings: Path) -> dict[str, str]:
    """The values of a local.settings.json; none where there is no such file. Raises
    CommandError."""
    try:
        content = json.loads(settings.read_text(encoding="utf-8-sig"))
        if content.get("IsEncrypted"):
            raise CommandError(
                f"{settings} is encrypted.", "`func settings decrypt` makes it readable."
            )
        return {str(name): str(value) for name, value in content.get("Values", {}).items()}
    except FileNotFoundError:
        return {}
    except (OSError, ValueError, AttributeError):
        message = f"{settings} cannot be read as JSON with Values in it."
        raise CommandError(message, "Correct it, or name another with --settings.") from None
