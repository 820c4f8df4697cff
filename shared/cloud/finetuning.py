"""The data plane of Azure OpenAI: files, fine-tuning jobs, and one chat call to probe with.

The only module that imports `openai`. It knows the service's shapes and quirks and hides them
behind a few tolerant types; it decides nothing.
"""

from collections.abc import Awaitable, Callable, Container, Iterator, Mapping
from contextlib import contextmanager, suppress
from contextvars import ContextVar
from typing import IO, TYPE_CHECKING, Any

from azure.core.exceptions import AzureError

from shared.cloud.denials import OPENAI_ROLE
from shared.cloud.identity import Credential, token_provider
from shared.cloud.pages import each_once
from shared.cloud.remote import (
    JobEvent,
    JobRequest,
    ListedJob,
    Metric,
    RemoteFile,
    RemoteJob,
    checkpoint_metric,
    is_of,
    job_event,
    listed_job,
    remote_file,
    remote_job,
)
from shared.cloud.translate import (
    MISSHAPEN,
    misshapen,
    no_token,
    service_error,
    unreachable,
)
from shared.errors import Unavailable

if TYPE_CHECKING:
    from openai import AsyncOpenAI

    from shared.settings import Settings

SERVICE = "Azure OpenAI"
NO_CHOICES = "NoChoices"  # a code of our own, for an answer of 200 that holds none
ANSWER_SECONDS = 180  # for an answer that comes as a whole, and may be long
NO_DIGESTS: Mapping[str, str] = {}

BeforeSend = Callable[[], Awaitable[None]]  # raises NotSent where the request is not to go out
_before_send: ContextVar[BeforeSend | None] = ContextVar("before_send", default=None)
# httpcore's names of the moments before it writes to a connection that stands: those before the
# first byte and, where the request is not one of headers alone, before the last.
SENDING = ("send_request_headers.started", "send_request_body.started")


