"""Redeploys a version whose deployment is gone: a chat adds a request, the timer processes it.

A chat must not wait for a deployment and its function may have no time to make one, so it leaves
a request, the blob `wake/<model>` in the models container for the champion, `wake/<model>@<n>` for
another version.
"""

import logging
import time

from shared import telemetry
from shared.cloud import AzureClients
from shared.cloud.container import Container
from shared.errors import TunedropError, Unavailable
from shared.model import deployment
from shared.model.registry import Model, Registry, Version
from shared.printable import shown

log = logging.getLogger(__name__)

PREFIX = "wake/"
MIN_INTERVAL_SECONDS = 30.0  # between two requests for one model: one is as good as a thousand


def request_for(model: Model, number: int) -> str | None:
    """The request that makes a version's deployment again. None for a version that the app does
    not keep: each deployment costs by the hour, and no caller should decide to pay for all."""
    if number == model.champion:
        return model.name
    kept = number in (model.previous, model.candidate) and not model.version(number).withdrawn
    return f"{model.name}@{number}" if kept else None


class RedeployRequests:
    def __init__(self, models: Container) -> None:
        self.models = models
        self._added_at: dict[str, float] = {}

    async def add(self, request: str) -> bool:
        """Add a request; whether it stands. Never raises for storage."""
        since = time.monotonic() - self._added_at.get(request, -MIN_INTERVAL_SECONDS)
        if since < MIN_INTERVAL_SECONDS:
            return True
        self._added_at[request] = time.monotonic()
        try:
            await self.models.put(f"{PREFIX}{request}", b"", "text/plain")
        except TunedropError as error:
            self._added_at.pop(request, None)
            log.warning("the redeployment of %s could not be requested: %s", request, error)
            return False
        telemetry.measure("tunedrop.chat.wakes", model=request.partition("@")[0])
        return True


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
    """Whether the version of a request answers; if not, the next step towards it has been taken."""
    version = await _requested(name, Registry(cloud.models))
    if version is None:
        return True  # nothing to redeploy
    if await cloud.deployments.get(version.deployment) is None:
        await deployment.request(cloud.deployments, version)
        return False
    if await deployment.state(cloud.deployments, version) is not deployment.Readiness.READY:
        return False
    return await deployment.probe(cloud.finetuning, version) is deployment.Readiness.READY


async def _requested(request: str, registry: Registry) -> Version | None:
    """The version of a request, if the app keeps it still."""
    name, other, number = request.partition("@")
    model = await registry.load(name)
    if model is None:
        return None
    kept = (v for v in model.versions if request_for(model, v.version) is not None)
    wanted = number if other else str(model.champion)
    return next((version for version in kept if str(version.version) == wanted), None)
