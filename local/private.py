"""Files and folders for nobody but the user who runs this: they hold keys, datasets and chats.

Whatever the umask is, and also when they were there before with other rights. On Windows nothing is
done: there a file inherits the rights of its folder, and those of a user's own folders are private.
Standard library only: dev.py uses it before anything is installed.
"""

import os
from pathlib import Path
from typing import IO, Any

UMASK = 0o077  # for the processes of a stack: whatever they make is private as well
FOLDER, FILE = 0o700, 0o600


def make_folder(path: Path) -> Path:
    """The folder, private, made with its parents if need be. Raises OSError."""
    path.mkdir(mode=FOLDER, parents=True, exist_ok=True)
    if os.name == "posix":
        path.chmod(FOLDER)
    return path


def open_file(path: Path, mode: str, **options: Any) -> IO[Any]:
    """As `path.open(mode)`, which writes or appends; private before a byte is in it."""
    return open(path, mode, opener=_opener, **options)


def write_text(path: Path, text: str) -> None:
    with open_file(path, "w", encoding="utf-8") as file:
        file.write(text)


def _opener(path: str, flags: int) -> int:
    descriptor = os.open(path, flags, FILE)
    if os.name == "posix":
        os.fchmod(descriptor, FILE)
    return descriptor
