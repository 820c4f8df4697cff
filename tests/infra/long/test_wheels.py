"""The lock installs from wheels alone wherever somebody may run the app."""

import subprocess
import sys

import pytest

from ..conftest import ROOT

PLATFORMS = [
    "x86_64-unknown-linux-gnu",
    "aarch64-unknown-linux-gnu",
    "aarch64-apple-darwin",
    "x86_64-pc-windows-msvc",
]


@pytest.mark.parametrize("version", ["3.11", "3.12", "3.13", "3.14"])
@pytest.mark.parametrize("platform", PLATFORMS)
def test_every_package_has_a_wheel_with_a_known_hash(platform: str, version: str) -> None:
    wanted = ["--only-binary", ":all:", "--require-hashes", "-r", str(ROOT / "requirements.txt")]
    there = ["--python-platform", platform, "--python-version", version]
    there += ["--target", str(ROOT / ".local/tools/nowhere")]
    done = subprocess.run(
        [sys.executable, "-m", "uv", "pip", "install", "--dry-run", *there, *wanted],
        capture_output=True,
        text=True,
        timeout=1200,
    )
    assert done.returncode == 0, done.stderr
