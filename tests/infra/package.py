"""The deployment package: what .funcignore leaves of the checkout, as azd and Core Tools zip it.

Files that git would not take are left out as well: a deployment from a clean clone has none.
"""

import subprocess
import zipfile
from pathlib import Path

import pathspec


def files(root: Path) -> list[str]:
    """Names of what ships, relative to `root`, sorted."""
    listed = subprocess.run(
        ["git", "ls-files", "--cached", "--others", "--exclude-standard"],
        cwd=root,
        capture_output=True,
        text=True,
        check=True,
    ).stdout.splitlines()
    lines = (root / ".funcignore").read_text(encoding="utf-8").splitlines()
    ignored = pathspec.GitIgnoreSpec.from_lines(lines)
    here = (name for name in listed if (root / name).is_file())
    return sorted(name for name in here if not ignored.match_file(name))


def pack(root: Path, archive: Path) -> None:
    with zipfile.ZipFile(archive, "w", zipfile.ZIP_DEFLATED) as out:
        for name in files(root):
            out.write(root / name, name)


def unpack(archive: Path, folder: Path) -> Path:
    with zipfile.ZipFile(archive) as content:
        content.extractall(folder)
    return folder
