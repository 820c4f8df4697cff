"""Clients of earlier days, each in an environment of its own that is made once and kept.

Skipped, with the reason, where the environment cannot be made (no network and no cache).
"""

import json
import subprocess
from pathlib import Path
from typing import Any

from tests.environments import environment

from .harness import ARM_SCOPE, KEY, Running, dataset

HERE = Path(__file__).parent
PATIENCE_SECONDS = 300


def run(python: Path, script: str, emulator: Running, folder: Path) -> Any:
    data = folder / "training_set.jsonl"
    data.write_bytes(dataset())
    command = [str(python), str(HERE / script), emulator.url, KEY, emulator.token(ARM_SCOPE)]
    done = subprocess.run(
        [*command, str(data)], capture_output=True, text=True, timeout=PATIENCE_SECONDS
    )
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout.splitlines()[-1])


def test_openai_0_28_1_as_microsofts_lab_uses_it(emulator: Running, tmp_path: Path) -> None:
    python = environment("openai-0.28.1", "openai==0.28.1")
    result = run(python, "client_legacy.py", emulator, tmp_path)
    assert result["deployment"] == 201
    assert ".ft-" in result["model"]
    assert result["events"] == "Resource not found"


def test_the_last_openai_1(emulator: Running, base: str, tmp_path: Path) -> None:
    python = environment("openai-1.109.1", "openai==1.109.1")
    result = run(python, "client_last_1.py", emulator, tmp_path)
    assert result["statuses"] == ["succeeded", "succeeded"]
