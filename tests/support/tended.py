"""Models whose versions are deployed, in memory: what chats, ticks and time do about them."""

from datetime import timedelta

from shared.cloud.memory_container import MemoryContainer
from shared.model.redeploy import RedeployRequests, request_for
from shared.model.registry import Model, Version
from shared.model.usage import USED
from shared.run import redeployments, upkeep
from shared.run.record import Run
from shared.run.stages import Stage
from shared.settings import Settings
from tests.support.datasets import dataset
from tests.support.runs import RunHarness
from tests.support.service_state import MemoryService
from tests.support.settings import IN_MEMORY

HOUR = 3600.0


class Tended:
    """A harness whose ticks look after deployments, with more than one model if wanted."""

    def __init__(self, harness: RunHarness) -> None:
        assert isinstance(harness.service, MemoryService)
        self.harness, self.service = harness, harness.service
        self.harness.set_policy(hosting_every=timedelta(minutes=5), first_pause=15.0)

    @classmethod
    def in_memory(cls, settings: Settings = IN_MEMORY, model: str = "captain") -> "Tended":
        return cls(RunHarness.in_memory(settings, model))

    @property
    def models(self) -> MemoryContainer:
        models = self.harness.ctx.clients.models
        assert isinstance(models, MemoryContainer)
        return models

    async def dropped(self, examples: int = 10, run_yaml: str = "", model: str = "") -> Run:
        """A dataset that serves by now, or is held."""
        harness = self.harness
        harness.model = model or harness.model
        if run_yaml:
            await harness.drop(run_yaml.encode(), "run.yaml")
        await harness.drop(dataset(examples, harness.model))
        run = await harness.until(await harness.received(), Stage.SERVING, Stage.HELD)
        await harness.until_inactive()
        return run

    async def model(self, name: str = "") -> Model:
        model = await self.harness.ctx.registry.load(name or self.harness.model)
        assert model
        return model

    async def version(self, number: int = 1, name: str = "") -> Version:
        return (await self.model(name)).version(number)

    async def chat(self, number: int | None = None, name: str = "") -> bool:
        """As the relay does: whether it was answered; if not, it may be asked for again."""
        model = await self.model(name)
        version = model.version(number or model.champion or 0)
        found = self.service.find_deployment(version.deployment)
        now = self.service.clock.now()
        if not version.asleep_since and found and found.answers(now):
            found.used_at = now
            await self.models.put(f"{USED}{model.name}@{version.version}", b"", "")
            return True
        if request := request_for(model, version.version):
            await RedeployRequests(self.models, self.harness.ctx.now).add(request)
        return False

    async def look(self, times: int = 1) -> None:
        """What a tick does about deployments, a minute apart."""
        for _ in range(times):
            await upkeep.process(self.harness.ctx)
            await redeployments.process(self.harness.ctx)
            await self.harness.pause(60)

    async def later(self, hours: float) -> None:
        """Time goes on without a tick, then there are some."""
        await self.harness.pause(hours * HOUR)
        await self.look(7)

    async def losses(self, run: Run) -> list[str]:
        """What the run's log says of deployments that the app has not removed."""
        lines = await self.harness.messages(run, "deployment")
        return [line for line in lines if "was removed at" in line]

    def deployed(self) -> list[str]:
        return sorted(self.service.deployments())

    async def awake(self, at_most: int = 30) -> int:
        """Ticks until the champion answers."""
        for count in range(at_most):
            if await self.chat():
                return count
            await self.look()
        raise AssertionError("it does not wake")
