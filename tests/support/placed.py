"""A run placed in any stage, with small doubles of the service: for what no story reaches."""

import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any, cast

from shared.cloud import AzureClients
from shared.cloud.deployments import Deployment
from shared.cloud.documents import as_json
from shared.cloud.memory_container import MemoryContainer
from shared.cloud.remote import JobEvent, ListedJob, RemoteFile, RemoteJob
from shared.errors import Unavailable
from shared.model.registry import Version
from shared.run import reconciler
from shared.run.context import Context
from shared.run.record import Action, Command, File, Run, Transition
from shared.run.spec import effective
from shared.run.stages import Stage
from shared.settings import Settings

START = datetime(2026, 11, 1, tzinfo=UTC)
MADE = "ft:m"


def conflict() -> Unavailable:
    return Unavailable("409 Conflict: the job has ended.")


class DataPlane:
    """Files and jobs as the test puts them; what the test wants to happen in a call."""

    def __init__(self) -> None:
        self.jobs: dict[str, RemoteJob] = {}
        self.owner: dict[str, str] = {}
        self.names: dict[str, str] = {}
        self.made_from: dict[str, tuple[str, ...]] = {}  # files of each job
        self.events: list[JobEvent] = []
        self.refusal: Exception | None = None
        self.before_submit: Callable[[], Any] | None = None

    def put(self, status: str, owner: str = "m-1", name: str = "") -> str:
        name = name or f"J{len(self.jobs) + 1}"
        made = MADE if status == "succeeded" else None
        self.jobs[name] = RemoteJob(name, status, made, None, None, None, None, None, "", "")
        self.owner[name] = owner
        return name

    @property
    def alive(self) -> list[str]:
        return [job.id for job in self.jobs.values() if not job.ended]

    async def files(self, names: Any) -> list[RemoteFile]:
        return [RemoteFile(i, n, "processed", "") for i, n in self.names.items() if n in names]

    async def find_file(self, name: str) -> RemoteFile | None:
        return next(iter(await self.files({name})), None)

    async def file(self, file_id: str) -> RemoteFile | None:
        name = self.names.get(file_id)
        return RemoteFile(file_id, name, "processed", "") if name else None

    async def delete_file(self, file_id: str) -> None:
        self.names.pop(file_id, None)

    async def find_job(
        self, metadata: dict[str, str], file: Any, past: Any, digests: Any = None
    ) -> RemoteJob | None:
        app = metadata["tunedrop_app"]
        mine = [
            job
            for job, owner in self.owner.items()
            if owner in (metadata["tunedrop_run"], f"{metadata['tunedrop_run']} {app}")
            and job not in past
        ]
        return self.jobs[mine[-1]] if mine else None

    async def list_jobs(self) -> list[ListedJob]:
        return [self._listed(job) for job in reversed(self.jobs.values())]

    def _listed(self, job: RemoteJob) -> ListedJob:
        run, _, app = self.owner[job.id].partition(" ")
        files = self.made_from.get(job.id, ())
        metadata = {"tunedrop_run": run, "tunedrop_app": app}
        return ListedJob(job, "gpt-4.1-nano-2025-04-14", files, metadata)

    async def submit(self, request: Any, before_send: Any = None) -> RemoteJob:
        if before_send:
            await before_send()
        if self.before_submit:
            hook, self.before_submit = self.before_submit, None
            await hook()
        owner = f"{request.metadata['tunedrop_run']} {request.metadata['tunedrop_app']}"
        return self.jobs[self.put("running", owner)]

    async def job(self, job_id: str) -> RemoteJob | None:
        return self.jobs.get(job_id)

    async def cancel(self, job_id: str) -> None:
        self.put("cancelled", self.owner[job_id], job_id)

    async def pause(self, job_id: str) -> None:
        raise conflict()

    async def resume(self, job_id: str) -> None:
        raise conflict()

    async def recent_events(self, job_id: str) -> list[JobEvent]:
        return self.events

    async def checkpoints(self, job_id: str) -> list[Any]:
        return []

    async def ask(self, deployment: str, question: str) -> str:
        if self.refusal:
            raise self.refusal
        return "hello"


