"""Fine-tuning jobs as the service shows them: create, read, pause, cancel. Trains nothing.

A job is one document in the service's own shape; keys that begin with `_` are the emulator's and
never shown.
`job_queue.py` is the other side of the same documents: what the worker takes and reports.
"""

import random
from collections.abc import Callable
from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from ..control_plane.catalog import base_of
from ..control_plane.lifecycle import Lifecycle
from ..control_plane.model_registry import ModelRegistry, Servable
from ..control_plane.offers import NOT_TUNABLE, training_refusal
from ..core.context import Component, Context
from ..core.errors import ServiceError, invalid
from ..core.protocol import created, json_body, new_id, page
from ..core.store import Document, public
from .files import Files
from .job_queue import TERMINAL, WAITING, JobQueue
from .job_request import (
    echoed_hyperparameters,
    metadata_of,
    parse_method,
    seed_of,
    suffix_of,
    training_type,
)

# A first guess, replaced by a measured one as soon as steps are made.
GUESSED_SECONDS = 60
DEFAULT_PAGE, DEFAULT_CHECKPOINTS = 20, 10  # S-AUTH
LONGEST_PAGE = 100  # as OpenAI's own lists; that Azure's end there too is [inferred]
# Versions up to this month have the old statuses (S-STATE).
OLD_VERSIONS = "2023-07"
OLD_STATUSES = {"pending": "notRunning", "cancelled": "canceled"}
FAULTS = ("job-stuck", "job-failed", "job-unsafe-data", "job-unsafe-model")
# Null in the older of the two shapes (S-FT, Sep 2025).
NULL_WHEN_UNKNOWN = (
    "error",
    "fine_tuned_model",
    "finished_at",
    "organization_id",
    "result_files",
    "trained_tokens",
    "integrations",
    "metadata",
    "method",
)


