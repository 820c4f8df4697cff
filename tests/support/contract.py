"""A side of the service's contract: the clients, and what a test does behind their back."""

import io
import uuid
from dataclasses import replace

from shared.cloud.deployments import Deployments
from shared.cloud.finetuning import FineTuning
from shared.cloud.remote import JobRequest, RemoteFile, RemoteJob
from tests.support.control import ServiceControl
from tests.support.datasets import dataset

BASE = "gpt-4.1-nano-2025-04-14"


class Service:
    def __init__(
        self, finetuning: FineTuning, deployments: Deployments, control: ServiceControl
    ) -> None:
        self.finetuning, self.deployments, self.control = finetuning, deployments, control
        self.name = f"c{uuid.uuid4().hex[:8]}"

    async def upload(self, name: str = "", content: bytes = b"") -> RemoteFile:
        data = io.BytesIO(content or dataset(10, self.name))
        return await self.finetuning.upload(f"{self.name}-{name}", data)

    async def processed(self, name: str = "", content: bytes = b"") -> RemoteFile:
        file = await self.upload(name, content)
        return await self.file_in(file.id, "processed")

    async def file_in(self, file_id: str, *statuses: str) -> RemoteFile:
        found = await self.finetuning.file(file_id)
        while found and found.status not in statuses:
            self.let_time_pass()
            found = await self.finetuning.file(file_id)
        assert found
        return found

    def request(self, file: RemoteFile, **changes: object) -> JobRequest:
        request = JobRequest(
            base_model=BASE,
            method="supervised",
            training_file=file.id,
            validation_file=None,
            training_type="globalStandard",
            suffix=self.name,
            seed=1,
            hyperparameters={"n_epochs": 2, "batch_size": 5},
            metadata={"tunedrop_run": self.name},
        )
        return replace(request, **changes)  # type: ignore[arg-type]

    async def job(self, **changes: object) -> RemoteJob:
        return await self.finetuning.submit(self.request(await self.processed(), **changes))

    async def job_in(self, job_id: str, *statuses: str) -> RemoteJob:
        found = await self.finetuning.job(job_id)
        while found and found.status not in statuses:
            self.let_time_pass()
            found = await self.finetuning.job(job_id)
        assert found
        return found

    async def state_of(self, name: str, *states: str) -> str:
        found = await self.deployments.get(name)
        while (found.state if found else "") not in states:
            self.let_time_pass()
            found = await self.deployments.get(name)
        return found.state if found else ""

    async def trained(self) -> str:
        """A model, from the shortest training."""
        ended = await self.job_in((await self.job()).id, "succeeded", "failed")
        assert ended.fine_tuned_model
        return ended.fine_tuned_model

    def let_time_pass(self) -> None:
        moments = iter([False, True])
        self.control.wait_for(lambda: next(moments))
