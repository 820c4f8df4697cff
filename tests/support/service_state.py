"""What is at the service's double: files, jobs and deployments by the emulator's rules, the faults
that are armed and the settings.

Nothing runs: what has become of a thing follows from the test's clock when somebody looks. Knows
the operations' names, not the clients that call them (`service`).
"""

import asyncio
import itertools
import uuid
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from fnmatch import fnmatchcase
from types import SimpleNamespace
from typing import Any, TypeVar

from shared.cloud.denials import OPENAI_ROLE
from shared.cloud.deployments import state_of
from shared.cloud.offers import Offers
from shared.cloud.remote import JobRequest, RemoteJob, job_status
from shared.cloud.translate import service_error, unreachable
from tests.support.clock import Clock
from tests.support.control import ServiceControl
from tests.support.service_parts import (
    CALL_FAULTS,
    REFUSED,
    Fault,
    Limits,
    Refusal,
    StoredDeployment,
    StoredFile,
    StoredJob,
    invalid,
    no_quota,
    no_room,
    no_sku,
)

T = TypeVar("T")
BASE_MODELS = ("gpt-4.1", "gpt-4o", "gpt-oss")
FILE_FAULTS = ("file-stuck", "file-error")
JOB_FAULTS = ("job-stuck", "job-failed", "job-unsafe-data", "job-unsafe-model")
DEPLOYMENT_FAULTS = ("not-ready", "provisioning-failed", "provisioning-stuck")
FOREVER = 1000  # seconds of the test's clock, after which nothing more will happen


