"""From a drop to a chat, and what becomes of a drop that is no good; nothing here is a double."""

import openai
import pytest

from local.stack import ACCOUNT, GROUP
from tests.support.datasets import dataset
from tests.support.loop import drop_to_chat, streams
from tests.support.stack import StackHarness, wait_for


def test_a_dropped_dataset_becomes_a_model_that_chats(stack: StackHarness) -> None:
    drop_to_chat(stack, "pirate")


def test_streams_arrive_as_the_service_sends_them(stack: StackHarness) -> None:
    streams(stack)


def test_the_same_content_again_is_the_same_run_and_changed_content_the_next_version(
    stack: StackHarness,
) -> None:
    stack.drop("parrot", training_set=dataset(10))
    first = stack.ended_run("parrot")
    stack.drop("parrot", training_set=dataset(10))
    wait_for(lambda: stack.runs("parrot")[0]["training"]["etag"] != first["training"]["etag"])
    assert [run["id"] for run in stack.runs("parrot")] == [first["id"]]
    assert len(stack.jobs_of(first["id"])) == 1

    stack.drop("parrot", training_set=dataset(10, "Squawk"))
    second = stack.ended_run("parrot", number=2)
    assert (first["version"], second["version"]) == (1, 2)
    (model,) = (m for m in stack.get("models")["models"] if m["name"] == "parrot")
    assert (model["champion"], model["previous"]) == (2, 1)


@pytest.mark.parametrize(
    ("name", "content", "finding", "line"),
    [
        ("latin", dataset(10) + b'{"messages": "\xe9"}\n', "not-utf8", 11),
        ("broken", dataset(4) + b'{"messages": [\n' + dataset(6), "not-json", 5),
        ("few", dataset(9), "too-few-examples", None),
    ],
)
def test_a_bad_dataset_is_rejected_with_a_report_and_nothing_is_sent(
    stack: StackHarness, name: str, content: bytes, finding: str, line: int | None
) -> None:
    stack.drop(name, training_set=content)
    run = stack.ended_run(name)
    assert run["stage"] == "rejected"
    report = stack.get(f"runs/{run['id']}/report.json")
    assert report["verdict"] == "rejected"
    assert (finding, line) in [(f["id"], f["line"]) for f in report["files"][0]["findings"]]
    assert finding in loop_text(stack, f"runs/{run['id']}/report.html")
    assert stack.jobs_of(run["id"]) == []
    assert stack.files_of(f"{name}-") == []


@pytest.mark.parametrize(
    ("path", "content", "beside", "said"),
    [
        ("Shouting/training.jsonl", dataset(10), "Shouting/training.jsonl", "Shouting"),
        ("notes/readme.jsonl", b"{}", "notes/readme.jsonl", "notes/readme.jsonl"),
    ],
)
def test_a_name_that_nobody_expects_is_explained_beside_the_drop(
    stack: StackHarness, path: str, content: bytes, beside: str, said: str
) -> None:
    stack.container("datasets").upload_blob(path, content, overwrite=True)
    assert said in explanation(stack, beside)


def test_a_bad_run_yaml_is_explained_and_a_corrected_one_starts_the_run(
    stack: StackHarness,
) -> None:
    stack.drop("picky", training_set=dataset(10), run_yaml=b"hyperparameters: {n_epoch: 1}")
    assert "n_epochs" in explanation(stack, "picky/run.yaml")
    assert stack.runs("picky") == []
    stack.drop("picky", run_yaml=b"hyperparameters: {n_epochs: 1}")
    run = stack.ended_run("picky")
    assert run["stage"] == "serving"
    assert len(run["epochs"]) == 1
    assert not stack.container("datasets").get_blob_client("picky/run.yaml.problem.txt").exists()


def test_a_base_model_that_the_account_does_not_offer_fails_the_run_before_anything_is_sent(
    stack: StackHarness,
) -> None:
    stack.drop("stone", training_set=dataset(10), run_yaml=b"base_model: gpt-99")
    run = stack.ended_run("stone")
    assert run["stage"] == "failed"
    assert "The account does not offer gpt-99. Nothing was sent." in run["failure"]["message"]
    assert "base_model" in run["failure"]["fix"]


def test_chat_refuses_strangers_and_names_the_near_models(stack: StackHarness) -> None:
    stranger = stack.chat.with_options(api_key="wrong")
    question: list[openai.types.chat.ChatCompletionMessageParam] = [
        {"role": "user", "content": "Hi"}
    ]
    with pytest.raises(openai.AuthenticationError) as refused:
        stranger.chat.completions.create(model=stack.addresses.base_deployment, messages=question)
    assert refused.value.code == "invalid_api_key"
    with pytest.raises(openai.NotFoundError) as unknown:
        stack.chat.chat.completions.create(model="gpt-4.1-nan", messages=question)
    assert unknown.value.code == "model_not_found"
    assert stack.addresses.base_deployment in unknown.value.message


def explanation(stack: StackHarness, path: str) -> str:
    problem = stack.container("datasets").get_blob_client(f"{path}.problem.txt")
    wait_for(problem.exists)
    return bytes(problem.download_blob().readall()).decode()


def loop_text(stack: StackHarness, path: str) -> str:
    return stack.open(path)[1].decode()


def test_a_deployment_that_has_gone_comes_back_by_itself(stack: StackHarness) -> None:
    """Azure deletes a tuned deployment that nobody has used for 15 days."""
    stack.drop("sleeper", training_set=dataset(10))
    run = stack.ended_run("sleeper")
    stack.control.deployments.begin_delete(GROUP, ACCOUNT, run["deployment"]).result()
    question: list[openai.types.chat.ChatCompletionMessageParam] = [
        {"role": "user", "content": "Hi"}
    ]
    with pytest.raises(openai.InternalServerError) as asleep:
        stack.chat.chat.completions.create(model="sleeper", messages=question)
    assert asleep.value.code == "model_not_ready"
    assert asleep.value.response.headers["retry-after"]

    def answers() -> bool:
        try:
            stack.chat.chat.completions.create(model="sleeper", messages=question, max_tokens=2)
        except openai.InternalServerError:
            return False
        return True

    wait_for(answers)
