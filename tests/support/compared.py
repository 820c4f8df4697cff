"""A model whose versions are compared, in memory: what each of them answers is the test's to say."""

import json
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from shared.run.record import Run
from shared.run.stages import ENDS, Stage
from shared.settings import Settings
from tests.support.datasets import dataset
from tests.support.runs import RunHarness
from tests.support.service_parts import StoredDeployment
from tests.support.service_state import MemoryService
from tests.support.settings import BY_HAND, ENVIRON

BASE = "gpt-4.1-nano-2025-04-14"
EXAMPLES = 20
BY_NUMBER = {"TUNEDROP_BASE_DEPLOYMENTS": "plain", "TUNEDROP_BACKOFF_SECONDS": "0.05"}

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
    def of(cls, model: str, **settings: str) -> "Compared":
        environ = {**ENVIRON, **BY_HAND, **BY_NUMBER, **settings}
        harness = RunHarness.in_memory(Settings.load(environ), model)
        assert isinstance(harness.service, MemoryService)
        found = cls(harness, harness.service)
        found.memory.says = found._say
        return found

    def _say(self, model: str, asked: dict[str, Any]) -> str:
        question = asked["messages"][-1]["content"]
        self.asked[model, question] += 1
        name = next(d.name for d in self.memory.deployed.values() if d.model == model)
        return self.says.get(name, wrong)(question)

    def deploy_base(self, says: Says = wrong, capacity: int = 50, model: str = BASE) -> None:
        now = self.memory.clock.now()
        self.memory.deployed["plain"] = StoredDeployment(
            "plain", model, now, now, None, capacity=capacity
        )
        self.says["plain"] = says

    async def drop(
        self, says: Says, run_yaml: str = "", *, voice: str = "one", examples: int = EXAMPLES
    ) -> Run:
        """A dataset whose version answers like that; its run as it was taken."""
        models = await self.harness.ctx.registry.load(self.harness.model)
        number = max((v.version for v in models.versions), default=0) + 1 if models else 1
        self.says[f"{self.harness.model}-v{number}"] = says
        await self.harness.pause(60)
        if examples:
            await self.harness.drop(dataset(examples), "validation.jsonl")
        if run_yaml:
            await self.harness.drop(run_yaml.encode(), "run.yaml")
        await self.harness.drop(dataset(12, voice=voice))
        return await self.harness.received()

    async def until_comparing(self, run: Run) -> Run:
        return await self.harness.until(run, Stage.COMPARING)

    async def ended(self, run: Run) -> Run:
        return await self.harness.until(run, *ENDS)

    async def version(self, says: Says, run_yaml: str = "", *, voice: str = "one") -> Run:
        return await self.ended(await self.drop(says, run_yaml, voice=voice))

    async def verdict(self, run: Run) -> dict[str, Any]:
        found = await self.harness.ledger.document(run.id, "verdict.json")
        return dict(json.loads(found or b"{}"))

    async def champion(self) -> int | None:
        model = await self.harness.ctx.registry.load(self.harness.model)
        return model.champion if model else None

    async def lines(self, run: Run) -> list[dict[str, Any]]:
        found = await self.harness.ctx.clients.runs.read(f"{run.id}/answers.jsonl")
        return [json.loads(line) for line in (found.data if found else b"").splitlines()]
