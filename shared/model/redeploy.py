"""Redeploys a champion whose deployment is gone: a chat adds a request, the timer processes it.

A chat must not wait for a deployment and its function may have no time to make one, so it leaves
a request, the blob `wake/<model>` in the models container.
"""

import logging
import time

from shared import telemetry
from shared.cloud import AzureClients
from shared.cloud.container import Container
from shared.errors import TunedropError, Unavailable
from shared.model import deployment
from shared.model.registry import Registry
from shared.printable import shown

log = logging.getLogger(__name__)

PREFIX = "wake/"
MIN_INTERVAL_SECONDS = 30.0  # between two requests for one model: one is as good as a thousand


class RedeployRequests:
    def __init__(self, models: Container) -> None:
        self.models = models
        self._added_at: dict[str, float] = {}

    async def add(self, model: str) -> None:
        """Request a deployment for the model's champion. Never raises for storage."""
        since = time.monotonic() - self._added_at.get(model, -MIN_INTERVAL_SECONDS)
        if since < MIN_INTERVAL_SECONDS:
            return
        self._added_at[model] = time.monotonic()
        try:
            await self.models.put(f"{PREFIX}{model}", b"", "text/plain")
        except TunedropError as error:
            log.warning("the redeployment of %s could not be requested: %s", model, error)
        else:
            telemetry.measure("tunedrop.chat.wakes", model=model)


async def process_requests(cloud: AzureClients) -> None:
    """Take every request as far as it goes now; what has to wait is left for the next tick."""
    try:
        names = [blob.name.removeprefix(PREFIX) async for blob in cloud.models.list(PREFIX)]
    except Unavailable as error:
        log.error("requests to redeploy could not be read: %s", error)
        return
    for name in names:
        try:
            if await _is_answering(name, cloud):
                await cloud.models.delete(f"{PREFIX}{name}")
                log.info("%s answers again", name)
        except TunedropError as error:
            log.warning("%s could not be redeployed: %s", shown(name), error)
        except Exception:
            log.exception("the redeployment of %s went wrong", shown(name))


async def _is_answering(name: str, cloud: AzureClients) -> bool:
    """Whether the model's champion answers; if not, the next step towards it has been taken."""
    model = await Registry(cloud.models).load(name)
    if model is None or model.champion is None:
        return True  # nothing to redeploy
    version = model.version(model.champion)
    if await cloud.deployments.get(version.deployment) is None:
        await deployment.request(cloud.deployments, version)
        return False
    if await deployment.state(cloud.deployments, version) is not deployment.Readiness.READY:
        return False
    return await deployment.probe(cloud.finetuning, version) is deployment.Readiness.READY
