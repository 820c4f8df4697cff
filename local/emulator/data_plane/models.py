"""Models: base models and those that jobs have made, in the data plane's shape; deleting one."""

from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Route

from ..control_plane.catalog import (
    BASE_MODELS,
    CATALOG_DATE,
    CHAT,
    COMPLETION,
    EMBEDDINGS,
    BaseModel,
    base_model,
    base_of,
)
from ..control_plane.deployments import Deployments
from ..control_plane.lifecycle import Lifecycle
from ..control_plane.model_registry import ModelRegistry
from ..core.errors import ServiceError
from ..core.store import Document

# ARM's word: the data plane's. S-AUTH has the first two; the others are [inferred].
LIFECYCLES = {
    "GenerallyAvailable": "generally-available",
    "Preview": "preview",
    "Legacy": "legacy",
    "Deprecating": "deprecating",
    "Deprecated": "deprecated",
}


class Models:
    def __init__(
        self, registry: ModelRegistry, lifecycle: Lifecycle, deployments: Deployments
    ) -> None:
        self._registry, self._lifecycle = registry, lifecycle
        self._deployments = deployments

    def routes(self) -> list[Route]:
        return [
            Route("/models", self.index, methods=["GET"]),
            Route("/models/{id:path}", self.show, methods=["GET"]),
            Route("/models/{id:path}", self.delete, methods=["DELETE"]),
        ]

    async def index(self, request: Request) -> JSONResponse:
        data = [self._base(model) for model in BASE_MODELS]
        data += [self._tuned(record) for record in self._registry.tuned()]
        return JSONResponse({"object": "list", "data": data})

    async def show(self, request: Request) -> JSONResponse:
        name = request.path_params["id"]
        if base := base_model(name):
            return JSONResponse(self._base(base))
        return JSONResponse(self._tuned(self._known(name)))

    async def delete(self, request: Request) -> JSONResponse:
        """Only what a job has made, and not while it is deployed (S-DOC fine-tuning); code and
        message [inferred]."""
        name = request.path_params["id"]
        if base_model(name):
            raise ServiceError(400, "invalidPayload", f"The base model {name!r} cannot be deleted.")
        record = self._known(name)
        deployed = (found.servable.name for found in self._deployments.all())
        if any(other == name or other.startswith(f"{name}:ckpt-step-") for other in deployed):
            raise ServiceError(409, "conflict", f"The model {name!r} has a deployment.")
        self._registry.remove(record["id"])
        return JSONResponse({"id": name, "object": "model", "deleted": True})

    # ---- inside ------------------------------------------------------------------------------

    def _known(self, name: str) -> Document:
        record = self._registry.find(name)
        if record is None:
            raise ServiceError(404, "notFound", f"The model {name!r} does not exist.")  # [inferred]
        return record

    def _base(self, base: BaseModel) -> dict[str, Any]:
        return self._shape(base, base.ends.base, {"id": base.id, "created_at": CATALOG_DATE})

    def _tuned(self, record: Document) -> dict[str, Any]:
        base = base_of(record["base"])
        assert base is not None, "a job was started with it"
        own = {"id": record["id"], "created_at": record["created_at"]}
        shape = self._shape(base, base.ends.tuned, own)
        return {**shape, "model": record["base"], "fine_tune": record["job"]}

    def _shape(self, base: BaseModel, ends: int, own: dict[str, Any]) -> dict[str, Any]:
        training = {} if base.ends.training is None else {"fine_tune": base.ends.training}
        return {
            "object": "model",
            **own,
            "status": "succeeded",
            "capabilities": {
                # False of open ones although they can be tuned (S-SKILL).
                "fine_tune": bool(base.tiers) and not base.is_open,
                "inference": False,
                "completion": COMPLETION in base.operations,
                "chat_completion": CHAT in base.operations,
                "embeddings": EMBEDDINGS in base.operations,
            },
            "lifecycle_status": LIFECYCLES[self._lifecycle.status(base)],
            "deprecation": {**training, "inference": ends},
        }
