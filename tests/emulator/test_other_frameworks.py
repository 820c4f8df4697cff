"""Frameworks that call functions, each in an environment of its own that is made once and kept.

Skipped, with the reason, where the environment cannot be made (no network and no cache).
"""

import json
import subprocess
from pathlib import Path
from typing import Any

from tests.environments import environment

from .harness import KEY, Running

HERE = Path(__file__).parent
PATIENCE_SECONDS = 300


def run(python: Path, script: str, emulator: Running, deployment: str) -> Any:
    done = subprocess.run(
        [str(python), str(HERE / script), emulator.url, KEY, deployment],
        capture_output=True,
        text=True,
        timeout=PATIENCE_SECONDS,
    )
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout.splitlines()[-1])


def test_instructor(emulator: Running, base: str) -> None:
    python = environment("instructor", "instructor==1.17.0")
    found = run(python, "client_instructor.py", emulator, base)
    assert found == {"default": "int", "json": "int"}


def test_pydantic_ai(emulator: Running, base: str) -> None:
    """What it demands is called by any model; what it offers, by one that finds it likely."""
    emulator.settings(offered_tools="always")
    python = environment("pydantic-ai", "pydantic-ai-slim[openai]==2.68.0")
    found = run(python, "client_pydantic_ai.py", emulator, base)
    one = {"guns": "int", "words": True, "messages": 4}
    assert found == {"OpenAIChatModel": one, "OpenAIResponsesModel": one, "called": 2}
