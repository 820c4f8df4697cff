"""What the emulator's own pyproject.toml declares."""

import tomllib
from typing import Any

from .harness import ROOT

FOLDER = ROOT / "local" / "emulator"
PROJECT: dict[str, Any] = tomllib.loads((FOLDER / "pyproject.toml").read_text(encoding="utf-8"))
# What it needs: name and exact version.
DECLARED = dict(line.lower().split("==") for line in PROJECT["project"]["dependencies"])
