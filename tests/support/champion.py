"""A model whose champion serves, in memory; what chats, the timer and people do about it."""

from shared.model.redeploy import Redeployment, RedeployRequests
from shared.run import redeployments
from shared.run.record import Run
from tests.support.runs import RunHarness
from tests.support.service_state import MemoryService


class Champion:
    """A model whose champion serves; what chats and the timer do about it."""

    def __init__(self, harness: RunHarness, run: Run) -> None:
        assert isinstance(harness.service, MemoryService)
        self.harness, self.run, self.memory = harness, run, harness.service
        self.requests = RedeployRequests(harness.ctx.clients.models)

    @property
    def deployment(self) -> str:
        return str(self.run.deployment)

    def calls(self, operation: str) -> int:
        return self.memory.journal.count(operation)

    async def loses_its_deployment(self) -> None:
        self.memory.delete_deployment(self.deployment)
        await self.harness.pause(5)
        assert self.deployment not in self.memory.deployments()

    async def is_asked(self) -> bool:
        """One chat, as the relay does: whether it was answered; if not, there is a request."""
        found = self.memory.find_deployment(self.deployment)
        if found and found.answers(self.memory.clock.now()):
            return True
        await self.requests.add(self.harness.model)
        return False

    async def tick(self, times: int = 1, seconds: float = 30) -> None:
        for _ in range(times):
            await redeployments.process(self.harness.ctx)
            await self.harness.pause(seconds)

    async def ticks_until_it_answers(self, at_most: int = 45) -> int:
        for count in range(at_most):
            if await self.is_asked() and not await self.requests.requested():
                return count
            await self.tick()
        raise AssertionError(f"never: {await self.state()}")

    async def state(self) -> Redeployment | None:
        return await self.requests.state(self.harness.model)

    async def told(self) -> str:
        """As the log of the app and of the run have it, and the doctor."""
        state = await self.state()
        return state.told if state else ""

    async def noted(self) -> list[str]:
        return await self.harness.messages(self.run, "deployment")
