"""The host's side of Microsoft's worker engine: says what it has indexed, invokes what it is told.

    python worker.py FOLDER_OF_THE_APP

Lines of JSON: first the indexing on stdout, then for each invocation of stdin its result. The
requests of HTTP functions go to the engine's own server, at the address in the first line. Runs in
an environment that has the engine, `azure-functions-runtime`, and what the app ships with; imports
nothing of this checkout but the app. What gRPC would carry are plain objects of the same fields:
https://github.com/Azure/azure-functions-language-worker-protobuf, src/proto/FunctionRpc.proto.
"""

import asyncio
import importlib
import json
import os
import sys
import threading
from types import SimpleNamespace
from typing import Any

engine: Any = importlib.import_module("azure_functions_runtime")
Command = dict[str, Any]


class Message(SimpleNamespace):
    """Any message of the protocol."""


class OneOf(Message):
    """A message that holds one of several fields."""

    def WhichOneof(self, group: str) -> str | None:  # noqa: N802 - protobuf's name
        return next((name for name in vars(self) if name != "name"), None)


class StatusResult(Message):
    Success, Failure = "Success", "Failure"


class BindingInfo(Message):
    undefined, out, inout = 0, 1, 2  # of data types and of directions


class Protos:
    """The generated module that the proxy worker hands to the engine."""

    StatusResult, BindingInfo, TypedData, ParameterBinding = StatusResult, BindingInfo, OneOf, OneOf

    def __getattr__(self, name: str) -> type[Message]:
        return Message


def request(**content: Any) -> Message:
    properties = {"protos": Protos(), "host": "127.0.0.1"}
    return Message(request=Message(**content), properties=properties)


async def indexed(folder: str) -> dict[str, Any]:
    """As the host asks for it at its start. The engine indexes when it is initialised."""
    init = Message(capabilities={}, function_app_directory=folder)
    started = await engine.worker_init_request(request(worker_init_request=init))
    if started.result.status != StatusResult.Success:
        return {"error": started.result.exception.message}
    wanted = Message(function_app_directory=folder)
    answer = await engine.functions_metadata_request(request(functions_metadata_request=wanted))
    return {
        "functions": list(map(described, answer.function_metadata_results)),
        "capabilities": started.capabilities,
        "python": started.worker_metadata.runtime_version,
    }


def described(function: Any) -> dict[str, Any]:
    return {
        "name": function.name,
        "id": function.function_id,
        "script": os.path.basename(function.script_file),  # noqa: PTH119 - only its name
        "bindings": [json.loads(text) for text in function.raw_bindings],
    }


async def invoked(command: Command) -> dict[str, Any]:
    about = Message(trace_parent="", trace_state="", attributes={})
    invocation = Message(
        invocation_id=command["invocation"],
        function_id=command["function"],
        input_data=[OneOf(name=command["parameter"], data=typed(command))],
        trigger_metadata={},
        trace_context=about,
        retry_context=Message(retry_count=0, max_retry_count=0, exception=None),
    )
    response = await engine.invocation_request(request(invocation_request=invocation))
    error = getattr(response.result, "exception", None)
    return {
        "invocation": response.invocation_id,
        "status": response.result.status,
        "error": error and error.message,
    }


def typed(command: Command) -> OneOf:
    """The trigger's data: of a blob and its SDK type only where it lies, of a request only what its
    route says."""
    kind, data = command["kind"], command["data"]
    if kind == "blobTrigger":
        content = json.dumps(data).encode()
        binding = Message(version="1.0", source="AzureStorageBlobs", content=content)
        return OneOf(model_binding_data=Message(**vars(binding), content_type="application/json"))
    if kind == "timerTrigger":
        return OneOf(json=json.dumps(data))
    nothing = {"method": "", "url": "", "headers": {}, "query": {}, "body": OneOf()}
    return OneOf(http=Message(**nothing, params=data))


async def main(folder: str) -> None:
    os.chdir(folder)
    sys.path.insert(0, folder)
    out, sys.stdout = sys.stdout, sys.stderr  # what the app prints is not for who reads the lines

    def tell(line: dict[str, Any]) -> None:
        print(json.dumps(line), file=out, flush=True)

    async def invoke(command: Command) -> None:
        tell(await invoked(command))

    engine.start_threadpool_executor()
    tell(await indexed(folder))
    loop, ended = asyncio.get_running_loop(), asyncio.Event()
    running: set[asyncio.Task[None]] = set()

    def begin(line: str) -> None:
        task = asyncio.create_task(invoke(json.loads(line)))
        running.add(task)
        task.add_done_callback(running.discard)

    def listen() -> None:
        for line in sys.stdin:
            loop.call_soon_threadsafe(begin, line)
        loop.call_soon_threadsafe(ended.set)

    threading.Thread(target=listen, daemon=True).start()
    await ended.wait()
    engine.stop_threadpool_executor()


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1]))
