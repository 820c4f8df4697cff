"""The outside world, opened once per process: storage, Azure OpenAI, Azure Resource Manager.

Clients are made at first use: a chat should not wait for clients that only a run needs.
"""

from contextlib import AsyncExitStack
from functools import cached_property
from typing import TYPE_CHECKING, Protocol, TypeVar

from shared.cloud.account import Account
from shared.cloud.azure_container import AzureContainer, connect
from shared.cloud.completions import Completions
from shared.cloud.container import Container
from shared.cloud.deployments import Deployments
from shared.cloud.finetuning import FineTuning
from shared.cloud.identity import credential
from shared.cloud.receivers import Receivers
from shared.settings import Settings

if TYPE_CHECKING:
    from azure.core.credentials_async import AsyncTokenCredential
    from azure.storage.blob.aio import BlobServiceClient


class _Closable(Protocol):
    async def close(self) -> None: ...


Client = TypeVar("Client", bound=_Closable)


class AzureClients:
    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self._opened = AsyncExitStack()

    async def __aenter__(self) -> "AzureClients":
        return self

    async def __aexit__(self, *error: object) -> None:
        await self.close()

    async def close(self) -> None:
        """Close what was opened. The app itself never does: its process is simply ended."""
        await self._opened.aclose()

    def _open(self, client: Client) -> Client:
        self._opened.push_async_callback(client.close)
        return client

    @cached_property
    def _credential(self) -> "AsyncTokenCredential":
        return self._open(credential(self.settings.client_id))

    def credential(self) -> "AsyncTokenCredential":
        """One credential for everything: its tokens are kept once."""
        return self._credential

    @cached_property
    def storage(self) -> "BlobServiceClient":
        return self._open(connect(self.settings, self.credential))

    def _container(self, name: str) -> Container:
        return AzureContainer(self.storage.get_container_client(name))

    @cached_property
    def datasets(self) -> Container:
        return self._container(self.settings.datasets_container)

    @cached_property
    def runs(self) -> Container:
        return self._container(self.settings.runs_container)

    @cached_property
    def models(self) -> Container:
        return self._container(self.settings.models_container)

    @cached_property
    def feedback(self) -> Container:
        return self._container(self.settings.feedback_container)

    @cached_property
    def finetuning(self) -> FineTuning:
        return self._open(FineTuning.connect(self.settings, self.credential))

    @cached_property
    def deployments(self) -> Deployments:
        return self._open(Deployments.connect(self.settings, self.credential))

    @cached_property
    def account(self) -> Account:
        return Account(self.deployments, self.finetuning, self.settings.location)

    @cached_property
    def completions(self) -> Completions:
        return self._open(Completions(self.settings, self.credential))

    @cached_property
    def receivers(self) -> Receivers:
        return self._open(Receivers(self.settings, self.credential))
