"""Puts the rooms together: which URL leads where, and who starts and stops with the server."""

import shutil
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import BaseRoute, Mount, Route
from starlette.types import ASGIApp

from .account import Account
from .arm import Arm
from .auth import Gate, Tokens
from .chat import Chat
from .connection import Breakable
from .control import Control
from .deployments import Deployments
from .errors import ArmError, ServiceError, resource_not_found
from .files import Files
from .imports import Imports
from .job_queue import Queue
from .jobs import Jobs
from .journal import Journaled
from .language import Language
from .models import Models
from .operations import family_of
from .rights import Rights
from .room import Common
from .trouble import Trouble
from .uploads import Uploads
from .versions import ApiVersions
from .wire import DATED, V1
from .worker import Worker

# A training that has not noticed by then that the server stops is cut off in the middle of a step:
# nothing is lost by it, for records are written last, and stopping stays quick.
STOP_PATIENCE = 0.5


class Emulator:
    """Every room once, and what concerns them all."""

    def __init__(self, state: Path, language: Language, key: str, warm: bool) -> None:
        self.language, self.adapters = language, language.adapters
        self.adapters.mkdir(parents=True, exist_ok=True)
        self.key, self._warm = key, warm
        common = self.common = Common.open(state / "emulator.sqlite3")
        self.tokens, self.rights = Tokens(common.store), Rights(common.store)
        self.models = Models(common)
        self.files = Files(common, state / "files")
        self.imports = Imports(common, self.files)
        self.uploads = Uploads(common, self.files, state / "parts")
        self.queue = Queue(common)
        self.jobs = Jobs(common, self.files, self.models, self.queue)
        self.deployments = Deployments(common, self.models)
        self.arm = Arm(common, self.models, self.deployments)
        self.account = Account(common, self.deployments, key)
        self.chat = Chat(common, self.deployments, language)
        self.worker = Worker(common, self.queue, self.files, self.models, language)
        self.control = Control(common, self.summary, self.forget)

    def routes(self) -> list[BaseRoute]:
        both = [*self.files.routes(), *self.jobs.routes(), *self.models.routes()]
        # Before "/files/{id}", which would take it for an id.
        both = [*self.imports.routes(), *both]
        dated = [*self.jobs.dated_routes(), *self.uploads.routes(), *self.chat.dated_routes()]
        return [
            Route("/_emulator/health", self.health),
            Route("/_emulator/identity", self.tokens.identity),
            *self.control.routes(),
            *self.rights.routes(),
            # v1 first: "/openai" would catch it too.
            Mount(V1, routes=[*both, *self.chat.v1_routes()]),
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
        """What there is, for the page and for whoever is curious."""
        deployments = [
            {
                "name": record["name"],
                "model": record["_model"]["name"],
                "sku": record["sku"]["name"],
                "state": self.deployments.state(record),
            }
            for record in self.deployments.all()
        ]
        jobs = [
            {key: job.get(key) for key in ("id", "status", "model", "suffix", "fine_tuned_model")}
            for job in reversed(self.common.store.family("job"))
        ]
        files = [
            {key: file[key] for key in ("id", "filename", "purpose", "bytes", "status")}
            for file in reversed(self.files.all())
        ]
        return {"health": self._health(), "files": files, "jobs": jobs, "deployments": deployments}

    def forget(self) -> None:
        """What the rooms keep beside the database."""
        self.files.forget()
        self.uploads.forget()
        self.language.forget()
        for folder in self.adapters.iterdir():
            shutil.rmtree(folder, ignore_errors=True)

    @asynccontextmanager
    async def lifespan(self, app: Starlette) -> AsyncIterator[None]:
        if self._warm:
            self.language.start()
        self.imports.give_up_interrupted()
        self.worker.start()
        yield
        self.worker.stop(STOP_PATIENCE)
        self.common.store.close()


def build_app(state: Path, language: Language, key: str, warm: bool = True) -> ASGIApp:
    emulator = Emulator(state, language, key, warm)
    app = Starlette(
        routes=emulator.routes(),
        middleware=[
            Middleware(Journaled, journal=emulator.common.journal),
            Middleware(Gate, tokens=emulator.tokens, rights=emulator.rights, key=key),
            Middleware(ApiVersions),
            Middleware(Trouble, faults=emulator.common.faults),
        ],
        exception_handlers={
            ServiceError: _refused,
            HTTPException: _lost,
            Exception: _broken,
        },
        lifespan=emulator.lifespan,
    )
    return Breakable(app)


async def _refused(request: Request, error: Exception) -> Response:
    assert isinstance(error, ServiceError)
    return error.response()


async def _lost(request: Request, error: Exception) -> Response:
    """No such route, or not with this method, or a form that cannot be read."""
    assert isinstance(error, HTTPException)
    if family_of(request.url.path) == "arm":
        code = "MethodNotAllowed" if error.status_code == 405 else "InvalidResourceType"
        return ArmError(error.status_code, code, error.detail).response()  # [inferred]
    if error.status_code == 404:
        return resource_not_found().response()
    code = "invalidPayload" if error.status_code == 400 else str(error.status_code)
    return ServiceError(error.status_code, code, error.detail).response()


async def _broken(request: Request, error: Exception) -> Response:
    """A fault of the emulator: Starlette tells it on the error output, never in the answer."""
    return ServiceError(500, "internalFailure", "The emulator failed; see its output.").response()
