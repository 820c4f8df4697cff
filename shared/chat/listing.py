"""The models that a caller may name, as clients list them: OpenAI's shape, and that of Azure's
deployments, which its oldest clients ask for. Knows names and times, not who may see them.
"""

from dataclasses import dataclass
from datetime import datetime
from typing import Any


@dataclass(frozen=True, slots=True)
class Offered:
    """What may stand in `model`. `since` is when that came to be: of a model its first version, of
    a version its training's end; of a base deployment, whose age is not known here, the start of
    this process."""

    name: str
    since: datetime

    @property
    def created(self) -> int:
        return int(self.since.timestamp())


def as_model(offered: Offered) -> dict[str, Any]:
    """https://platform.openai.com/docs/api-reference/models/object"""
    created = {"created": offered.created}
    return {"id": offered.name, "object": "model", **created, "owned_by": "tunedrop"}


def as_deployment(offered: Offered) -> dict[str, Any]:
    """As Azure OpenAI's data plane had it until its api-version 2023-03-15-preview."""
    return {
        "id": offered.name,
        "object": "deployment",
        "model": offered.name,
        "owner": "organization-owner",
        "status": "succeeded",
        "scale_settings": {"scale_type": "standard"},
        "created_at": offered.created,
        "updated_at": offered.created,
    }


def as_list(entries: list[dict[str, Any]]) -> dict[str, Any]:
    return {"object": "list", "data": entries}
