"""What is asked of the app, function by function, and what of an answer must be the same under both
hosts.

Knows no host: both are told the same. An answer's numbers, times and ids are its own; which there
are, and every word beside them, is compared.
"""

import json
import re
import uuid
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

import httpx
from azure.storage.blob import BlobServiceClient

from tests.engine.hosts import FUNCTION_KEY, SUCCEEDED, Call, Host
from tests.support.datasets import dataset
from tests.support.stack import ENDS, wait_for

APP_KEY = "the-key-of-an-app"
OWN_HEADERS = {"date", "server", "connection", "content-length", "transfer-encoding", "keep-alive"}
SAID = ("content", "text")  # of an answer: each host's model is trained by itself
QUESTION = [{"role": "user", "content": "What is 3?"}]
RESPONSE = {"model": "{model}", "max_output_tokens": 16}
CHAT = {"model": "{model}", "messages": QUESTION, "max_tokens": 4}


@dataclass(frozen=True)
class Step:
    """One request of one function. `{model}`, `{run}`, `{staged}` and `{chat}` in `path` and `body`
    stand for a host's own."""

    function: str
    method: str
    path: str
    body: Any = None
    key: str = APP_KEY
    about: str = ""

    def __str__(self) -> str:
        return " ".join(filter(None, (self.function, self.method, self.path, self.about)))


STEPS = (
    Step("health", "GET", "health"),
    Step("doctor", "GET", "doctor"),
    Step("runs", "GET", "runs?model={model}"),
    Step("run", "GET", "runs/{run}"),
    Step("run_document", "GET", "runs/{run}/report.json"),
    Step("run_document", "GET", "runs/{run}/report.html"),
    Step("give_command", "POST", "runs/{run}/cancel", {"who": "somebody", "why": "no need"}),
    Step("plan", "POST", "plan", ""),
    Step("cost", "GET", "cost"),
    Step("models", "GET", "models"),
    Step("model", "GET", "models/{model}"),
    Step("examples", "GET", "models/{model}/examples"),
    Step("model_data", "GET", "models/{model}/data"),
    Step("give_order", "POST", "models/{model}/promote", {"version": 1}),
    Step("keys", "GET", "keys"),
    Step("create_key", "POST", "keys", {"name": "web", "requests_per_minute": 5}),
    Step("change_key", "POST", "keys/web/limit", {"requests_per_minute": 6}),
    Step("change_key", "POST", "keys/web/revoke", {}),
    Step("stage", "PUT", "staged/{staged}/training_set.jsonl", dataset(10, "Aye")),
    Step("stage", "PUT", "staged/{staged}/notes.doc", b"no dataset"),
    Step("staged", "GET", "staged/{staged}"),
    Step("give_staged", "POST", "staged/{staged}/check", {"model": "{model}"}),
    Step("staged_document", "GET", "staged/{staged}/report.html"),
    Step("staged_diff", "GET", "staged/{staged}/diff?model={model}"),
    Step("merge_rated", "POST", "staged/{staged}/merge", {"model": "{model}"}),
    Step("chat", "POST", "v1/chat/completions", CHAT),
    Step("chat", "POST", "v1/chat/completions", {**CHAT, "stream": True}, about="streamed"),
    Step("chat", "POST", "v1/chat/completions", {**CHAT, "model": "nobody"}, about="of nobody"),
    Step("chat_with_deployment", "POST", "openai/deployments/{model}/chat/completions", CHAT),
    Step("responses", "POST", "v1/responses", {**RESPONSE, "input": "What is 3?"}),
    Step("embeddings", "POST", "v1/embeddings", {"model": "{model}", "input": "What is 3?"}),
    Step("completions", "POST", "v1/completions", {"model": "{model}", "prompt": "What is"}),
    Step("chat_models", "GET", "v1/models"),
    Step("chat_model", "GET", "v1/models/{model}"),
    Step("feedback", "POST", "feedback", {"id": "{chat}", "rating": "good"}),
    Step("trace", "GET", "trace/{chat}"),
    Step("managed", "GET", "manage/me"),
    Step("managed", "GET", "manage/runs/{run}/report.json"),
    Step("managed", "PUT", "manage/staged/{staged}/validation_set.jsonl", dataset(3)),
    Step("managed", "POST", "manage/plan", ""),
    Step("other_paths", "POST", "openai/v1/chat/completions", CHAT),
    Step("other_paths", "GET", "openai/deployments?api-version=2024-10-21"),
    Step("delete_run", "POST", "runs/{run}/delete", {}),
)
# What needs nothing to have been dropped.
PLAIN = (
    Step("run", "GET", "runs/nobody%27s", about="that is not there"),
    Step("give_command", "POST", "runs/nobody/dance", {}),
    Step("plan", "POST", "plan?examples=many", ""),
    Step("chat", "POST", "v1/chat/completions", CHAT, key="wrong", about="with a wrong key"),
    Step("chat", "POST", "v1/chat/completions", b"{", about="that is no JSON"),
    Step("chat_model", "GET", "v1/models/a%20%C3%BC"),
    Step("trace", "GET", "trace/a/slash%2Fmore"),
    Step("managed", "GET", "manage/me", key="", about="without a key"),
    Step("managed", "GET", "manage/"),
    Step("managed", "GET", "manage/not/there"),
    Step("console", "GET", "console"),
    Step("console", "GET", "console/"),
    Step("console_file", "GET", "console/app.js"),
    Step("console_file", "GET", "console/style.css"),
    Step("console_file", "GET", "console/host.json", about="that is not the console's"),
    Step("openapi", "GET", "openapi.json"),
    Step("other_paths", "OPTIONS", "v1/chat/completions"),
    Step("other_paths", "HEAD", "v1/chat/completions"),
    Step("other_paths", "PATCH", "assistants"),
    Step("other_paths", "DELETE", "not/there"),
    Step("run_document", "GET", "runs/nobody/report.json"),
    Step("delete_run", "POST", "runs/nobody/delete", {}),
)
TRIGGERS = ("dataset_uploaded", "keep_moving", "forget")  # which no request reaches


