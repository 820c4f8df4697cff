"""The deployment package: what .funcignore leaves of the checkout, as azd and Core Tools zip it."""

import json
import os
import re
import subprocess
import sys
import tempfile
import zipfile
from collections.abc import Iterable
from functools import cache
from pathlib import Path

from packaging.markers import Marker
from packaging.requirements import Requirement

from local import set_up
from tests.environments import environment

ROOT = Path(__file__).resolve().parents[2]
LOCK = ROOT / "requirements.txt"
HERE = {"extra": ""}
# Files that somebody may have beside the app, and that must never ship.
STRAYS = (
    "secret.txt",
    ".env",
    "notes",
    "app-key",
    "LICENSE-of-another",
    "new_tool.py",
    "team/plan.py",
    "shared-old/errors.py",
    "tests/shared/errors.py",
    "console/.env",
    "console/notes.txt",
    "console/old/console.js",
    "shared/.env",
    "shared/x.pem",
    "shared/chat/.env",
    "shared/chat/key.pem",
    "shared/chat/dump.jsonl",
    "shared/__pycache__/errors.cpython-313.pyc",
    "shared/chat/__pycache__/auth.cpython-313.pyc",
    "local.settings.json",
    ".local/app-key",
    ".azure/tunedrop/.env",
)
# Core Tools does not know what git makes of these; nobody keeps a secret there.
BY_GIT_ONLY = (
    "shared/.git/a.py",
    "shared/__pycache__/a.py",
    "shared/tests/a.py",
    "shared/test_a.py",
)
INDEX = """
import json, function_app
print(json.dumps(sorted(f.get_function_name() for f in function_app.app.get_functions())))
"""


def files(root: Path) -> list[str]:
    """Names of what ships, relative to `root`, sorted: by git's own rules, as azd takes them.

    A repository without files makes git look at all of them, also at those that the checkout's own
    .gitignore leaves out: a deployment does not read that.
    """
    with tempfile.TemporaryDirectory() as empty:
        git = ["git", f"--git-dir={empty}", f"--work-tree={root}"]
        subprocess.run(["git", "init", "--quiet", "--bare", empty], check=True)
        listing = ["ls-files", "-z", "--others", f"--exclude-from={root / '.funcignore'}"]
        found = subprocess.run([*git, *listing], cwd=root, capture_output=True, check=True).stdout
    return sorted(name for name in found.decode().split("\0") if name)


class CoreTools:
    """The rules by which `func azure functionapp publish` reads .funcignore.

    After its GitIgnoreParser (Azure/azure-functions-core-tools, src/Cli/func/Common, 2026-08): what
    is named with `!` ships whatever else is said, and a pattern need only match the beginning.
    """

    NEVER = (".funcignore", ".gitignore", "local.settings.json", "project.lock.json")

    def __init__(self, text: str) -> None:
        lines = [line.strip() for line in text.splitlines() if line.strip()]
        said = [line for line in lines if not line.startswith("#")]
        self._ships = self._regex(line[1:] for line in said if line.startswith("!"))
        self._stays = self._regex(line for line in said if not line.startswith("!"))

    def ships(self, name: str) -> bool:
        if name.rpartition("/")[2] in self.NEVER:
            return False
        return bool(self._ships.match(name)) or not self._stays.match(name)

    @staticmethod
    def _regex(patterns: Iterable[str]) -> "re.Pattern[str]":
        escaped = (
            re.sub(r"[-\[\]/{}()+?.\\^$|]", r"\\\g<0>", p.removeprefix("/")) for p in patterns
        )
        every = (p.replace("**", "(.+)").replace("*", "([^/]+)") for p in escaped)
        return re.compile(rf"(({')|('.join(sorted(every))}))\b", re.ASCII)


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


def shipped_environment(interpreter: str = sys.executable, *, make: bool = True) -> Path:
    """An environment with the lock and nothing else, its hashes checked by pip."""
    content = LOCK.read_text(encoding="utf-8")
    version = re.search(r"3\.\d+", interpreter) if interpreter != sys.executable else None
    arguments = ["--require-hashes", "--no-deps", "-r", str(LOCK)]
    name = f"shipped-{version.group()}" if version else "shipped"
    return environment(name, *arguments, made_from=content, python=interpreter, make=make)


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
