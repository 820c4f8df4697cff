"""`tunedrop export` against the app as it is shipped."""

import json
import subprocess
import sys
import urllib.request
from pathlib import Path
from typing import Any

from tests.support.datasets import dataset
from tests.support.stack import StackHarness, wait_for

ROOT = Path(__file__).resolve().parents[2]


def test_a_corrected_answer_comes_back_as_an_example(stack: StackHarness, tmp_path: Path) -> None:
    """`captain` is one of the models that remember on a laptop."""
    stack.drop("captain", training_set=dataset(10))
    assert stack.ended_run("captain")["stage"] == "serving"
    answer = stack.chat.chat.completions.create(
        model="captain", messages=[{"role": "user", "content": "What is a mast?"}], max_tokens=4
    )
    remembered = stack.container("feedback").get_blob_client(f"answers/{answer.id}")
    wait_for(remembered.exists)
    rating = {"id": answer.id, "rating": "bad", "correction": "Arr, a mast be a pole."}
    request = urllib.request.Request(
        f"{stack.addresses.app_url}/api/feedback",
        json.dumps(rating).encode(),
        {"api-key": stack.addresses.app_key},
    )
    with urllib.request.urlopen(request, timeout=30) as response:
        assert response.status == 201

    (example,) = exported(stack, tmp_path / "training_set.jsonl")
    assert [message["content"] for message in example["messages"]] == [
        "What is a mast?",
        "Arr, a mast be a pole.",
    ]


def exported(stack: StackHarness, out: Path, *options: str) -> list[Any]:
    command = ["-m", "tunedrop", "export", "captain", "--app", stack.addresses.app_url]
    command += ["--key", stack.addresses.function_key, "--out", str(out), *options]
    done = subprocess.run(
        [sys.executable, *command],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert f"captain/{out.name}" in done.stdout.replace("\n", "")
    return list(map(json.loads, out.read_text(encoding="utf-8").splitlines()))