class Jobs(Component):
    def __init__(
        self,
        context: Context,
        files: Files,
        registry: ModelRegistry,
        lifecycle: Lifecycle,
        queue: JobQueue,
    ) -> None:
        super().__init__(context)
        self._files, self._registry, self._queue = files, registry, queue
        self._lifecycle = lifecycle

    def routes(self) -> list[Route]:
        one = "/fine_tuning/jobs/{id}"
        return [
            Route("/fine_tuning/jobs", self.create, methods=["POST"]),
            Route("/fine_tuning/jobs", self.index, methods=["GET"]),
            Route(one, self.show, methods=["GET"]),
            Route(f"{one}/cancel", self.cancel, methods=["POST"]),
            Route(f"{one}/pause", self.pause, methods=["POST"]),
            Route(f"{one}/resume", self.resume, methods=["POST"]),
            Route(f"{one}/events", self.events, methods=["GET"]),
            Route(f"{one}/checkpoints", self.checkpoints, methods=["GET"]),
        ]

    def dated_routes(self) -> list[Route]:
        """v1 has no way to delete a job (S-V1)."""
        return [Route("/fine_tuning/jobs/{id}", self.delete, methods=["DELETE"])]

    # ---- endpoints ---------------------------------------------------------------------------

    async def create(self, request: Request) -> JSONResponse:
        body = await json_body(request)
        self._check_limits()
        job = self._new_job(body)
        self._queue.add_enqueued_event(job["id"])
        self._journal.add_effect("job", job["id"], "created")
        self._store.put("job", job["id"], job)
        return created(request, self._shown(request, job))

    async def index(self, request: Request) -> JSONResponse:
        newest_first = reversed(self._store.family("job"))
        shown = [self._shown(request, job) for job in newest_first]
        return self._page(request, shown, DEFAULT_PAGE)

    async def show(self, request: Request) -> JSONResponse:
        return JSONResponse(self._shown(request, self._require(request)))

    async def cancel(self, request: Request) -> JSONResponse:
        """A job that does not train ends at once; one that does within a step."""

        def apply(job: Document) -> None:
            if job["status"] in TERMINAL:
                raise _wrong_state(f"The job is already {job['status']}.")
            job["_cancel"] = True
            if job["status"] in (*WAITING, "paused"):
                job.update(status="cancelled", finished_at=self._clock.seconds())
                self._queue.add_event(job["id"], "Job cancelled.")  # wording [inferred]

        return self._change(request, apply, "cancelled")

    async def pause(self, request: Request) -> JSONResponse:
        """Only a job that runs and has made a step can be paused (S-DOC)."""

        def apply(job: Document) -> None:
            if job["status"] != "running" or not job["_steps"]:
                raise _wrong_state("Only a running job that has made a step can be paused.")
            job["status"] = "pausing"

        return self._change(request, apply, "paused")

    async def resume(self, request: Request) -> JSONResponse:
        def apply(job: Document) -> None:
            if job["status"] != "paused":
                raise _wrong_state(f"The job is {job['status']}, not paused.")
            job["status"] = "resuming"

        return self._change(request, apply, "resumed")

    async def delete(self, request: Request) -> Response:
        job = self._require(request)
        if job["status"] not in TERMINAL:
            raise _wrong_state(f"The job is {job['status']}; cancel it first.")  # [inferred]
        self._store.delete("job", job["id"])
        for kind in ("event", "checkpoint"):
            self._store.delete_family(kind, job["id"])
        self._journal.add_effect("job", job["id"], "deleted")
        return Response(status_code=204)

    async def events(self, request: Request) -> JSONResponse:
        """Newest first (S-FT)."""
        job_id = self._require(request)["id"]
        return self._page(request, self._store.family("event", job_id)[::-1], DEFAULT_PAGE)

    async def checkpoints(self, request: Request) -> JSONResponse:
        job_id = self._require(request)["id"]
        newest_first = self._store.family("checkpoint", job_id)[::-1]
        return self._page(request, newest_first, DEFAULT_CHECKPOINTS)

    # ---- inside ------------------------------------------------------------------------------

    def _require(self, request: Request) -> Document:
        job_id = request.path_params["id"]
        job = self._store.get("job", job_id)
        if job is None:
            raise ServiceError(404, "notFound", f"The job {job_id!r} does not exist.")  # [inferred]
        return job

    def _change(
        self, request: Request, how: Callable[[Document], None], change: str
    ) -> JSONResponse:
        job_id = self._require(request)["id"]
        job = self._store.change("job", job_id, how)
        if job is None:  # deleted meanwhile
            return JSONResponse(self._shown(request, self._require(request)))
        self._journal.add_effect("job", job_id, change)
        return JSONResponse(self._shown(request, job))

    def _page(self, request: Request, items: list[Document], default: int) -> JSONResponse:
        return page(request, items, default, min(LONGEST_PAGE, self._settings.current.page_limit))

    def _check_limits(self) -> None:
        """S-DOC quotas-limits; the codes are [inferred]."""
        jobs, limits = self._store.family("job"), self._settings.current
        if len(jobs) >= limits.job_limit:
            raise ServiceError(
                400, "quotaExceeded", f"The resource has {len(jobs)} training jobs already."
            )
        if sum(job["status"] in WAITING for job in jobs) >= limits.queue_limit:
            raise ServiceError(
                429, "tooManyRequests", f"{limits.queue_limit} jobs are in the queue already."
            )

    def _new_job(self, body: dict[str, Any]) -> Document:
        """Key for key what the service answers (S-FT, December 2025)."""
        method, hyperparameters = parse_method(body)
        kind = training_type(body.get("trainingType"))
        start = self._start(body.get("model"), method["type"] if method else "supervised", kind)
        self._require_file(body.get("training_file"))
        if body.get("validation_file") is not None:
            self._require_file(body["validation_file"])
        now = self._clock.seconds()
        seed = seed_of(body.get("seed"))
        job: Document = {
            "id": new_id("ftjob"),
            "created_at": now,
            "hyperparameters": echoed_hyperparameters(hyperparameters),
            "model": start.name,
            "object": "fine_tuning.job",
            "seed": random.randrange(2**31) if seed is None else seed,
            "status": "pending",
            "training_file": body["training_file"],
            "validation_file": body.get("validation_file"),
            "estimated_finish": now + GUESSED_SECONDS,
            "suffix": suffix_of(body.get("suffix")),
            "trainingType": kind,
            "metadata": metadata_of(body.get("metadata")),
            "method": method,
        }
        given = {key: value for key, value in job.items() if value is not None}
        return given | self._own_keys(hyperparameters, start.adapter)

    def _own_keys(self, hyperparameters: dict[str, Any], parent: str | None) -> Document:
        """What the emulator keeps of a job and never shows."""
        fault = self._faults.trigger(*FAULTS)
        return {
            "_hyperparameters": hyperparameters,
            "_parent": parent,
            "_startable_at": self._clock.now() + self._settings.current.queue_seconds,
            "_fault": fault.fault if fault else None,
            "_steps": 0,
        }

    def _start(self, model: object, method: str, kind: str) -> Servable:
        """What the job goes on from: a base model, or a tuned one; refuses what cannot be tuned."""
        start = self._registry.tunable(model) if isinstance(model, str) else None
        base = base_of(start.name) if start else None
        if start is None or base is None or method not in base.methods:
            raise invalid(NOT_TUNABLE)
        if refusal := training_refusal(base, kind, self._settings.current.location):
            raise invalid(refusal)
        self._lifecycle.check_training(base)
        return start

    def _require_file(self, file_id: object) -> None:
        file = self._files.find(file_id) if isinstance(file_id, str) else None
        if file is None:
            raise invalid(f"The file {file_id!r} does not exist.")  # [inferred]
        if not self._files.is_processed(file):  # Q&A 2118156
            raise invalid("The specified file reference must point to a completed file import.")

    def _shown(self, request: Request, job: Document) -> Document:
        """Keys without a value are absent or null, as the settings say; the status is spelled as in
        the call's api-version."""
        shown = public(job)
        version = request.query_params.get("api-version") or ""
        if self._settings.current.job_statuses == "old" or _is_old(version):
            shown["status"] = OLD_STATUSES.get(shown["status"], shown["status"])
        if self._settings.current.job_shape == "null":
            return dict.fromkeys(NULL_WHEN_UNKNOWN) | shown
        return shown


def _is_old(version: str) -> bool:
    return version[:1].isdigit() and version[: len(OLD_VERSIONS)] <= OLD_VERSIONS


def _wrong_state(message: str) -> ServiceError:
    # The code is one of S-AUTH's; that it is this one, with 400, is [inferred].
    return ServiceError(400, "unexpectedEntityState", message)
