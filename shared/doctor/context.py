"""What a check works with: the settings as far as they can be read, and the way to Azure.

An app whose settings are incomplete is still checked as far as they go. Each right is tried once,
however many checks need the response.
"""

import asyncio
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, fields
from datetime import datetime
from typing import Any

from shared.cloud import AzureClients
from shared.cloud.rest import ARM_SCOPE, RawResponse, RestClient, claims
from shared.doctor.result import blocked
from shared.doctor.rights import RIGHTS, Right
from shared.errors import NotFound, SettingError, TunedropError
from shared.settings import Settings


@asynccontextmanager
async def open_context(
    environ: Mapping[str, str], now: Callable[[], datetime], canary_seconds: float
) -> AsyncIterator["Context"]:
    """Clients of its own, not those that the app keeps: a token from before would hide that the
    identity is gone. One credential for all of them; everything is closed at the end."""
    settings, unreadable = _read_settings(environ)
    async with AzureClients(settings) as clients, RestClient(settings, clients.credential) as rest:
        context = Context(environ, now, canary_seconds, settings, unreadable, clients, rest)
        try:
            yield context
        finally:
            await context.cancel()


@dataclass
class Context:
    """`unreadable` holds the settings that cannot be read, by name. `canary_seconds` is how long
    the app may take to find a dropped canary."""

    environ: Mapping[str, str]
    now: Callable[[], datetime]
    canary_seconds: float
    settings: Settings
    unreadable: Mapping[str, SettingError]
    clients: AzureClients
    rest: RestClient
    _responses: dict[str, asyncio.Task[RawResponse]] = field(default_factory=dict, init=False)

    async def response(self, right_id: str) -> RawResponse:
        """What came when the right was tried. Raises TunedropError if it could not be."""
        if right_id not in self._responses:
            self._responses[right_id] = asyncio.create_task(self._try(RIGHTS[right_id]))
        return await asyncio.shield(self._responses[right_id])

    async def body(self, right_id: str) -> Any:
        """The body that a right to read gives access to. Raises NotFound where it does not."""
        try:
            response = await self.response(right_id)
        except TunedropError:
            response = None
        if response is None or response.status != 200 or not isinstance(response.body, dict):
            raise NotFound(blocked(right_id))
        return response.body

    async def identity_claims(self) -> dict[str, Any]:
        """The claims of the identity; empty if there is none."""
        try:
            return claims(await self.rest.token(ARM_SCOPE))
        except TunedropError:
            return {}

    async def cancel(self) -> None:
        for task in self._responses.values():
            task.cancel()
        await asyncio.gather(*self._responses.values(), return_exceptions=True)

    # ---- commands for a fix ------------------------------------------------------------------

    def account_command(self, command: str, options: str = "") -> str:
        settings = self.settings
        where = f"--name {settings.account} --resource-group {settings.resource_group}"
        return f"az cognitiveservices account {command} {where} {options}".strip()

    def app_command(self, command: str, options: str = "") -> str:
        name = self.environ.get("WEBSITE_SITE_NAME", "APP")
        where = f"--name {name} --resource-group {self.settings.resource_group or 'GROUP'}"
        return f"az functionapp {command} {where} {options}".strip()

    def setting_command(self, name: str, value: str = "VALUE") -> str:
        command = self.app_command("config appsettings set", f"--settings {name}={value}")
        if "WEBSITE_SITE_NAME" in self.environ:
            return command
        return f"In Values of local.settings.json, or in Azure: {command}"

    @property
    def account_scope(self) -> str:
        settings = self.settings
        return (
            f"/subscriptions/{settings.subscription_id}/resourceGroups/{settings.resource_group}"
            f"/providers/Microsoft.CognitiveServices/accounts/{settings.account}"
        )

    async def _try(self, right: Right) -> RawResponse:
        missing = [name for name in right.needs if name in self.unreadable]
        if missing:
            raise NotFound(blocked(*missing))
        if right.plane == "data":
            return await self.rest.data(right.method, right.path, right.body)
        if right.plane == "location":
            location = (await self.body("account.read")).get("location", "")
            path = right.path.format(subscription=self.settings.subscription_id, location=location)
            return await self.rest.control(right.method, path, right.body)
        return await self.rest.control(right.method, self.account_scope + right.path, right.body)


def _read_settings(environ: Mapping[str, str]) -> tuple[Settings, dict[str, SettingError]]:
    """What cannot be read is left at its default or empty, and returned by name."""
    values, unreadable = {}, {}
    for setting in fields(Settings):
        try:
            values[setting.name] = Settings.one(environ, setting.name)
        except SettingError as error:
            unreadable[str(setting.metadata["name"])] = error
            default = setting.metadata["default"]
            values[setting.name] = default if isinstance(default, str | int | float) else ""
    return Settings(**values), unreadable
