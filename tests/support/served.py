"""A model with several versions that were trained, one after the other, in memory."""

import json
from datetime import timedelta

from shared.model.registry import Model
from shared.run.record import Run
from shared.run.stages import Stage
from tests.support.datasets import dataset
from tests.support.runs import RunHarness
from tests.support.service_state import MemoryService
from tests.support.settings import IN_MEMORY


class Versions:
    """`captain`, whose newest version serves; `runs` has the run of each by its number."""

    def __init__(self, harness: RunHarness) -> None:
        assert isinstance(harness.service, MemoryService)
        assert harness.clock
        self.harness, self.ctx, self.clock = harness, harness.ctx, harness.clock
        self.service = harness.service
        self.runs: dict[int, Run] = {}

    @classmethod
    async def serving(cls, count: int, run_yaml: bytes = b"") -> "Versions":
        made = cls(RunHarness.in_memory(IN_MEMORY, "captain"))
        for _ in range(count):
            await made.train(run_yaml)
        return made

    async def train(self, run_yaml: bytes = b"") -> Run:
        """Drop another dataset, an hour after the one before, and follow its run to its end."""
        number = len(self.runs) + 1
        self.clock.advance(timedelta(hours=1).total_seconds())
        if run_yaml:
            await self.harness.drop(run_yaml, "run.yaml")
        await self.harness.drop(dataset(10, voice=f"captain {number}"))
        run = await self.harness.until(await self.harness.received(), *ENDED)
        await self.harness.until_inactive()
        self.runs[number] = await self.harness.known(run.id)
        return self.runs[number]

    async def drop_again(self, number: int) -> None:
        """The same dataset once more, as another blob."""
        self.clock.advance(timedelta(hours=1).total_seconds())
        await self.harness.drop(dataset(10, voice=f"captain {number}"))
        assert (await self.harness.received()).id == self.runs[number].id

    async def model(self) -> Model:
        model = await self.ctx.registry.load("captain")
        assert model
        return model

    async def known(self, number: int) -> Run:
        return await self.harness.known(self.runs[number].id)

    async def said(self, number: int) -> list[tuple[str, str]]:
        """What the log of a version's run has: who, and the message."""
        return [
            (line["who"], line["message"]) for line in await self.harness.log(self.runs[number])
        ]

    async def remembers(self, answer: str) -> None:
        """A conversation with `captain`, its rating, and one with another model."""
        feedback = self.ctx.clients.feedback
        hour = "2026-11-28/10"
        await feedback.append(f"conversations/captain/{hour}.jsonl", json.dumps({"id": answer}))
        await feedback.append(f"conversations/captain/{hour}.jsonl", "torn")
        await feedback.put(f"answers/{answer}", f"captain/{hour}".encode(), "text/plain")
        await feedback.append("ratings/captain/2026-11-28.jsonl", json.dumps({"id": answer}))
        await feedback.put("answers/of-another", f"captain2/{hour}".encode(), "text/plain")
        await feedback.put("trace/2026", b"captain@1", "text/plain")

    def loses(self, number: int) -> None:
        """Its deployment is deleted by somebody."""
        del self.service.deployed[f"captain-v{number}"]


ENDED = (Stage.SERVING, Stage.HELD, Stage.FAILED, Stage.REJECTED, Stage.CANCELLED)
