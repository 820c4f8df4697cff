"""The outside world, opened once per process: storage, Azure OpenAI, Azure Resource Manager.

Clients are made at first use: a chat should not wait for clients that only a run needs.
"""

from functools import cached_property
from typing import TYPE_CHECKING

from shared.cloud.blobs import Container, connect
from shared.cloud.completions import Completions
from shared.cloud.deployments import Deployments
from shared.cloud.finetuning import FineTuning
from shared.cloud.identity import credential
from shared.settings import Settings

if TYPE_CHECKING:
    from azure.core.credentials_async import AsyncTokenCredential
    from azure.storage.blob.aio import BlobServiceClient


class Cloud:
    def __init__(self, settings: Settings) -> None:
        self.settings = settings

    async def __aenter__(self) -> "Cloud":
        return self

    async def __aexit__(self, *error: object) -> None:
        """Close what was opened. The app itself never does: its process is simply ended."""
        for part in ("_storage", "finetuning", "deployments", "completions", "_me"):
            if part in self.__dict__:
                await self.__dict__[part].close()

    @cached_property
    def _me(self) -> "AsyncTokenCredential":
        return credential(self.settings.client_id)

    def me(self) -> "AsyncTokenCredential":
        """One credential for everything: its tokens are kept once."""
        return self._me

    @cached_property
    def _storage(self) -> "BlobServiceClient":
        return connect(self.settings, self.me)

    def _container(self, name: str) -> Container:
        return Container(self._storage.get_container_client(name))

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
        return FineTuning.connect(self.settings, self.me)

    @cached_property
    def deployments(self) -> Deployments:
        return Deployments.connect(self.settings, self.me)

    @cached_property
    def completions(self) -> Completions:
        return Completions(self.settings, self.me)
