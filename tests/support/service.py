"""Azure OpenAI within the test's process, by the rules that the emulator has.

    MemoryFineTuning     the same methods as FineTuning
    MemoryDeployments    the same methods as Deployments
    MemoryAccount        what a test says that the account offers; nothing is known unless it does

tests/shared/test_service.py holds these and the real clients at the emulator to one contract. Knows
how the service is asked; what is there is in `service_state`.
"""

from collections.abc import Callable, Container, Mapping
from typing import IO, Any, TypeVar

from shared.cloud import deployments, finetuning
from shared.cloud.account import FRESH_SECONDS, Account
from shared.cloud.deployments import Deployment, Deployments
from shared.cloud.finetuning import BeforeSend, FineTuning, without_choices
from shared.cloud.offers import Offers
from shared.cloud.remote import (
    JobEvent,
    JobRequest,
    ListedJob,
    Metric,
    RemoteFile,
    RemoteJob,
    is_of,
)
from tests.support.service_parts import Refusal, StoredDeployment, StoredFile, StoredJob
from tests.support.service_state import MemoryService

T = TypeVar("T")


class MemoryFineTuning(FineTuning):
    def __init__(self, service: MemoryService) -> None:
        self.service = service

    async def close(self) -> None:
        pass

    async def _call(self, operation: str, effect: Callable[[], T]) -> T:
        return await self.service.call(finetuning.SERVICE, operation, effect)

    async def files(self, names: Container[str]) -> list[RemoteFile]:
        def find() -> list[RemoteFile]:
            newest_first = reversed(list(self.service.files.values()))
            tuning = [file for file in newest_first if file.purpose == "fine-tune"]
            return [self._shown(file) for file in tuning if file.name in names]

        return await self._call("files.list", find)

    async def delete_file(self, file_id: str) -> None:
        await self._call("files.delete", lambda: self.service.files.pop(file_id, None))

    async def upload(self, name: str, content: IO[bytes]) -> RemoteFile:
        data = content.read()
        stored = await self._call("files.create", lambda: self.service.create_file(name, data))
        return self._shown(stored)

    async def file(self, file_id: str) -> RemoteFile | None:
        stored = await self._call("files.get", lambda: self.service.files.get(file_id))
        return self._shown(stored) if stored else None

    async def text(self, file_id: str) -> str:
        def read() -> str:
            if file_id not in self.service.files:
                raise Refusal(404, "notFound", f"The file {file_id!r} does not exist.")
            return self.service.files[file_id].content.decode()

        return await self._call("files.content", read)

    async def find_job(
        self,
        metadata: dict[str, str],
        training_file: str | None,
        past: Container[str],
        digests: Mapping[str, str] = finetuning.NO_DIGESTS,
    ) -> RemoteJob | None:
        def find() -> RemoteJob | None:
            for job in reversed(self.service.jobs.values()):
                of_file = not job.request.metadata and job.request.training_file == training_file
                known = job.request.metadata
                if job.id not in past and (is_of(known, metadata, digests) or of_file):
                    return self.service.shown_job(job.id)
            return None

        return await self._call("jobs.list", find)

    async def list_jobs(self) -> list[ListedJob]:
        def show(job: StoredJob) -> ListedJob:
            made_from = (job.request.training_file, job.request.validation_file)
            files = tuple(file for file in made_from if file)
            shown = self.service.shown_job(job.id)
            return ListedJob(shown, job.request.base_model, files, job.request.metadata)

        return await self._call(
            "jobs.list", lambda: [show(job) for job in reversed(self.service.jobs.values())]
        )

    async def submit(self, request: JobRequest, before_send: BeforeSend | None = None) -> RemoteJob:
        if before_send:
            await before_send()
        return await self._call("jobs.create", lambda: self.service.create_job(request).as_remote())

    async def job(self, job_id: str) -> RemoteJob | None:
        def find() -> RemoteJob | None:
            known = job_id in self.service.jobs
            return self.service.shown_job(job_id) if known else None

        return await self._call("jobs.get", find)

    async def _change(
        self, operation: str, job_id: str, change: Callable[[StoredJob], None]
    ) -> None:
        await self._call(operation, lambda: change(self._require(job_id)))

    def _require(self, job_id: str) -> StoredJob:
        if job_id not in self.service.jobs:
            raise Refusal(404, "notFound", f"The job {job_id!r} does not exist.")
        return self.service.job_by_now(job_id)

    async def cancel(self, job_id: str) -> None:
        now = self.service.clock.now()
        await self._change("jobs.cancel", job_id, lambda job: job.cancel(now))

    async def pause(self, job_id: str) -> None:
        await self._change("jobs.pause", job_id, StoredJob.pause)

    async def resume(self, job_id: str) -> None:
        now = self.service.clock.now()
        await self._change("jobs.resume", job_id, lambda job: job.resume(now))

    async def checkpoints(self, job_id: str) -> list[Metric]:
        return await self._call("jobs.checkpoints", lambda: list(self._require(job_id).checkpoints))

    async def delete_model(self, model: str) -> None:
        def delete() -> None:
            if any(deployed.model == model for deployed in self.service.list_deployments()):
                raise Refusal(409, "conflict", f"The model {model!r} has a deployment.")
            self.service.deleted_models.add(model)

        await self._call("models.delete", delete)

    async def recent_events(self, job_id: str) -> list[JobEvent]:
        return await self._call("jobs.events", lambda: self._require(job_id).events[-100:])

    async def ask(self, deployment: str, question: str) -> str:
        def answer() -> str:
            deployed = self.service.find_deployment(deployment)
            if deployed is None or not deployed.answers(self.service.clock.now()):
                raise Refusal(404, "DeploymentNotFound", "The API deployment does not exist.")
            if self.service.wordless:
                raise without_choices(deployment)
            self.service.answered.add(deployment)
            deployed.used_at = self.service.clock.now()
            return "Hello."

        return await self._call("chat.create", answer)

    async def complete(self, deployment: str, asked: Mapping[str, Any]) -> dict[str, Any]:
        def answer() -> dict[str, Any]:
            deployed = self.service.find_deployment(deployment)
            if deployed is None or not deployed.answers(self.service.clock.now()):
                raise Refusal(404, "DeploymentNotFound", "The API deployment does not exist.")
            said = self.service.says(deployed.model, dict(asked))
            message = {"role": "assistant", "content": said}
            choice = {"index": 0, "message": message, "finish_reason": "stop"}
            return {"choices": [choice], "usage": {"prompt_tokens": 9, "completion_tokens": 3}}

        return await self._call(f"chat.{deployment}", answer)

    def _shown(self, file: StoredFile) -> RemoteFile:
        return file.as_remote(self.service.clock.now())


