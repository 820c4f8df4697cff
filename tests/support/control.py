"""What a test does to the service behind the app's back, and what it sees there.

    MemoryService   (service)   the double within the test's process
    StackControl                the emulator of the stack, by its controls and by the real SDKs

Faults and settings have the emulator's names.
"""

from abc import ABC, abstractmethod
from collections.abc import Callable
from contextlib import suppress
from typing import Any

from openai import BadRequestError

from local.stack import ACCOUNT, GROUP
from shared.cloud.remote import ENDED
from tests.support.stack import QUICK, StackHarness, wait_for


class ServiceControl(ABC):
    @abstractmethod
    def arm(self, fault: str, operation: str | None = None, **options: Any) -> None:
        """Once, or as often as `count` says: None means until it is disarmed."""

    @abstractmethod
    def disarm(self) -> None: ...

    @abstractmethod
    def struck(self) -> dict[str, int]:
        """How often each armed fault has struck."""

    @abstractmethod
    def configure(self, **settings: Any) -> None: ...

    @abstractmethod
    def calls(self) -> int:
        """How many the service has had."""

    @abstractmethod
    def uploads(self, since: int) -> int:
        """How many files were uploaded after so many calls."""

    @abstractmethod
    def add_file(self, name: str, content: bytes) -> str: ...

    @abstractmethod
    def delete_file(self, file_id: str) -> None: ...

    @abstractmethod
    def files_of(self, name: str) -> list[str]:
        """What lies there of a run or, with a hyphen at the end, of a model."""

    @abstractmethod
    def jobs_of(self, run_id: str) -> list[str]: ...

    @abstractmethod
    def jobs_on(self, file_ids: set[str | None]) -> list[str]:
        """Jobs with one of these as their training file."""

    @abstractmethod
    def job_status(self, job_id: str) -> str: ...

    @abstractmethod
    def result_file(self, job_id: str) -> str: ...

    @abstractmethod
    def cancel_job(self, job_id: str) -> None: ...

    @abstractmethod
    def delete_job(self, job_id: str) -> None: ...

    @abstractmethod
    def deployments(self) -> dict[str, str]:
        """The model of each deployment, by its name."""

    @abstractmethod
    def wait_for(self, look: Callable[[], Any]) -> None:
        """Let time pass until `look` finds something."""

    def finish_job(self, job_id: str) -> None:
        """Let it succeed before anybody else looks."""
        self.wait_for(lambda: self.job_status(job_id) == "succeeded")


class StackControl(ServiceControl):
    def __init__(self, stack: StackHarness) -> None:
        self.stack = stack

    def arm(self, fault: str, operation: str | None = None, **options: Any) -> None:
        where = {"operation": operation} if operation else {}
        self.stack.emulator("faults", {"fault": fault, **where, **options})

    def disarm(self) -> None:
        self.stack.emulator("faults", method="DELETE")

    def struck(self) -> dict[str, int]:
        armed = self.stack.emulator("faults", method="GET")["armed"]
        return {f"{fault['fault']} {fault['operation']}": fault["struck"] for fault in armed}

    def configure(self, **settings: Any) -> None:
        self.stack.emulator("settings", settings, "PATCH")

    def clear(self, prefix: str) -> None:
        """Leave nothing of these models or runs, nor what was armed."""
        self.disarm()
        self.configure(**QUICK)
        for job in self.stack.service.fine_tuning.jobs.list(limit=100):
            if (job.metadata or {}).get("tunedrop_run", "").startswith(prefix):
                self._end_job(job.id)
        self.stack.clear_service(prefix)

    def _end_job(self, job_id: str) -> None:
        with suppress(BadRequestError):  # it has ended
            self.cancel_job(job_id)
        self.wait_for(lambda: self.job_status(job_id) in ENDED)

    def calls(self) -> int:
        return self.stack.calls()

    def uploads(self, since: int) -> int:
        return self.stack.uploads(since)

    def add_file(self, name: str, content: bytes) -> str:
        return self.stack.service.files.create(file=(name, content), purpose="fine-tune").id

    def delete_file(self, file_id: str) -> None:
        self.stack.service.files.delete(file_id)

    def files_of(self, name: str) -> list[str]:
        return self.stack.files_of(name)

    def jobs_of(self, run_id: str) -> list[str]:
        return self.stack.jobs_of(run_id)

    def jobs_on(self, file_ids: set[str | None]) -> list[str]:
        jobs = self.stack.service.fine_tuning.jobs.list()
        return [job.id for job in jobs if job.training_file in file_ids]

    def job_status(self, job_id: str) -> str:
        return self.stack.service.fine_tuning.jobs.retrieve(job_id).status

    def result_file(self, job_id: str) -> str:
        return self.stack.service.fine_tuning.jobs.retrieve(job_id).result_files[0]

    def cancel_job(self, job_id: str) -> None:
        self.stack.service.fine_tuning.jobs.cancel(job_id)

    def delete_job(self, job_id: str) -> None:
        self.stack.delete_job(job_id)

    def deployments(self) -> dict[str, str]:
        listed = self.stack.control.deployments.list(GROUP, ACCOUNT)
        return {str(d.name): str(d.properties.model.name) for d in listed}  # type: ignore[union-attr]

    def wait_for(self, look: Callable[[], Any]) -> None:
        wait_for(look)
