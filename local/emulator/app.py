"""Puts the rooms together: which URL leads where, and who starts and stops with the server."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import BaseRoute, Mount, Route

from .auth import Gate, Tokens
from .chat import Chat
from .clock import Clock
from .deployments import Deployments
from .errors import ServiceError, resource_not_found
from .files import Files
from .jobs import Jobs
from .language import Language
from .models import Models
from .store import Store
from .versions import ApiVersions
from .wire import DATED, V1
from .worker import Worker

# A training that has not noticed by then that the server stops is cut off in the middle of a step:
# nothing is lost by it, for records are written last, and stopping stays quick.
STOP_PATIENCE = 0.5


def build_app(state: Path, weights: Path, model: str, key: str) -> Starlette:
    adapters = state / "adapters"
    adapters.mkdir(parents=True, exist_ok=True)
    clock, store = Clock(), Store(state / "emulator.sqlite3")
    tokens = Tokens(store, clock)
    models = Models(store)
    files = Files(store, clock, state / "files")
    jobs = Jobs(store, clock, files, models)
    deployments = Deployments(store, clock, models)
    language = Language(model, weights, adapters)
    chat = Chat(deployments, language, clock)
    worker = Worker(jobs, files, models, language, clock, adapters)

    async def health(request: Request) -> JSONResponse:
        """200 from the first moment; `ready` once the model is in memory (work waits for it)."""
        status = "failed" if language.failure else "ok"
        return JSONResponse({"status": status, "model": language.name, "ready": language.ready})

    @asynccontextmanager
    async def lifespan(app: Starlette) -> AsyncIterator[None]:
        language.start()
        worker.start()
        yield
        worker.stop(STOP_PATIENCE)
        store.close()

    def data_plane() -> list[BaseRoute]:
        return [*files.routes(), *jobs.routes(), *models.routes()]

    return Starlette(
        routes=[
            Route("/_emulator/health", health),
            Route("/_emulator/identity", tokens.identity),
            # v1 first: "/openai" would catch it too.
            Mount(V1, routes=[*data_plane(), *chat.v1_routes()]),
            Mount(DATED, routes=[*data_plane(), *chat.dated_routes()]),
            *deployments.routes(),
        ],
        middleware=[Middleware(Gate, tokens=tokens, key=key), Middleware(ApiVersions)],
        exception_handlers={
            ServiceError: _refused,
            HTTPException: _lost,
            Exception: _broken,
        },
        lifespan=lifespan,
    )


async def _refused(request: Request, error: Exception) -> Response:
    assert isinstance(error, ServiceError)
    return error.response()


async def _lost(request: Request, error: Exception) -> Response:
    """No such route, or not with this method."""
    assert isinstance(error, HTTPException)
    if error.status_code == 404:
        return resource_not_found().response()
    return ServiceError(error.status_code, str(error.status_code), error.detail).response()


async def _broken(request: Request, error: Exception) -> Response:
    """A fault of the emulator: Starlette tells it on the error output, never in the answer."""
    return ServiceError(500, "internalFailure", "The emulator failed; see its output.").response()