class MemoryDeployments(Deployments):
    def __init__(self, service: MemoryService) -> None:
        self.service = service

    async def close(self) -> None:
        pass

    async def _call(self, operation: str, effect: Callable[[], T]) -> T:
        return await self.service.call(deployments.SERVICE, operation, effect)

    async def get(self, name: str) -> Deployment | None:
        deployed = await self._call("deployments.get", lambda: self.service.find_deployment(name))
        if deployed is None:
            return None
        return self._told(deployed)

    async def list(self) -> "list[Deployment]":
        there = await self._call("deployments.list", self.service.list_deployments)
        return [self._told(deployed) for deployed in there]

    def _told(self, deployed: StoredDeployment) -> Deployment:
        state = self.service.state_of(deployed)
        return Deployment(deployed.name, deployed.model, state, deployed.sku, deployed.capacity)

    async def put(
        self, name: str, model: str, sku: str, capacity: int, format: str = "OpenAI"
    ) -> None:
        asked = {"sku": sku, "capacity": capacity, "format": format}
        await self._call(
            "deployments.put", lambda: self.service.create_deployment(name, model, **asked)
        )

    async def delete(self, name: str) -> None:
        await self._call("deployments.delete", lambda: self.service.delete_deployment(name))


class MemoryAccount(Account):
    def __init__(self, service: MemoryService) -> None:
        self.service = service
        self._known, self._told_on = Offers(), None  # nothing was asked yet

    async def offers(self, max_age: float = FRESH_SECONDS) -> Offers:
        self._known = self.service.offers
        return self._known
