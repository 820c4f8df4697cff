"""The deployment package: what .funcignore leaves of the checkout, as azd and Core Tools zip it.

Files that git would not take are left out as well: a deployment from a clean clone has none.
"""

import json
import os
import re
import subprocess
import sys
import zipfile
from functools import cache
from pathlib import Path

import pathspec
from packaging.markers import Marker
from packaging.requirements import Requirement

from local import set_up
from tests.environments import environment

ROOT = Path(__file__).resolve().parents[2]
LOCK = ROOT / "requirements.txt"
HERE = {"extra": ""}
INDEX = """
import json, function_app
print(json.dumps(sorted(f.get_function_name() for f in function_app.app.get_functions())))
"""


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


def listed() -> list[Requirement]:
    """What the app asks for by itself: the lock is made from these lines of pyproject.toml."""
    return list(map(Requirement, set_up.shipped()))


@cache
def locked() -> list[tuple[Requirement, int]]:
    """requirements.txt: every package with the number of its hashes."""
    text = LOCK.read_text(encoding="utf-8").replace("\\\n", " ")
    found = []
    for line in (line for line in text.splitlines() if line and not line.startswith("#")):
        requirement, *hashes = re.split(r"\s+--hash=sha256:", line.strip())
        found.append((Requirement(requirement), len(hashes)))
    return found


def applies(marker: Marker | None) -> bool:
    return marker is None or marker.evaluate(HERE)


def shipped_environment(interpreter: str = sys.executable) -> Path:
    """An environment with the lock and nothing else, its hashes checked by pip."""
    content = LOCK.read_text(encoding="utf-8")
    version = re.search(r"3\.\d+", interpreter) if interpreter != sys.executable else None
    arguments = ["--require-hashes", "--no-deps", "-r", str(LOCK)]
    name = f"shipped-{version.group()}" if version else "shipped"
    return environment(name, *arguments, made_from=content, python=interpreter)


def indexed(inside: Path, shipped: Path) -> list[str]:
    """The functions that an interpreter finds in the package, with nothing else around it."""
    bare = {"PYTHON_ENABLE_INIT_INDEXING": "1", "PYTHONDONTWRITEBYTECODE": "1"}
    bare |= {name: os.environ[name] for name in ("PATH", "SYSTEMROOT") if name in os.environ}
    done = subprocess.run(
        [str(inside), "-c", INDEX],
        cwd=shipped,
        env=bare,
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert done.returncode == 0, done.stderr
    return list(json.loads(done.stdout))
