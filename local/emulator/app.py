"""Puts the parts together: which URL leads where, and what starts and stops with the server."""

import shutil
import threading
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.requests import ClientDisconnect, Request
from starlette.responses import JSONResponse, Response
from starlette.routing import BaseRoute, Mount, Route
from starlette.types import ASGIApp

from .control_plane.account import Account
from .control_plane.arm import Arm
from .control_plane.deployments import Deployments
from .control_plane.lifecycle import Lifecycle
from .control_plane.model_registry import ModelRegistry
from .controls.endpoints import Controls
from .core.connection import ConnectionMiddleware
from .core.context import Context
from .core.errors import ArmError, ServiceError, resource_not_found
from .core.operations import family_of
from .core.protocol import DATED, V1
from .data_plane.chat import Chat
from .data_plane.completions import Completions
from .data_plane.embeddings import Embeddings
from .data_plane.file_import import FileImports
from .data_plane.files import Files
from .data_plane.inference import Inference
from .data_plane.job_queue import JobQueue
from .data_plane.job_runner import JobRunner
from .data_plane.jobs import Jobs
from .data_plane.models import Models
from .data_plane.responses import Responses
from .data_plane.uploads import Uploads
from .data_plane.worker import Worker
from .language.model import LanguageModel
from .middleware.api_version import ApiVersionMiddleware
from .middleware.auth import AuthMiddleware
from .middleware.fault_injection import FaultInjection
from .middleware.journal import JournalMiddleware
from .middleware.origin import Hosts, OriginGuard
from .middleware.rights import Rights
from .middleware.tokens import Tokens

# Seconds. A training that is in the middle of a step is not waited for any longer: nothing is lost,
# because records are written last.
STOP_TIMEOUT = 0.5


class Emulator:
    """Every part once, and what concerns them all."""

    def __init__(
        self,
        state: Path,
        language: LanguageModel,
        key: str,
        warm: bool = True,
        stopping: threading.Event | None = None,
    ) -> None:
        self.language, self.adapters = language, language.adapters
        self.adapters.mkdir(parents=True, exist_ok=True)
        self.key, self._warm = key, warm
        context = self.context = Context.open(state / "emulator.sqlite3")
        self.tokens, self.rights = Tokens(context.store), Rights(context.store)
        self.registry = ModelRegistry(context)
        self.lifecycle = Lifecycle(context)
        self.files = Files(context, state / "files")
        self.imports = FileImports(context, self.files)
        self.uploads = Uploads(context, self.files, state / "parts")
        self.queue = JobQueue(context)
        self.jobs = Jobs(context, self.files, self.registry, self.lifecycle, self.queue)
        self.deployments = Deployments(context, self.registry, self.lifecycle)
        self.models = Models(self.registry, self.lifecycle, self.deployments)
        self.arm = Arm(context, self.registry, self.deployments)
        self.account = Account(context, self.deployments, self.lifecycle, key)
        self.inference = Inference(context, self.deployments, language)
        self.chat = Chat(context, self.inference)
        self.completions = Completions(context, self.inference)
        self.embeddings = Embeddings(self.inference)
        self.responses = Responses(context, self.inference)
        stopping = stopping or threading.Event()
        language.stop_at(stopping)
        runner = JobRunner(context, self.queue, self.files, self.registry, language, stopping)
        self.worker = Worker(context, self.queue, runner)
        self.controls = Controls(context, self.summary, self.clear_files)

    def routes(self) -> list[BaseRoute]:
        both = [*self.files.routes(), *self.jobs.routes(), *self.models.routes()]
        both += self.responses.routes()
        # Before "/files/{id}", which would take it for an id.
        both = [*self.imports.routes(), *both]
        dated = [*self.jobs.dated_routes(), *self.uploads.routes()]
        v1: list[Route] = []
        for asked in (self.chat, self.completions, self.embeddings):
            v1 += asked.v1_routes()
            dated += asked.dated_routes()
        return [
            Route("/_emulator/health", self.health),
            Route("/_emulator/identity", self.tokens.identity),
            *self.controls.routes(),
            *self.rights.routes(),
            # v1 first: "/openai" would catch it too.
            Mount(V1, routes=[*both, *v1]),
            Mount(DATED, routes=[*both, *dated]),
            *self.arm.routes(),
            *self.account.routes(),
        ]

    async def health(self, request: Request) -> JSONResponse:
        """200 from the first moment; `ready` once the model is in memory (work waits for it)."""
        return JSONResponse(self._health())

    def _health(self) -> dict[str, Any]:
        status = "failed" if self.language.failure else "ok"
        return {"status": status, "model": self.language.name, "ready": self.language.ready}

    def summary(self) -> dict[str, Any]:
        """What there is, for the page."""
        deployments = [
            {
                "name": deployment.name,
                "model": deployment.servable.name,
                "sku": deployment.sku,
                "state": self.deployments.state(deployment),
            }
            for deployment in self.deployments.all()
        ]
        jobs = [
            {key: job.get(key) for key in ("id", "status", "model", "suffix", "fine_tuned_model")}
            for job in reversed(self.context.store.family("job"))
        ]
        files = [
            {key: shown[key] for key in ("id", "filename", "purpose", "bytes", "status")}
            for shown in map(self.files.shown, reversed(self.files.all()))
        ]
        return {
            "health": self._health(),
            "chats": self.language.load(),
            "files": files,
            "jobs": jobs,
            "deployments": deployments,
        }

    def clear_files(self) -> None:
        """Deletes what is kept beside the database."""
        self.files.clear_files()
        self.uploads.clear_files()
        self.language.clear_variants()
        for folder in self.adapters.iterdir():
            shutil.rmtree(folder, ignore_errors=True)

    @asynccontextmanager
    async def lifespan(self, app: Starlette) -> AsyncIterator[None]:
        if self._warm:
            self.language.start()
        self.imports.fail_interrupted()
        self.worker.start()
        yield
        self.worker.stop(STOP_TIMEOUT)
        self.language.stop()
        self.context.store.close()


