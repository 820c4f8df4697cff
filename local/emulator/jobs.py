"""Fine-tuning jobs as the service shows them: create, look at, cancel. Trains nothing.

A job is one document in the service's own shape; keys that begin with `_` are ours and never shown.
The worker (worker.py) takes pending jobs from here and reports back.
"""

import random
from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Route

from .clock import Clock
from .errors import ServiceError, invalid
from .files import Files
from .job_request import echoed_hyperparameters, parse_method, suffix_of, training_type
from .models import Models
from .store import Document, Store
from .wire import created, json_body, new_id, page

TERMINAL = {"succeeded", "failed", "cancelled"}
ENQUEUED = "Job enqueued. Waiting for jobs ahead to complete."  # S-FT
# A first guess, replaced by a measured one as soon as steps are made.
GUESSED_SECONDS = 60
DEFAULT_PAGE, DEFAULT_CHECKPOINTS = 20, 10  # S-AUTH


class Jobs:
    def __init__(self, store: Store, clock: Clock, files: Files, models: Models) -> None:
        self._store, self._clock, self._files, self._models = store, clock, files, models

    def routes(self) -> list[Route]:
        return [
            Route("/fine_tuning/jobs", self.create, methods=["POST"]),
            Route("/fine_tuning/jobs", self.index, methods=["GET"]),
            Route("/fine_tuning/jobs/{id}", self.show, methods=["GET"]),
            Route("/fine_tuning/jobs/{id}/cancel", self.cancel, methods=["POST"]),
            Route("/fine_tuning/jobs/{id}/events", self.events, methods=["GET"]),
            Route("/fine_tuning/jobs/{id}/checkpoints", self.checkpoints, methods=["GET"]),
        ]

    # ---- for the worker ----------------------------------------------------------------------

    def requeue_interrupted(self) -> None:
        """A job that ran when the process died starts again from its first step."""
        for job in self._store.family("job"):
            if job["status"] == "running":
                self._store.delete_family("checkpoint", job["id"])
                self.update(job["id"], status="pending")
                self.add_event(job["id"], ENQUEUED)

    def take_next(self) -> Document | None:
        """The oldest pending job, now running."""
        for waiting in self._store.family("job"):
            job = self._store.change("job", waiting["id"], _start) if _is_pending(waiting) else None
            if job and job["status"] == "running":
                return job
        return None

    def wants_cancel(self, job_id: str) -> bool:
        job = self._store.get("job", job_id)
        return job is None or bool(job.get("_cancel"))

    def update(self, job_id: str, **values: Any) -> None:
        def apply(job: Document) -> bool:
            job.update(values)
            return True

        self._store.change("job", job_id, apply)

    def finish(self, job_id: str, status: str, **values: Any) -> None:
        """The end of a job, written last: whoever sees it can see everything else."""
        self.update(job_id, status=status, finished_at=self._clock.seconds(), **values)

    def add_event(
        self, job_id: str, message: str, level: str = "info", data: dict[str, Any] | None = None
    ) -> None:
        event: Document = {
            "object": "fine_tuning.job.event",
            "id": new_id("ftevent"),
            "created_at": self._clock.seconds(),
            "level": level,
            "message": message,
            "type": "metrics" if data else "message",
        }
        if data:
            event["data"] = data
        self._store.put("event", event["id"], event, parent=job_id)

    def add_checkpoint(self, job_id: str, model: str, metrics: dict[str, Any]) -> None:
        checkpoint: Document = {
            "object": "fine_tuning.job.checkpoint",
            "id": new_id("ftchkpt"),
            "created_at": self._clock.seconds(),
            "fine_tuned_model_checkpoint": model,
            "fine_tuning_job_id": job_id,
            "step_number": metrics["step"],
            "metrics": metrics,
        }
        self._store.put("checkpoint", checkpoint["id"], checkpoint, parent=job_id)

    # ---- endpoints ---------------------------------------------------------------------------

    async def create(self, request: Request) -> JSONResponse:
        body = await json_body(request)
        job = self._new_job(body)
        self._store.put("job", job["id"], job)
        self.add_event(job["id"], ENQUEUED)
        return created(request, _shown(job))

    async def index(self, request: Request) -> JSONResponse:
        newest_first = reversed(self._store.family("job"))
        return page(request, [_shown(job) for job in newest_first], DEFAULT_PAGE)

    async def show(self, request: Request) -> JSONResponse:
        return JSONResponse(_shown(self._require(request)))

    async def cancel(self, request: Request) -> JSONResponse:
        job_id = self._require(request)["id"]
        job = self._store.change("job", job_id, self._cancel)
        assert job is not None, "jobs are never deleted"
        return JSONResponse(_shown(job))

    async def events(self, request: Request) -> JSONResponse:
        """Newest first (S-FT)."""
        job_id = self._require(request)["id"]
        return page(request, self._store.family("event", job_id)[::-1], DEFAULT_PAGE)

    async def checkpoints(self, request: Request) -> JSONResponse:
        job_id = self._require(request)["id"]
        return page(request, self._store.family("checkpoint", job_id)[::-1], DEFAULT_CHECKPOINTS)

    # ---- inside ------------------------------------------------------------------------------

    def _require(self, request: Request) -> Document:
        job_id = request.path_params["id"]
        job = self._store.get("job", job_id)
        if job is None:
            raise ServiceError(404, "notFound", f"The job {job_id!r} does not exist.")  # [inferred]
        return job

    def _new_job(self, body: dict[str, Any]) -> Document:
        """Key for key what the service answers (S-FT, December 2025): what is not known yet is
        absent, not null."""
        model = body.get("model")
        if not isinstance(model, str) or not self._models.is_tunable(model):
            raise invalid("The specified base model does not support fine-tuning.")
        kind = training_type(body.get("trainingType"))
        method, hyperparameters = parse_method(body)
        self._require_file(body.get("training_file"))
        if body.get("validation_file") is not None:
            self._require_file(body["validation_file"])
        now = self._clock.seconds()
        seed = body.get("seed")
        job: Document = {
            "id": new_id("ftjob"),
            "created_at": now,
            "hyperparameters": echoed_hyperparameters(hyperparameters),
            "model": model,
            "object": "fine_tuning.job",
            "seed": seed if isinstance(seed, int) else random.randrange(2**31),
            "status": "pending",
            "training_file": body["training_file"],
            "validation_file": body.get("validation_file"),
            "estimated_finish": now + GUESSED_SECONDS,
            "suffix": suffix_of(body.get("suffix")),
            "trainingType": kind,
            "metadata": body.get("metadata"),
        }
        if method is not None:
            job["method"] = method
        return {key: value for key, value in job.items() if value is not None}

    def _require_file(self, file_id: object) -> None:
        file = self._files.find(file_id) if isinstance(file_id, str) else None
        if file is None:
            raise invalid(f"The file {file_id!r} does not exist.")  # [inferred]
        if file["status"] != "processed":  # Q&A 2118156
            raise invalid("The specified file reference must point to a completed file import.")

    def _cancel(self, job: Document) -> bool:
        """A waiting job ends at once; a running one when its worker comes to it, within a step."""
        if job["status"] in TERMINAL:
            # The code is one of S-AUTH's; that it is this one, with 400, is [inferred].
            raise ServiceError(400, "unexpectedEntityState", f"The job is already {job['status']}.")
        job["_cancel"] = True
        if _is_pending(job):
            job.update(status="cancelled", finished_at=self._clock.seconds())
            self.add_event(job["id"], "Job cancelled.")  # wording [inferred]
        return True


def _is_pending(job: Document) -> bool:
    return bool(job["status"] == "pending")


def _start(job: Document) -> bool:
    if not _is_pending(job):
        return False
    job["status"] = "running"
    return True


def _shown(job: Document) -> Document:
    return {key: value for key, value in job.items() if not key.startswith("_")}
