"""The app's settings for telling others what has happened (see `settings`)."""

from dataclasses import dataclass

from shared import endpoint
from shared.setting import setting


@dataclass(frozen=True, kw_only=True)
class NotifySettings:
    webhook_url: str = setting(
        "TUNEDROP_WEBHOOK_URL",
        "Where ends of runs and whatever else needs a person is told, as CloudEvents (see "
        "notifications.md): an https address, or http on this machine. Nowhere, when empty.",
        "",
        form=endpoint.webhook,
    )
    webhook_secrets: tuple[str, ...] = setting(
        "TUNEDROP_WEBHOOK_SECRET",
        "Signs what is sent there, as Standard Webhooks does: `whsec_` and base64. Two, separated "
        "by a comma, while one takes the other's place. A Key Vault reference keeps it secret.",
        (),
    )
    event_grid_topic: str = setting(
        "TUNEDROP_EVENT_GRID_TOPIC",
        "Endpoint of an Event Grid topic that is told the same, entered with the app's identity.",
        "",
        form=endpoint.event_grid_topic,
    )
