"""From a drop to a chat, as a user goes it, whatever host runs the app."""

from tests.support.datasets import dataset
from tests.support.stack import StackHarness

STAGES = [
    "received",
    "checked",
    "uploaded",
    "submitting",
    "submitted",
    "training",
    "trained",
    "deploying",
    "probing",
    "comparing",
    "serving",
]


def drop_to_chat(stack: StackHarness, model: str) -> None:
    """A dataset becomes a version of this model that chats; asserts each thing on the way."""
    stack.drop(model, training_set=dataset(12), validation_set=dataset(3, "Aye"))
    run = stack.ended_run(model)

    assert run["stage"] == "serving", run["failure"]
    assert [moment["stage"] for moment in run["timeline"]] == STAGES
    assert run["training"]["examples"] == 12
    assert run["validation"]["examples"] == 3
    assert run["epochs"]
    assert all(epoch["train_loss"] and epoch["valid_loss"] for epoch in run["epochs"])
    assert stack.jobs_of(run["id"]) == [run["job_id"]]
    assert len(stack.runs(model)) == 1

    report = stack.get(f"runs/{run['id']}/report.json")
    assert report["verdict"] == "accepted"
    (listed,) = (m for m in stack.get("models")["models"] if m["name"] == model)
    assert (listed["champion"], len(listed["versions"])) == (1, 1)

    question = [{"role": "user", "content": "What is 3?"}]
    answer = stack.chat.chat.completions.with_raw_response.create(
        model=model,
        messages=question,  # type: ignore[arg-type]
        max_tokens=5,
    )
    assert answer.headers["x-tunedrop-model"] == f"{model}@1"
    assert answer.parse().model.endswith(model)
    assert model in [m.id for m in stack.chat.models.list()]


def streams(stack: StackHarness) -> None:
    """The base model's answer comes in chunks."""
    stream = stack.chat.chat.completions.create(
        model=stack.addresses.base_deployment,
        messages=[{"role": "user", "content": "Hello"}],
        max_tokens=4,
        stream=True,
    )
    chunks = list(stream)
    assert len(chunks) > 1
    assert chunks[-1].choices[0].finish_reason
