"""What ships may be shipped, and the usual diagnosis of a Functions app finds nothing new in it."""

import importlib.metadata as metadata
import json
import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from packaging.utils import canonicalize_name

from .package import applies, locked

# Licences that may ship inside of an MIT project's deployment without asking anybody.
ALLOWED = {
    "0BSD", "Apache-2.0", "BSD-2-Clause", "BSD-3-Clause", "ISC", "MIT", "MIT-0", "MPL-2.0",
    "PSF-2.0", "Unlicense", "Zlib", "CC0-1.0", "CNRI-Python",
}  # fmt: skip
# Older ways of writing the same in package metadata.
SPELLED = {
    "apache 2.0": "Apache-2.0",
    "apache license 2.0": "Apache-2.0",
    "apache software license": "Apache-2.0",
    "bsd license": "BSD-3-Clause",
    "bsd": "BSD-3-Clause",
    "isc license (iscl)": "ISC",
    "mit license": "MIT",
    "mozilla public license 2.0 (mpl 2.0)": "MPL-2.0",
    "python software foundation license": "PSF-2.0",
    "the unlicense (unlicense)": "Unlicense",
}
# What azure-functions-doctor warns of here, and why it stays.
WARNINGS = {
    "Programming model v2": "it sees decorators of `def` only; every function here is `async def`",
    "Native dependency risk": "numpy and cryptography: azd builds on Azure, from the lock's wheels",
    "Binding connection resolution": "it does not know TunedropStorage__blobServiceUri, which the "
    "blob extension asks for",
    ".funcignore": "it is read when the package is made, and neither azd nor Core Tools packs it",
    "ASGI/WSGI compatibility": "Starlette's requests and responses are used, not an ASGI app",
}


def licences(distribution: metadata.Distribution) -> set[str]:
    """Names of a package's licences as its metadata has them, in SPDX's spelling."""
    about: Any = distribution.metadata
    expression = about.get("License-Expression")
    if not expression:
        classifiers = [c for c in about.get_all("Classifier") or [] if c.startswith("License ::")]
        named = [c.rpartition(" :: ")[2] for c in classifiers if c.count(" :: ") > 1]
        free = (about.get("License") or "").splitlines()[:1]
        expression = " AND ".join(SPELLED.get(n.lower(), n) for n in named or free)
    return set(re.split(r"\s+(?:AND|OR)\s+", expression.strip("()"))) if expression else {"none"}


def test_licences_of_what_ships_are_allowed() -> None:
    here = {canonicalize_name(r.name) for r, _ in locked() if applies(r.marker)}
    found = {name: licences(metadata.distribution(name)) for name in here}
    assert not {name: kinds for name, kinds in found.items() if not kinds <= ALLOWED}


@pytest.mark.skipif(sys.version_info >= (3, 14), reason="azure-functions-doctor knows 3.10 to 3.13")
def test_azure_functions_doctor_finds_nothing_new(shipped: Path, tmp_path: Path) -> None:
    told = tmp_path / "doctor.json"
    arguments = ["--path", str(shipped), "--profile", "deploy", "--target-python", "3.13"]
    arguments += ["--format", "json", "--output", str(told)]
    environ = {k: v for k, v in os.environ.items() if "STORAGE" not in k.upper()}
    connection = {"APPLICATIONINSIGHTS_CONNECTION_STRING": "InstrumentationKey=0"}
    done = subprocess.run(
        [sys.executable, "-m", "azure_functions_doctor.cli", "doctor", *arguments],
        capture_output=True,
        text=True,
        env=environ | connection,
        timeout=120,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    sections = json.loads(told.read_text(encoding="utf-8"))["results"]
    items = [item for section in sections for item in section["items"]]
    assert len(items) > 20
    assert {i["label"] for i in items if i["status"] not in ("pass", "skip")} == set(WARNINGS)
