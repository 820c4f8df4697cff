"""What ends a command on this laptop with a sentence: what is in the way, and what to do about it.

Standard library only: dev.py uses it before anything is installed.
"""

import errno

AGAIN = "then run the same command again"
CURES = {
    "free some space": ("ENOSPC", "EDQUOT", "EFBIG"),
    "see to it that you may write there": ("EACCES", "EPERM", "EROFS"),
    "move away what is in its place": ("EEXIST", "ENOTDIR", "EISDIR", "ELOOP", "ENOENT"),
    "take a folder with a shorter path": ("ENAMETOOLONG",),
}


class StackError(Exception):
    """One sentence on what is in the way and what to do about it."""


def sentence(error: OSError) -> str:
    """For a file or a folder that cannot be used."""
    name = errno.errorcode.get(error.errno or 0, "")
    cure = next((cure for cure, names in CURES.items() if name in names), "see to it")
    place = "A file" if error.filename is None else shown(str(error.filename))
    return f"{place} cannot be used ({error.strerror or error}): {cure}, {AGAIN}."


def shown(text: str, most: int = 300) -> str:
    """For a terminal, which is to show a stranger's text and not to obey it."""
    text = text if text.isprintable() else ascii(text)[1:-1]
    return text if len(text) <= most else f"{text[: most // 2]}…{text[-most // 2 :]}"