class FineTuning:
    """Every method raises Unavailable (ask again later; Denied: once there is a right to) or
    Refused (asking again is no use)."""

    def __init__(self, client: "AsyncOpenAI") -> None:
        self.client = client

    @classmethod
    def connect(cls, settings: "Settings", credential: Credential) -> "FineTuning":
        from openai import AsyncOpenAI, DefaultAsyncHttpxClient

        # Repeating is the reconciler's work, which first looks whether the effect took place:
        # the SDK would send "create job" up to three times, and each one may be a paid job.
        client = AsyncOpenAI(
            base_url=f"{settings.openai_endpoint}/openai/v1/",
            api_key=settings.openai_key or token_provider(credential(), settings.openai_scope),
            max_retries=0,
            timeout=60,
            http_client=DefaultAsyncHttpxClient(event_hooks={"request": [_check_when_sending]}),
        )
        return cls(client)

    async def close(self) -> None:
        await self.client.close()

    async def files(self, names: Container[str]) -> list[RemoteFile]:
        """Every file of one of these names, usable or not, the newest first."""
        with _translated("list files"):
            listed = self.client.files.list(purpose="fine-tune", order="desc")
            found = [remote_file(file) async for file in each_once(listed, _id)]
        return [file for file in found if file.name in names]

    async def find_file(self, name: str) -> RemoteFile | None:
        """The newest usable file of that name."""
        named = await self.files({name})
        return next((file for file in named if file.status not in ("error", "deleted")), None)

    async def delete_file(self, file_id: str) -> None:
        """One that is gone already is as good."""
        with _translated(f"delete {file_id}"), _absent_is_none():
            await self.client.files.delete(file_id)

    async def upload(self, name: str, content: IO[bytes]) -> RemoteFile:
        with _translated(f"upload {name}"):
            return remote_file(
                await self.client.files.create(file=(name, content), purpose="fine-tune")
            )

    async def file(self, file_id: str) -> RemoteFile | None:
        """None if it is gone."""
        with _translated(f"read the state of {file_id}"), _absent_is_none():
            return remote_file(await self.client.files.retrieve(file_id))
        return None

    async def text(self, file_id: str) -> str:
        with _translated(f"download {file_id}"):
            return (await self.client.files.content(file_id)).text

    async def find_job(
        self,
        metadata: dict[str, str],
        training_file: str | None,
        past: Container[str],
        digests: Mapping[str, str] = NO_DIGESTS,
    ) -> RemoteJob | None:
        """The newest job with this metadata or, where the service drops that, of this file.

        `past` are the ids of jobs that are known and not meant. A job that tells other `digests`
        of its data is not meant either; one that tells none may be.
        """
        with _translated("list jobs"):
            async for job in each_once(self.client.fine_tuning.jobs.list(), _id):
                known = job.metadata or {}
                same_file = training_file == job.training_file and not known.keys() & metadata
                if job.id not in past and (is_of(known, metadata, digests) or same_file):
                    return remote_job(job)
        return None

    async def list_jobs(self) -> list[ListedJob]:
        """Every job of the resource, whosesoever it is, the newest first."""
        with _translated("list jobs"):
            listed = self.client.fine_tuning.jobs.list(limit=100)
            return [listed_job(job) async for job in each_once(listed, _id)]

    async def submit(self, request: JobRequest, before_send: BeforeSend | None = None) -> RemoteJob:
        """Start a paid job. Never repeated here: see `connect`.

        `before_send` is asked as late as possible, with the token at hand and the connection open:
        before the first bytes and again before the last. What it raises is raised, and nothing that
        the service could act upon has been sent.
        """
        token = _before_send.set(before_send)
        try:
            return await self._submit(request)
        finally:
            _before_send.reset(token)

    async def _submit(self, request: JobRequest) -> RemoteJob:
        method: Any = {
            "type": request.method,
            request.method: {"hyperparameters": request.hyperparameters},
        }
        with _translated(f"start a job on {request.base_model}"):
            job = await self.client.fine_tuning.jobs.create(
                model=request.base_model,
                training_file=request.training_file,
                validation_file=request.validation_file,
                suffix=request.suffix,
                seed=request.seed,
                method=method,
                metadata=request.metadata,
                extra_body={"trainingType": request.training_type},  # Azure's own, not in the SDK
            )
            return remote_job(job)

    async def job(self, job_id: str) -> RemoteJob | None:
        """None if it is gone."""
        with _translated(f"read job {job_id}"), _absent_is_none():
            return remote_job(await self.client.fine_tuning.jobs.retrieve(job_id))
        return None

    async def cancel(self, job_id: str) -> None:
        with _translated(f"cancel job {job_id}"):
            await self.client.fine_tuning.jobs.cancel(job_id)

    async def pause(self, job_id: str) -> None:
        """Azure takes this once a job has made its first step."""
        with _translated(f"pause job {job_id}"):
            await self.client.fine_tuning.jobs.pause(job_id)

    async def resume(self, job_id: str) -> None:
        with _translated(f"resume job {job_id}"):
            await self.client.fine_tuning.jobs.resume(job_id)

    async def checkpoints(self, job_id: str) -> list[Metric]:
        """Losses at the end of each epoch, oldest first."""
        with _translated(f"read the checkpoints of {job_id}"):
            listed = self.client.fine_tuning.jobs.checkpoints.list(job_id)
            found = [checkpoint_metric(checkpoint) async for checkpoint in each_once(listed, _id)]
        return sorted(found, key=lambda metric: metric.step)

    async def delete_model(self, model: str) -> None:
        """One that is gone already is as good. The service keeps one that is deployed: Unavailable
        is raised then. Source: learn.microsoft.com/azure/foundry/reference/rest (Models, Delete a
        model)."""
        with _translated(f"delete the model {model}"), _absent_is_none():
            await self.client.models.delete(model)

    async def recent_events(self, job_id: str) -> list[JobEvent]:
        """The last hundred, oldest first. The service tells the newest first."""
        with _translated(f"read the events of {job_id}"):
            page = await self.client.fine_tuning.jobs.list_events(job_id, limit=100)
            return [job_event(event) for event in reversed(page.data or [])]

    async def ask(self, deployment: str, question: str) -> str:
        """One short chat answer straight from a deployment: the probe of its readiness. Raises
        Unavailable also for an answer that has no choice."""
        with _translated(f"chat with {deployment}"):
            answer = await self.client.chat.completions.create(
                model=deployment,
                messages=[{"role": "user", "content": question}],
                max_completion_tokens=16,
            )
            choices = answer.choices
        if not choices:
            raise without_choices(deployment)
        return getattr(choices[0].message, "content", None) or ""

    async def complete(self, deployment: str, asked: Mapping[str, Any]) -> dict[str, Any]:
        """One chat completion, whole, in the service's own shape; `asked` is all of the request
        but its model."""
        with _translated(f"chat with {deployment}"):
            body = {**asked, "model": deployment}
            answer = await self.client.post(
                "/chat/completions", cast_to=object, body=body, options={"timeout": ANSWER_SECONDS}
            )
            if not isinstance(answer, dict):
                raise TypeError("no object")
        return answer


def without_choices(deployment: str) -> Unavailable:
    return Unavailable(
        f"{SERVICE} answered without choices to: chat with {deployment}.",
        "The service has to mend that; it is asked again.",
        code=NO_CHOICES,
    )


def _id(item: Any) -> object:
    return item.id


async def _check_when_sending(request: Any) -> None:
    """A hook of httpx's, called with each request before its connection is looked for."""
    before_send = _before_send.get()
    if before_send is None:
        return

    async def trace(event: str, info: Mapping[str, Any]) -> None:
        if event.endswith(SENDING):
            await before_send()

    request.extensions["trace"] = trace


@contextmanager
def _absent_is_none() -> Iterator[None]:
    import openai

    with suppress(openai.NotFoundError):
        yield


@contextmanager
def _translated(operation: str) -> Iterator[None]:
    """The SDK's exceptions, and those over an answer of another shape than the service's documents
    have, as this project's errors."""
    import openai

    try:
        yield
    except openai.APIStatusError as error:
        raise service_error(SERVICE, operation, error, fix=OPENAI_ROLE) from error
    except openai.APIConnectionError as error:
        raise unreachable(SERVICE, operation, error) from error
    except AzureError as error:
        raise no_token(operation, error) from error
    except (openai.OpenAIError, *MISSHAPEN) as error:
        raise misshapen(SERVICE, operation) from error
