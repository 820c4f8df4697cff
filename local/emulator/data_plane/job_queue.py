"""The queue of jobs, from the worker's side: which job is next, and how it ended.

Works on the same documents as `jobs.py`; knows neither HTTP nor torch.
"""

from collections import Counter
from typing import Any

from ..core.context import Component
from ..core.protocol import new_id
from ..core.store import Document

TERMINAL = {"succeeded", "failed", "cancelled"}
WAITING = ("pending", "resuming")
AT_WORK = ("running", "pausing")
ENQUEUED = "Job enqueued. Waiting for jobs ahead to complete."  # S-FT


class JobQueue(Component):
    # ---- taking ------------------------------------------------------------------------------

    def requeue_interrupted(self) -> None:
        """Jobs that ran when the process ended; they go on from the last state that was saved."""
        for job in self._store.family("job"):
            if job["status"] in AT_WORK:
                self.add_enqueued_event(job["id"])
                self.update(job["id"], status="pending")

    def take_next(self) -> Document | None:
        """The oldest job that may start, now running. Standard and global share one limit, and
        developer has its own (S-DOC quotas-limits)."""
        settings = self._settings.current
        most = {False: settings.running_limit, True: settings.developer_running_limit}
        jobs = self._store.family("job")
        running = Counter(_is_developer(job) for job in jobs if job["status"] in AT_WORK)
        for waiting in jobs:
            kind = _is_developer(waiting)
            if self._may_start(waiting) and running[kind] < most[kind]:
                job = self._store.change("job", waiting["id"], _start)
                if job and job["status"] == "running":
                    return job
        return None

    def _may_start(self, job: Document) -> bool:
        waits = job["status"] in WAITING and job["_fault"] != "job-stuck"
        return waits and bool(self._clock.now() >= job["_startable_at"])

    # ---- reading -----------------------------------------------------------------------------

    def is_cancelled(self, job_id: str) -> bool:
        job = self._store.get("job", job_id)
        return job is None or bool(job.get("_cancel"))

    def is_pausing(self, job_id: str) -> bool:
        job = self._store.get("job", job_id)
        return job is not None and job["status"] == "pausing"

    # ---- reporting ---------------------------------------------------------------------------

    def update(self, job_id: str, **values: Any) -> bool:
        return self._store.change("job", job_id, lambda job: job.update(values)) is not None

    def finish(self, job_id: str, status: str, **values: Any) -> None:
        """The end of a job, written last: a client that sees it can see everything else."""
        if self.update(job_id, status=status, finished_at=self._clock.seconds(), **values):
            self._journal.add_effect("job", job_id, status)

    def add_enqueued_event(self, job_id: str) -> None:
        """Written before the job can be taken: the worker may be quicker than the next line."""
        self._write_event(job_id, ENQUEUED, "info", None)

    def add_event(
        self, job_id: str, message: str, level: str = "info", data: dict[str, Any] | None = None
    ) -> None:
        if self._store.get("job", job_id) is None:  # reset or deleted meanwhile
            return
        self._write_event(job_id, message, level, data)

    def _write_event(
        self, job_id: str, message: str, level: str, data: dict[str, Any] | None
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
        """Once for each step: a training that repeats an epoch after a crash adds nothing."""
        existing = self._store.family("checkpoint", job_id)
        if any(one["step_number"] == metrics["step"] for one in existing):
            return
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


def _is_developer(job: Document) -> bool:
    return bool(job["trainingType"] == "developerTier")


def _start(job: Document) -> bool:
    if job["status"] not in WAITING:
        return False
    job["status"] = "running"
    return True
