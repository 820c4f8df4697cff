"""Who the app is: its managed identity in Azure, a developer's own sign-in on a laptop.

Knows how tokens are fetched and sent, not what they are used for.
"""

import os
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from azure.core.pipeline.policies import AsyncBearerTokenCredentialPolicy

from shared.endpoint import LOOPBACK

if TYPE_CHECKING:
    from azure.core.credentials_async import AsyncTokenCredential

# Gives the app's credential, made when a first call needs it and closed by whoever made it.
Credential = Callable[[], "AsyncTokenCredential"]


def credential(client_id: str) -> "AsyncTokenCredential":
    """The managed identity where the platform offers one, otherwise the developer's sign-in.

    Functions, Container Apps and the emulator announce an identity by IDENTITY_ENDPOINT; asking
    for that one by name spares the long search of DefaultAzureCredential at a cold start.
    """
    from azure.identity.aio import DefaultAzureCredential, ManagedIdentityCredential

    if "IDENTITY_ENDPOINT" in os.environ:
        return ManagedIdentityCredential(client_id=client_id or None)
    return DefaultAzureCredential(managed_identity_client_id=client_id or None)


def token_provider(credential: "AsyncTokenCredential", scope: str) -> Callable[[], Awaitable[str]]:
    """A function that gives a fresh bearer token for `scope`; it caches and renews by itself."""
    from azure.identity.aio import get_bearer_token_provider

    return get_bearer_token_provider(credential, scope)


def is_local_http(url: str) -> bool:
    parts = urlsplit(url)
    return parts.scheme == "http" and parts.hostname in LOOPBACK


class LoopbackBearerPolicy(AsyncBearerTokenCredentialPolicy[Any, Any]):
    """Sends the bearer token over plain http too, which azure-core otherwise refuses.

    Only ever used for the emulator on this machine (`is_local_http`).
    """

    async def on_request(self, request: Any) -> None:
        request.context.options["enforce_https"] = False
        await super().on_request(request)
