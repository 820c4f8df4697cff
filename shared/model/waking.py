"""Deployments that have gone are asked for again: the chat rings, the timer answers.

A chat must not wait for a deployment and its function may have no time to make one, so it leaves
a note, `wake/<model>`, in the models container; the tick works the notes off.
"""

import logging
import time

from shared import telemetry
from shared.cloud import AzureClients
from shared.cloud.container import Container
from shared.errors import TunedropError, Unavailable
from shared.model import hosting
from shared.model.registry import Registry

log = logging.getLogger(__name__)

NOTES = "wake/"
RING_EVERY = 30.0  # seconds; one note is as good as a thousand


class Bell:
    def __init__(self, models: Container) -> None:
        self.models = models
        self._rung: dict[str, float] = {}

    async def ring(self, model: str) -> None:
        """Leave a note that the model's champion has no deployment. Never raises for storage."""
        if time.monotonic() - self._rung.get(model, -RING_EVERY) < RING_EVERY:
            return
        self._rung[model] = time.monotonic()
        try:
            await self.models.put(f"{NOTES}{model}", b"", "text/plain")
        except TunedropError as error:
            log.warning("%s could not be asked for: %s", model, error)
        else:
            telemetry.measure("tunedrop.chat.wakes", model=model)


async def answer_all(cloud: AzureClients) -> None:
    """Work every note off as far as it goes now; what has to wait is left for the next tick."""
    try:
        names = [note.name.removeprefix(NOTES) async for note in cloud.models.list(NOTES)]
    except Unavailable as error:
        log.error("no deployment could be woken: %s", error)
        return
    for name in names:
        try:
            if await _awake(name, cloud):
                await cloud.models.delete(f"{NOTES}{name}")
                log.info("%s answers again", name)
        except TunedropError as error:
            log.warning("%s could not be woken: %s", name, error)


async def _awake(name: str, cloud: AzureClients) -> bool:
    """Whether the model's champion answers; if not, the next thing has been done for it."""
    model = await Registry(cloud.models).load(name)
    if model is None or model.champion is None:
        return True  # nothing to wake
    version = model.version(model.champion)
    if await cloud.deployments.get(version.deployment) is None:
        await hosting.request(cloud.deployments, version)
        return False
    if await hosting.state(cloud.deployments, version) is not hosting.Hosting.READY:
        return False
    return await hosting.probe(cloud.finetuning, version) is hosting.Hosting.READY
