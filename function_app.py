"""The triggers of the app: each names an event and hands it to one function of shared/."""

import os
from functools import cache

import azure.functions as func
from azurefunctions.extensions.bindings.blob import BlobClient
from azurefunctions.extensions.http.fastapi import Request, Response

from shared import (
    api,
    cost_api,
    data_api,
    delete_api,
    drop_api,
    exporters,
    keys_api,
    manage,
    model_api,
    telemetry,
    tracing,
)
from shared import console as console_files
from shared.chat.dispatch import answer, answer_any
from shared.chat.relay import Relay
from shared.cloud import AzureClients
from shared.run import reconciler, staging, ticking
from shared.run.context import Context
from shared.run.outbox import Outbox
from shared.run.standin import Standin
from shared.settings import Settings

exporters.start(os.environ)
app = func.FunctionApp(http_auth_level=func.AuthLevel.FUNCTION)


@cache
def opened() -> Context:
    return Context.of(AzureClients(Settings.load(os.environ)))


@cache
def standin() -> Standin:
    return Standin(opened(), forget_old)


@cache
def opened_relay() -> Relay:
    return Relay(opened().clients)


async def forget_old() -> None:
    """Each day, by its timer, or by a call that stands in for it."""
    await opened_relay().feedback.forget(opened().settings.remember_days)
    await opened_relay().key_usage.forget()
    await Outbox(opened().clients.runs).forget(opened().now())
    await staging.forget(opened().clients.runs)


def context() -> Context:
    """For a drop or a call: each may do a share of the timer's work, should that be dead."""
    standin().called()
    return opened()


def relay() -> Relay:
    """The same for chats."""
    standin().called()
    return opened_relay()


@app.blob_trigger(
    arg_name="dataset",
    path=f"{Settings.one(os.environ, 'datasets_container')}/{{name}}",
    connection="TunedropStorage",
    source=func.BlobSource(Settings.one(os.environ, "blob_source")),
)
async def dataset_uploaded(dataset: BlobClient) -> None:
    async with telemetry.event("dataset_uploaded"):
        await reconciler.dataset_dropped(dataset.blob_name, context())


@app.timer_trigger(arg_name="timer", schedule="0 30 3 * * *")
async def forget(timer: func.TimerRequest) -> None:
    await forget_old()


@app.timer_trigger(arg_name="timer", schedule=Settings.one(os.environ, "tick"))
async def keep_moving(timer: func.TimerRequest) -> None:
    async with telemetry.event("keep_moving"):
        await ticking.tick(opened())


# Chat has keys of its own, so that any OpenAI client can send them.


@app.route("v1/chat/completions", methods=["POST"], auth_level=func.AuthLevel.ANONYMOUS)
async def chat(req: Request) -> Response:
    return await answer(Relay.complete, relay, req)


@app.route(
    "openai/deployments/{model}/chat/completions",
    methods=["POST"],
    auth_level=func.AuthLevel.ANONYMOUS,
)
async def chat_with_deployment(req: Request) -> Response:
    """Where Azure OpenAI's own clients look: for them too, only endpoint and key change."""
    return await answer(Relay.complete, relay, req)


@app.route("v1/responses", methods=["POST"], auth_level=func.AuthLevel.ANONYMOUS)
async def responses(req: Request) -> Response:
    return await answer(Relay.respond, relay, req)


@app.route("v1/embeddings", methods=["POST"], auth_level=func.AuthLevel.ANONYMOUS)
async def embeddings(req: Request) -> Response:
    return await answer(Relay.embed, relay, req)


@app.route("v1/completions", methods=["POST"], auth_level=func.AuthLevel.ANONYMOUS)
async def completions(req: Request) -> Response:
    return await answer(Relay.complete_text, relay, req)


@app.route("v1/models", methods=["GET"], auth_level=func.AuthLevel.ANONYMOUS)
async def chat_models(req: Request) -> Response:
    return await answer(Relay.models, relay, req)


@app.route("v1/models/{model}", methods=["GET"], auth_level=func.AuthLevel.ANONYMOUS)
async def chat_model(req: Request) -> Response:
    return await answer(Relay.model, relay, req)


@app.route("feedback", methods=["POST"], auth_level=func.AuthLevel.ANONYMOUS)
async def feedback(req: Request) -> Response:
    return await answer(Relay.rate, relay, req)


@app.route("models/{name}/examples", methods=["GET"])
async def examples(req: Request) -> Response:
    return await model_api.examples(req, lambda: relay().feedback)


