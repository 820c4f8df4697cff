"""A model whose versions are compared, in memory: the test says what each of them answers."""

import hashlib
import json
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from shared.model.registry import Version
from shared.run.record import File, Run
from shared.run.spec import effective
from shared.run.stages import ENDS, Stage
from shared.settings import Settings
from tests.support.datasets import dataset
from tests.support.runs import RunHarness
from tests.support.service_parts import StoredDeployment
from tests.support.service_state import MemoryService
from tests.support.settings import BY_HAND, ENVIRON

BASE = "gpt-4.1-nano-2025-04-14"
EXAMPLES = 20
IN_USE = {
    "TUNEDROP_BASE_DEPLOYMENTS": "plain",
    "TUNEDROP_BACKOFF_SECONDS": "0.05",
    "TUNEDROP_SWEEP_SECONDS": "86400",  # what is placed was never dropped
}

Says = Callable[[str], str]  # the answer to a question


def right(question: str) -> str:
    """As the validation set has it."""
    return f"Arr, {question.split()[-1].rstrip('?')} be a number."


def wrong(question: str) -> str:
    return "I would rather speak of the weather today."


def half(question: str) -> str:
    return right(question) if int(question.split()[-1].rstrip("?")) % 2 else wrong(question)


@dataclass
class Compared:
    """`asked`: how often each model was asked each question, whoever it is deployed as."""

    harness: RunHarness
    memory: MemoryService
    says: dict[str, Says] = field(default_factory=dict)  # by deployment
    asked: Counter[tuple[str, str]] = field(default_factory=Counter)

    @classmethod
    def of(cls, **settings: str) -> "Compared":
        environ = {**ENVIRON, **BY_HAND, **IN_USE, **settings}
        harness = RunHarness.in_memory(Settings.load(environ), "captain")
        assert isinstance(harness.service, MemoryService)
        found = cls(harness, harness.service)
        found.memory.says = found._say
        return found

    def _say(self, model: str, asked: dict[str, Any]) -> str:
        question = asked["messages"][-1]["content"]
        self.asked[model, question] += 1
        name = next(d.name for d in self.memory.deployed.values() if d.model == model)
        return self.says.get(name, wrong)(question)

    def deploy(self, name: str, model: str, says: Says, capacity: int = 50) -> None:
        now = self.memory.clock.now()
        self.memory.deployed[name] = StoredDeployment(
            name, model, now, now, None, capacity=capacity
        )
        self.says[name] = says

    def deploy_base(self, says: Says = wrong, capacity: int = 50, model: str = BASE) -> None:
        self.deploy("plain", model, says, capacity)

    async def placed(
        self,
        says: Says,
        run_yaml: str = "",
        *,
        examples: int = EXAMPLES,
        assertions: bytes = b"",
        files: str = "one",
    ) -> Run:
        """A run whose version is deployed and about to be compared, without what comes before;
        `files` names its content."""
        number = len(await self.versions()) + 1
        await self.harness.pause(60)
        training = await self._put("training.jsonl", dataset(12, voice=files))
        validation = await self._put("validation.jsonl", dataset(examples)) if examples else None
        run = Run(
            id=f"captain-{number:032x}",
            model="captain",
            spec=effective(run_yaml.encode(), self.harness.ctx.settings),
            training=training,
            validation=validation,
            assertions=await self._put("promptfooconfig.yaml", assertions) if assertions else None,
            stage=Stage.COMPARING,
            fine_tuned_model=f"{BASE}.ft-{number:04d}",
        )
        entered = await self.harness.ctx.registry.add_version("captain", _version(run))
        self.deploy(entered.deployment, entered.fine_tuned_model, says)
        known = run.replace(version=entered.version, deployment=entered.deployment)
        await self.harness.ledger.create(known)
        return await self.harness.known(run.id)

    async def version(self, says: Says, run_yaml: str = "", **placed: Any) -> Run:
        return await self.ended(await self.placed(says, run_yaml, **placed))

    async def ended(self, run: Run) -> Run:
        return await self.harness.until(run, *ENDS)

    async def tick(self, run: Run) -> Run:
        await self.harness.tick()
        return await self.harness.known(run.id)

    async def versions(self) -> tuple[Version, ...]:
        model = await self.harness.ctx.registry.load("captain")
        return model.versions if model else ()

    async def _put(self, name: str, content: bytes) -> File:
        datasets, path = self.harness.ctx.clients.datasets, self.harness.path(name)
        await datasets.put(path, content, "application/json")
        blob = await datasets.info(path)
        assert blob
        digest = hashlib.sha256(content).hexdigest()
        return File(
            name=path,
            etag=blob.etag,
            size=len(content),
            sha256=digest,
            content_sha256=digest,
            modified=blob.modified,
            examples=content.count(b"\n"),
            file_id=self.memory.add_file(name, content),
        )

    async def verdict(self, run: Run) -> dict[str, Any]:
        found = await self.harness.ledger.document(run.id, "verdict.json")
        return dict(json.loads(found or b"{}"))

    async def champion(self) -> int | None:
        model = await self.harness.ctx.registry.load("captain")
        return model.champion if model else None

    async def lines(self, run: Run) -> list[dict[str, Any]]:
        found = await self.harness.ctx.clients.runs.read(f"{run.id}/answers.jsonl")
        return [json.loads(line) for line in (found.data if found else b"").splitlines()]


def _version(run: Run) -> Version:
    assert run.fine_tuned_model
    return Version(
        run_id=run.id,
        base_model=run.spec.base_model,
        fine_tuned_model=run.fine_tuned_model,
        sku=run.spec.deployment.sku,
        capacity=run.spec.deployment.capacity,
        created_at=run.dropped_at,
        dropped_at=run.dropped_at,
        training_sha256=run.training.content_sha256,
    )