@dataclass
class Told:
    """A host through the whole story: its run, and what its functions have answered."""

    run: dict[str, Any]
    invocations: dict[str, str]
    answers: dict[str, httpx.Response]  # by the step as text
    own: dict[str, str]


def told(host: Host, datasets: str, blobs: BlobServiceClient) -> Told:
    """A dataset is dropped and becomes a model that serves; then everything is asked."""
    name = f"{host.model}/training_set.jsonl"
    blobs.get_blob_client(datasets, name).upload_blob(dataset(12))
    invocations = {
        "dataset_uploaded": host.blob("dataset_uploaded", datasets, name),
        "forget": host.timer("forget"),
    }
    run = wait_for(lambda: moved(host, invocations))
    own = {"model": host.model, "run": run["id"], "staged": uuid.uuid4().hex, "chat": "none"}
    answers = {}
    for step in STEPS:
        if step.function == "doctor":
            answers[str(step)] = while_events_come(host, step, own, blobs, datasets)
        else:
            answers[str(step)] = host.ask(step.function, call(step, own))
        own["chat"] = chat_id(answers[str(step)]) or own["chat"]
    return Told(run, invocations, answers, own)


def moved(host: Host, invocations: dict[str, str]) -> Any:
    """The run, once it has come to its end: a tick at each look."""
    result = host.timer("keep_moving")
    invocations["keep_moving"] = result
    assert result == SUCCEEDED
    step = Step("runs", "GET", "runs?model={model}")
    (run,) = host.ask(step.function, call(step, {"model": host.model})).json()["runs"]
    return run if run["stage"] in ENDS else None


def while_events_come(
    host: Host, step: Step, own: dict[str, str], blobs: BlobServiceClient, datasets: str
) -> httpx.Response:
    """An answer that waits until something that it has dropped is brought to the app; other drops
    of it may be gone by then."""
    container = blobs.get_container_client(datasets)
    told = set(container.list_blob_names())
    with ThreadPoolExecutor(1) as other:
        asked = other.submit(host.ask, step.function, call(step, own))
        while not asked.done():
            for name in set(container.list_blob_names()) - told:
                told.add(name)
                host.blob("dataset_uploaded", datasets, name)
        return asked.result()


def call(step: Step, own: dict[str, str]) -> Call:
    headers = {"x-functions-key": FUNCTION_KEY}
    if step.key:
        headers["api-key"] = step.key
    return Call(step.method, filled(step.path, own), headers, content(step.body, own))


def content(body: Any, own: dict[str, str]) -> bytes:
    if isinstance(body, bytes):
        return body
    return filled(json.dumps(body) if body else "", own).encode()


def filled(text: str, own: dict[str, str]) -> str:
    for name, value in own.items():
        text = text.replace(f"{{{name}}}", value)
    return text


def chat_id(response: httpx.Response) -> str:
    kind = response.headers.get("content-type", "")
    answer = response.json() if response.status_code == 200 and kind == "application/json" else {}
    return str(answer["id"]) if str(answer.get("object")) == "chat.completion" else ""


# ---- what both must have in common


def common(response: httpx.Response, own: dict[str, str]) -> dict[str, Any]:
    """Of an answer what does not belong to one host or one moment."""
    headers = {
        name: nameless(value, own)
        for name, value in response.headers.items()
        if name not in OWN_HEADERS
    }
    kind = headers.get("content-type", "")
    if "json" in kind and response.content:
        body: Any = shape(response.json(), own)
    elif "event-stream" in kind:
        body = sorted({json.dumps(event) for event in events(response.text, own)})
    else:
        body = nameless(response.text, own)
    return {"status": response.status_code, "headers": headers, "body": body}


def events(text: str, own: dict[str, str]) -> Iterator[Any]:
    for data in re.findall(r"(?m)^data: (.*)$", text):
        yield data if data == "[DONE]" else shape(json.loads(data), own)


def shape(value: Any, own: dict[str, str]) -> Any:
    if isinstance(value, dict):
        return {
            nameless(key, own): "words" if key in SAID and part else shape(part, own)
            for key, part in value.items()
        }
    if isinstance(value, list):
        return [shape(part, own) for part in value]
    if isinstance(value, bool) or value is None:
        return value
    return nameless(value, own) if isinstance(value, str) else "number"


def nameless(text: str, own: dict[str, str]) -> str:
    """Without what names this host's own: its model, its ids, its times."""
    for name, value in own.items():
        text = text.replace(value, f"<{name}>")
    text = re.sub(r"([0-9a-f]{8}(-[0-9a-f]{4}){3}-)?[0-9a-f]{12,}|0x[0-9A-F]+", "<id>", text)
    return re.sub(r"[0-9][0-9,]*", "#", text)
