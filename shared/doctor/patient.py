"""Who is examined: the settings as far as they can be read, and the way to the outside.

An app whose settings are incomplete is still examined as far as they go. Each right is asked for
once, however many examinations want the answer.
"""

import asyncio
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import fields
from datetime import datetime
from typing import Any

from azure.core.credentials_async import AsyncTokenCredential

from shared.cloud import AzureClients
from shared.cloud.probe import ARM_SCOPE, Answer, Probe, claims
from shared.doctor.rights import RIGHTS, Right
from shared.errors import NotFound, SettingError, TunedropError
from shared.settings import Settings


class Patient:
    def __init__(
        self, environ: Mapping[str, str], now: Callable[[], datetime], wait: float
    ) -> None:
        self.environ, self.now, self.wait = environ, now, wait
        self.settings, self.unreadable = _lenient(environ)
        self.probe, self.cloud = Probe(self.settings), AzureClients(self.settings)
        self._asked: dict[str, asyncio.Task[Answer]] = {}

    async def __aenter__(self) -> "Patient":
        return self

    async def __aexit__(self, *error: object) -> None:
        for task in self._asked.values():
            task.cancel()
        await asyncio.gather(*self._asked.values(), return_exceptions=True)
        with suppress(TunedropError, ValueError):  # the client does not close what it signs in with
            if isinstance(sign_in := self.cloud.runs.client.credential, AsyncTokenCredential):
                await sign_in.close()
        await self.probe.close()
        await self.cloud.__aexit__()

    async def answer(self, right_id: str) -> Answer:
        """What came when the right was tried. Raises TunedropError if it could not be."""
        if right_id not in self._asked:
            self._asked[right_id] = asyncio.create_task(self._ask(RIGHTS[right_id]))
        return await asyncio.shield(self._asked[right_id])

    async def fact(self, right_id: str) -> Any:
        """The body that a right to read brings. Raises NotFound where it brings none."""
        try:
            answer = await self.answer(right_id)
        except TunedropError:
            answer = None
        if answer is None or answer.status != 200 or not isinstance(answer.body, dict):
            raise NotFound(f"Only seen with {right_id}.")
        return answer.body

    async def who(self) -> dict[str, Any]:
        """The claims of the identity; empty if there is none."""
        try:
            return claims(await self.probe.token(ARM_SCOPE))
        except TunedropError:
            return {}

    # ---- commands that mend ------------------------------------------------------------------

    def account(self, command: str, options: str = "") -> str:
        known = self.settings
        where = f"--name {known.account} --resource-group {known.resource_group}"
        return f"az cognitiveservices account {command} {where} {options}".strip()

    def functionapp(self, command: str, options: str) -> str:
        name = self.environ.get("WEBSITE_SITE_NAME", "APP")
        where = f"--name {name} --resource-group {self.settings.resource_group or 'GROUP'}"
        return f"az functionapp {command} {where} {options}"

    def setting(self, name: str, value: str = "VALUE") -> str:
        command = self.functionapp("config appsettings set", f"--settings {name}={value}")
        if "WEBSITE_SITE_NAME" in self.environ:
            return command
        return f"In Values of local.settings.json, or in Azure: {command}"

    @property
    def account_scope(self) -> str:
        known = self.settings
        return (
            f"/subscriptions/{known.subscription_id}/resourceGroups/{known.resource_group}"
            f"/providers/Microsoft.CognitiveServices/accounts/{known.account}"
        )

    async def _ask(self, right: Right) -> Answer:
        missing = [name for name in right.needs if name in self.unreadable]
        if missing:
            raise NotFound(f"Only seen with {', '.join(missing)}.")
        if right.plane == "data":
            return await self.probe.data(right.method, right.path, right.body)
        if right.plane == "location":
            location = (await self.fact("account.read")).get("location", "")
            path = right.path.format(subscription=self.settings.subscription_id, location=location)
            return await self.probe.control(right.method, path, right.body)
        return await self.probe.control(right.method, self.account_scope + right.path, right.body)


def _lenient(environ: Mapping[str, str]) -> tuple[Settings, dict[str, SettingError]]:
    """The settings with what cannot be read left at its default or empty, and what that is."""
    values, unreadable = {}, {}
    for field in fields(Settings):
        try:
            values[field.name] = Settings.one(environ, field.name)
        except SettingError as error:
            unreadable[str(field.metadata["name"])] = error
            default = field.metadata["default"]
            values[field.name] = default if isinstance(default, str | int | float) else ""
    return Settings(**values), unreadable