@dataclass
class MemoryService(ServiceControl):
    clock: Clock
    limits: Limits = field(default_factory=Limits)
    files: dict[str, StoredFile] = field(default_factory=dict)
    jobs: dict[str, StoredJob] = field(default_factory=dict)
    deployed: dict[str, StoredDeployment] = field(default_factory=dict)
    faults: list[Fault] = field(default_factory=list)
    journal: list[str] = field(default_factory=list)  # the operation of each call
    uploaded: list[int] = field(default_factory=list)  # the calls that have made a file
    deleted_models: set[str] = field(default_factory=set)
    answered: set[str] = field(default_factory=set)  # deployments that have answered a chat
    spelled: dict[str, str] = field(default_factory=dict)  # statuses and states as they are told
    offers: Offers = field(default_factory=Offers)  # what the account says of itself
    nameless: bool = False  # succeeded jobs do not tell their model yet
    wordless: bool = False  # chats are answered without choices
    unsupported_skus: tuple[str, ...] = ()  # that the account has for no model
    quota_left: int | None = None  # for each deployment; None: enough
    says: Callable[[str, Any], str] = lambda model, asked: "Hello."  # the answer of a model
    new_id: Callable[[], str] = lambda: uuid.uuid4().hex  # the part of ids that tells them apart

    def numbered(self) -> None:
        """Ids in the order of making, the same each time."""
        numbers = itertools.count(1)
        self.new_id = lambda: f"{next(numbers):04d}"

    # ---- for tests

    def arm(self, fault: str, operation: str | None = None, **options: Any) -> None:
        count = options.pop("count", 1)
        self.faults.append(Fault(fault, operation or "*", count, options))

    def disarm(self) -> None:
        self.faults.clear()

    def struck(self) -> dict[str, int]:
        return {f"{fault.name} {fault.operation}": fault.struck for fault in self.faults}

    def configure(self, **settings: Any) -> None:
        self.limits = replace(self.limits, **settings)

    def calls(self) -> int:
        return len(self.journal)

    def uploads(self, since: int) -> int:
        return sum(call > since for call in self.uploaded)

    def add_file(self, name: str, content: bytes) -> str:
        return self.create_file(name, content).id

    def delete_file(self, file_id: str) -> None:
        del self.files[file_id]

    def files_of(self, name: str) -> list[str]:
        tuning = [file for file in self.files.values() if file.purpose == "fine-tune"]
        return [file.name for file in tuning if file.name.startswith(name)]

    def jobs_of(self, run_id: str) -> list[str]:
        found = self.jobs.values()
        return [job.id for job in found if job.request.metadata.get("tunedrop_run") == run_id]

    def jobs_on(self, file_ids: set[str | None]) -> list[str]:
        return [job.id for job in self.jobs.values() if job.request.training_file in file_ids]

    def job_status(self, job_id: str) -> str:
        return self.job_by_now(job_id).status

    def result_file(self, job_id: str) -> str:
        return str(self.job_by_now(job_id).result_file)

    def cancel_job(self, job_id: str) -> None:
        self.job_by_now(job_id).cancel(self.clock.now())

    def delete_job(self, job_id: str) -> None:
        del self.jobs[job_id]

    def deployments(self) -> dict[str, str]:
        return {deployed.name: deployed.model for deployed in self.list_deployments()}

    def wait_for(self, look: Callable[[], Any]) -> None:
        for _ in range(FOREVER):
            if look():
                return
            self.clock.advance(1)
        raise AssertionError(f"not seen within {FOREVER} s of the test's clock")

    # ---- calls

    async def call(self, service: str, operation: str, effect: Callable[[], T]) -> T:
        """One call with what is armed for it; others have their turn before and after its effect.

        Raises what the real clients raise, with the operation's name in the place of their words.
        """
        await asyncio.sleep(0)
        self.journal.append(operation)
        fault = self.take(operation, *CALL_FAULTS, REFUSED)
        try:
            if fault and not fault.name.endswith("-after"):
                raise fault.as_error()
            result = effect()
            await asyncio.sleep(0)
            if fault:
                raise fault.as_error()
        except ConnectionError as error:
            raise unreachable(service, operation, error) from error
        except Refusal as error:
            raise service_error(service, operation, error, fix=OPENAI_ROLE) from error
        return result

    def answer(self, service: str, operation: str, effect: Callable[[], T]) -> T:
        """The effect of a call alone, at this moment and without what is armed for calls: for a
        network that has faults of its own. Raises as `call` does."""
        self.journal.append(operation)
        try:
            return effect()
        except Refusal as error:
            raise service_error(service, operation, error, fix=OPENAI_ROLE) from error

    def take(self, operation: str, *names: str) -> Fault | None:
        """The first armed fault of these that strikes the operation."""
        for fault in self.faults:
            aimed = fault.name in names and fnmatchcase(operation, fault.operation)
            if aimed and (fault.count is None or fault.struck < fault.count):
                fault.struck += 1
                return fault
        return None

    def _fault_of(self, operation: str, *names: str) -> str | None:
        """What will become of the thing that the operation makes."""
        fault = self.take(operation, *names)
        return fault.name if fault else None

    # ---- what is there

    def create_file(self, name: str, content: bytes) -> StoredFile:
        tuning = [file for file in self.files.values() if file.purpose == "fine-tune"]
        if len(tuning) >= self.limits.file_limit:
            raise no_room("quotaExceeded", self.limits.file_limit, "fine-tuning files")
        fault = self._fault_of("files.create", *FILE_FAULTS)
        done = None if fault == "file-stuck" else self.clock.after(self.limits.file_seconds)
        self.uploaded.append(len(self.journal))
        return self._store(StoredFile(self._id("file"), name, content, done, error=bool(fault)))

    def _id(self, prefix: str) -> str:
        return f"{prefix}-{self.new_id()}"

    def _store(self, file: StoredFile) -> StoredFile:
        self.files[file.id] = file
        return file

    def create_job(self, request: JobRequest) -> StoredJob:
        self._require_room_for_job()
        if not request.base_model.startswith(BASE_MODELS):
            raise invalid("The specified base model does not support fine-tuning.")
        for file_id in filter(None, (request.training_file, request.validation_file)):
            self._require_processed(file_id)
        examples = self.files[request.training_file].content.count(b"\n")
        start = self.clock.after(self.limits.queue_seconds)
        fault = self._fault_of("jobs.create", *JOB_FAULTS)
        job = StoredJob(self._id("ftjob"), request, examples, start, fault)
        job.add_event("Job enqueued. Waiting for jobs ahead to complete.")
        self.jobs[job.id] = job
        return job

    def _require_room_for_job(self) -> None:
        jobs = [self.job_by_now(job_id) for job_id in self.jobs]
        if len(jobs) >= self.limits.job_limit:
            raise no_room("quotaExceeded", len(jobs), "training jobs")
        if sum(job.waiting for job in jobs) >= self.limits.queue_limit:
            limit = self.limits.queue_limit
            raise Refusal(429, "tooManyRequests", f"{limit} jobs are in the queue already.")

    def _require_processed(self, file_id: str) -> None:
        file = self.files.get(file_id)
        if file is None:
            raise invalid(f"The file {file_id!r} does not exist.")
        if file.status(self.clock.now()) != "processed":
            raise invalid("The specified file reference must point to a completed file import.")

    def shown_job(self, job_id: str) -> RemoteJob:
        """The job as it is told. Raises KeyError."""
        shown = self.job_by_now(job_id).as_remote()
        told = job_status(self.spelled.get(shown.status, shown.status))
        model = None if self.nameless else shown.fine_tuned_model
        return replace(shown, status=told, fine_tuned_model=model)

    def job_by_now(self, job_id: str) -> StoredJob:
        """The job as it is by now. Raises KeyError."""
        job = self.jobs[job_id]
        job.advance(self.clock.now(), self.limits.step_seconds, set(self.files))
        if job.status == "succeeded" and job.result_file is None:
            table = StoredFile(self._id("file"), "results.csv", job.table(), self.clock.now())
            job.result_file = self._store(replace(table, purpose="fine-tune-results")).id
            job.add_event(f"Completed results file: {job.result_file}")
        return job

    def create_deployment(self, name: str, model: str, **asked: Any) -> None:
        """`asked`: sku, capacity and format, as StoredDeployment has them."""
        self._require_deployable(name, model, **asked)
        known, now = self.find_deployment(name), self.clock.now()
        if known and known.model == model and known.state(now) == "Succeeded":
            self.deployed[name] = replace(known, **asked)
            return
        if known and known.state(now) == "Failed":
            said = f"The deployment '{name}' is in 'Failed' state, please delete it before creating"
            raise Refusal(400, "BadRequest", f"{said} a new one.")
        fault = self._fault_of("deployments.put", *DEPLOYMENT_FAULTS)
        created = self.limits.creating_seconds
        ready = created + self.limits.readiness_gap_seconds
        times = self.clock.after(created), self.clock.after(ready)
        asked["asked_at"] = self.clock.now()
        self.deployed[name] = StoredDeployment(name, model, *times, fault, **asked)

    def _require_deployable(self, name: str, model: str, sku: str = "", **asked: Any) -> None:
        made = {job.model for job in self.jobs.values() if job.status == "succeeded"}
        if model.partition(":ckpt-step-")[0] not in made - self.deleted_models:
            raise Refusal(400, "DeploymentModelNotSupported", f"{model} is not supported.")
        self._require_no_write("deployments.put")
        new = self.find_deployment(name) is None
        if new and len(self.deployed) >= self.limits.deployment_limit:
            raise no_room("QuotaExceeded", self.limits.deployment_limit, "fine-tuned deployments")
        if sku in self.unsupported_skus:
            raise Refusal(400, "InvalidResourceProperties", no_sku(sku, model))
        left = 0 if self.take("deployments.put", "insufficient-quota") else self.quota_left
        if left is not None and (capacity := asked.get("capacity", 1)) > left:
            raise Refusal(400, "InsufficientQuota", no_quota(capacity, left))

    def delete_deployment(self, name: str) -> None:
        deployed = self.find_deployment(name)
        if deployed:
            self._require_no_write("deployments.delete")
            deployed.gone_at = self.clock.after(self.limits.deleting_seconds)
            self.answered.discard(name)

    def find_deployment(self, name: str) -> StoredDeployment | None:
        return next((found for found in self.list_deployments() if found.name == name), None)

    def state_of(self, deployed: StoredDeployment) -> str:
        """As it is told, in the SDK's attribute."""
        state = deployed.state(self.clock.now())
        return state_of(SimpleNamespace(provisioning_state=self.spelled.get(state, state)))

    def list_deployments(self) -> list[StoredDeployment]:
        now = self.clock.now()
        self.deployed = {d.name: d for d in self.deployed.values() if not d.gone(now)}
        return list(self.deployed.values())

    def _require_no_write(self, operation: str) -> None:
        states = [deployed.state(self.clock.now()) for deployed in self.list_deployments()]
        struck = self.take(operation, "request-conflict")
        if struck or "Creating" in states or "Deleting" in states:
            raise Refusal(409, "RequestConflict", "Another operation is being performed.")
