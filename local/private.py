"""Files and folders for nobody but the user who runs this: they hold keys, datasets and chats.

Whatever the umask is, and also when they were there before with other rights. On Windows nothing is
done: there a file inherits the rights of its folder, and those of a user's own folders are private.
Standard library only: dev.py uses it before anything is installed.
"""

import os
import tempfile
from contextlib import suppress
from pathlib import Path
from typing import IO, Any

UMASK = 0o077  # for the processes of a stack: whatever they make is private as well
FOLDER, FILE = 0o700, 0o600


def make_folder(path: Path) -> Path:
    """The folder, private, made with its parents if need be. Raises OSError."""
    path.mkdir(mode=FOLDER, parents=True, exist_ok=True)
    close(path)
    return path


def close(path: Path) -> None:
    """Take from others what rights they have. Raises OSError."""
    if os.name == "posix":
        path.chmod(FOLDER if path.is_dir() else FILE)


def open_file(path: Path, mode: str, **options: Any) -> IO[Any]:
    """As `path.open(mode)`, which writes or appends; private before a byte is in it."""
    return open(path, mode, opener=_opener, **options)


def write_text(path: Path, text: str) -> None:
    """Whole or not at all, also when the disk is full or the power fails: what was there stays
    until the new text is on the disk. Raises OSError, which names the file."""
    try:
        descriptor, name = tempfile.mkstemp(prefix=".new-", dir=path.parent)
        beside = Path(name)
        try:
            with os.fdopen(descriptor, "w", encoding="utf-8") as file:
                file.write(text)
                file.flush()
                os.fsync(descriptor)
            close(beside)  # the umask may have taken rights from the user as well
            beside.replace(path)
        except BaseException:
            with suppress(OSError):
                beside.unlink()
            raise
        _save_names(path.parent)
    except OSError as error:
        error.filename, error.filename2 = str(path), None
        raise


def _save_names(folder: Path) -> None:
    """That a file has another name is kept in its folder. Not every system can be asked for it."""
    with suppress(OSError):
        descriptor = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)


def _opener(path: str, flags: int) -> int:
    descriptor = os.open(path, flags, FILE)
    if os.name == "posix":
        os.fchmod(descriptor, FILE)
    return descriptor