@app.route("runs", methods=["GET"])
async def runs(req: Request) -> Response:
    return await api.runs(req, context())


@app.route("runs/{id}", methods=["GET"])
async def run(req: Request) -> Response:
    return await api.run(req, context())


@app.route("runs/{id}/{name}", methods=["GET"])
async def run_document(req: Request) -> Response:
    return await api.document(req, context())


@app.route("runs/{id}/{name}", methods=["POST"])
async def give_command(req: Request) -> Response:
    return await api.command(req, context())


@app.route("runs/{id}/delete", methods=["POST"])
async def delete_run(req: Request) -> Response:
    return await delete_api.run(req, context())


@app.route("staged/{id}", methods=["GET"])
async def staged(req: Request) -> Response:
    return await drop_api.staged(req, context())


@app.route("staged/{id}/diff", methods=["GET"])
async def staged_diff(req: Request) -> Response:
    return await data_api.diff(req, context())


@app.route("staged/{id}/merge", methods=["POST"])
async def merge_rated(req: Request) -> Response:
    return await data_api.merge(req, context(), lambda: relay().feedback)


@app.route("staged/{id}/{name}", methods=["PUT"])
async def stage(req: Request) -> Response:
    return await drop_api.put(req, context())


@app.route("staged/{id}/{name}", methods=["GET"])
async def staged_document(req: Request) -> Response:
    return await drop_api.document(req, context())


@app.route("staged/{id}/{name}", methods=["POST"])
async def give_staged(req: Request) -> Response:
    return await drop_api.order(req, context())


@app.route("models/{name}/data", methods=["GET"])
async def model_data(req: Request) -> Response:
    return await data_api.data(req, context(), lambda: relay().feedback)


@app.route("plan", methods=["POST"])
async def plan(req: Request) -> Response:
    return await api.plan(req, context())


@app.route("cost", methods=["GET"])
async def cost(req: Request) -> Response:
    return await cost_api.cost(req, context())


@app.route("models", methods=["GET"])
async def models(req: Request) -> Response:
    return await model_api.models(req, context())


@app.route("models/{name}", methods=["GET"])
async def model(req: Request) -> Response:
    return await model_api.model(req, context())


@app.route("models/{name}/{order}", methods=["POST"])
async def give_order(req: Request) -> Response:
    return await model_api.order(req, context())


@app.route("keys", methods=["GET"])
async def keys(req: Request) -> Response:
    return await keys_api.keys(req, relay(), context())


@app.route("keys", methods=["POST"])
async def create_key(req: Request) -> Response:
    return await keys_api.create(req, relay(), context())


@app.route("keys/{name}/{order}", methods=["POST"])
async def change_key(req: Request) -> Response:
    return await keys_api.order(req, relay(), context())


@app.route("trace/{*id}", methods=["GET"])
async def trace(req: Request) -> Response:
    return await tracing.trace(req, context(), lambda: relay().trace_log)


# The same for people whom the app itself knows, by a key with a role or by a sign-in.
@app.route("manage/{*path}", methods=["GET", "POST", "PUT"], auth_level=func.AuthLevel.ANONYMOUS)
async def managed(req: Request) -> Response:
    return await manage.manage(req, manage.App(context, relay, os.environ))


@app.route("health", methods=["GET"], auth_level=func.AuthLevel.ANONYMOUS)
async def health(req: Request) -> Response:
    return await api.health(req, context)


@app.route("doctor", methods=["GET"])
async def doctor(req: Request) -> Response:
    return await api.doctor(os.environ)


@app.route("console", methods=["GET"], auth_level=func.AuthLevel.ANONYMOUS)
async def console(req: Request) -> Response:
    return console_files.page(req)


@app.route("console/{*name}", methods=["GET"], auth_level=func.AuthLevel.ANONYMOUS)
async def console_file(req: Request) -> Response:
    return console_files.file(req.path_params["name"])


@app.route("openapi.json", methods=["GET"], auth_level=func.AuthLevel.ANONYMOUS)
async def openapi(req: Request) -> Response:
    return console_files.file("openapi.json")


@app.route(
    "{*path}",
    methods=["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"],
    auth_level=func.AuthLevel.ANONYMOUS,
)
async def other_paths(req: Request) -> Response:
    """The chat by every other path that clients build, and browsers' questions; no other route's
    work can be reached by it."""
    return await answer_any(relay, req)
