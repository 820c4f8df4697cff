"""Open-weight base models from a drop to a chat, in the app as it is and at the emulated service:
each has a format of its own, and Azure takes no deployment under another."""

import pytest

from local.stack import ACCOUNT, GROUP
from tests.support.datasets import dataset
from tests.support.stack import StackHarness


@pytest.mark.parametrize(
    ("base", "format"),
    [
        ("gpt-oss-20b", "Microsoft"),
        ("Ministral-3B", "Mistral AI"),
        ("Llama-3.3-70B-Instruct", "Meta"),
        ("Qwen3-32B", "Alibaba"),
    ],
)
def test_from_a_drop_to_a_chat(stack: StackHarness, base: str, format: str) -> None:
    name = base.split("-")[0].lower()
    run_yaml = f"base_model: {base}\nhyperparameters:\n  n_epochs: 1\n".encode()
    stack.drop(name, run_yaml=run_yaml, training_set=dataset(10, name))
    run = stack.ended_run(name)
    assert run["stage"] == "serving", run["failure"]
    there = stack.control.deployments.get(GROUP, ACCOUNT, run["deployment"])
    assert there.properties
    assert there.properties.model
    assert (there.properties.model.format, there.sku and there.sku.name) == (
        format,
        "GlobalStandard",
    )
    answer = stack.chat.chat.completions.create(
        model=name, messages=[{"role": "user", "content": "What is 3?"}], max_tokens=3
    )
    assert answer.choices[0].message.content
    stack.clear_deployments(f"{name}-")


def test_a_preview_that_nobody_can_serve_is_not_paid_for(stack: StackHarness) -> None:
    stack.drop("preview", run_yaml=b"base_model: gpt-oss-120b\n", training_set=dataset(10))
    run = stack.ended_run("preview")
    assert run["stage"] in ("rejected", "failed")
    assert "serverless" in str(run["failure"]) or "deploy" in str(run["failure"])
    assert stack.jobs_of(run["id"]) == []