class ControlPlane:
    """Deployments, ready at once."""

    def __init__(self) -> None:
        self.there: dict[str, Deployment] = {}
        self.refusal: Exception | None = None
        self.deletes = True
        self.before_put: Callable[[], Any] | None = None

    def has(self, name: str, model: str = MADE) -> None:
        self.there[name] = Deployment(name, model, "Succeeded")

    async def get(self, name: str) -> Deployment | None:
        return self.there.get(name)

    async def list(self) -> "list[Deployment]":
        return list(self.there.values())

    async def put(self, name: str, model: str, sku: str, capacity: int) -> None:
        if self.before_put:
            hook, self.before_put = self.before_put, None
            await hook()
        self.has(name, model)

    async def delete(self, name: str) -> None:
        if self.refusal:
            raise self.refusal
        if self.deletes:
            self.there.pop(name, None)


class PlacedRun:
    """A run that lies in the ledger in any stage, at a time that the test moves."""

    def __init__(self) -> None:
        self.at = START
        settings = Settings.load(
            {
                "TunedropStorage": "UseDevelopmentStorage=true",
                "AZURE_OPENAI_ENDPOINT": "http://127.0.0.1:1",
                "AZURE_OPENAI_API_KEY": "k",
                "AZURE_SUBSCRIPTION_ID": "s",
                "AZURE_RESOURCE_GROUP": "g",
                "AZURE_OPENAI_ACCOUNT": "a",
                "TUNEDROP_QUIET_SECONDS": "0",
            }
        )
        self.clients: Any = AzureClients(settings)
        for name in ("datasets", "runs", "models"):
            setattr(self.clients, name, MemoryContainer(name, self.now))
        self.jobs, self.control = DataPlane(), ControlPlane()
        self.clients.finetuning = cast(Any, self.jobs)
        self.clients.deployments = cast(Any, self.control)
        self.ctx = Context.of(self.clients, now=self.now)

    def now(self) -> datetime:
        return self.at

    def wait(self, **time: float) -> None:
        self.at += timedelta(**time)

    async def run(self, stage: Stage, *past: Stage, **values: Any) -> Run:
        """A run of this stage, as it lies in the ledger."""
        file = File(name="m/training.jsonl", etag="e", size=1, sha256="s", file_id="F1")
        timeline = tuple(Transition(stage=s, at=self.at) for s in (Stage.RECEIVED, *past, stage))
        run = Run(
            id="m-1",
            model="m",
            stage=stage,
            spec=effective(None, self.clients.settings),
            training=file,
            timeline=timeline,
        ).replace(**values)
        self.jobs.names["F1"] = "m-1-1-training.jsonl"
        await self.clients.runs.put("m-1/run.json", as_json(run), "")
        await self.clients.runs.put("active/m-1", b"", "")
        return await self.known()

    async def known(self) -> Run:
        run = await self.ctx.ledger.load("m-1")
        assert run
        return run

    async def version(self, **values: Any) -> Version:
        return await self.ctx.registry.add_version("m", a_version(**values))

    async def tick(self, times: int = 1) -> Run:
        for _ in range(times):
            await reconciler.tick(self.ctx)
            self.wait(minutes=14)
        return await self.known()

    async def messages(self, kind: str = "") -> list[str]:
        text = await self.ctx.ledger.document("m-1", "events.jsonl") or b""
        lines = [json.loads(line) for line in text.splitlines()]
        return [line["message"] for line in lines if kind in ("", line["kind"])]


def a_version(run_id: str = "m-1", **values: Any) -> Version:
    return Version(
        run_id=run_id,
        base_model="gpt-4.1-nano-2025-04-14",
        fine_tuned_model=MADE,
        sku="s",
        capacity=1,
        created_at=START,
        dropped_at=START,
    ).replace(**values)


def command(action: Action, who: str = "Ada") -> Command:
    return Command(action=action, who=who, why="", at=START)


async def deploying(placed: PlacedRun, **values: Any) -> Run:
    placed.control.has("m-v1")
    kept = {"job_id": "J1", "fine_tuned_model": MADE, "version": 1, "deployment": "m-v1"}
    return await placed.run(Stage.DEPLOYING, **kept, **values)