def build_app(emulator: Emulator, bound: str, allowed: Sequence[str]) -> ASGIApp:
    """`bound` is the host that the server listens on, `allowed` are other names that it has."""
    app = Starlette(
        routes=emulator.routes(),
        middleware=[
            Middleware(JournalMiddleware, journal=emulator.context.journal),
            Middleware(
                AuthMiddleware,
                tokens=emulator.tokens,
                rights=emulator.rights,
                key=emulator.key,
                settings=emulator.context.settings,
            ),
            Middleware(ApiVersionMiddleware),
            Middleware(FaultInjection, faults=emulator.context.faults),
        ],
        exception_handlers={
            ServiceError: _service_error,
            HTTPException: _http_error,
            ClientDisconnect: _left,
            Exception: _unhandled_error,
        },
        lifespan=emulator.lifespan,
    )
    return ConnectionMiddleware(OriginGuard(app, Hosts.of(bound, allowed)))


async def _service_error(request: Request, error: Exception) -> Response:
    assert isinstance(error, ServiceError)
    return error.response()


async def _http_error(request: Request, error: Exception) -> Response:
    """No such route, or not with this method, or a form that cannot be read."""
    assert isinstance(error, HTTPException)
    if family_of(request.url.path) == "arm":
        code = "MethodNotAllowed" if error.status_code == 405 else "InvalidResourceType"
        return ArmError(error.status_code, code, error.detail).response()  # [inferred]
    if error.status_code == 404:
        return resource_not_found().response()
    code = "invalidPayload" if error.status_code == 400 else str(error.status_code)
    return ServiceError(error.status_code, code, error.detail).response()


async def _left(request: Request, error: Exception) -> Response:
    """The caller has gone in the middle of the request: nobody reads this answer."""
    return Response(status_code=400)


async def _unhandled_error(request: Request, error: Exception) -> Response:
    """An error in the emulator: Starlette writes it to the error output, never into the answer."""
    return ServiceError(500, "internalFailure", "The emulator failed; see its output.").response()
