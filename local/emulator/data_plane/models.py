"""GET /models: base models and those that jobs have made, in the data plane's shape."""

from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Route

from ..control_plane.catalog import BASE_MODELS, CATALOG_DATE, BaseModel, base_model
from ..control_plane.model_registry import ModelRegistry
from ..core.errors import ServiceError
from ..core.store import Document


class Models:
    def __init__(self, registry: ModelRegistry) -> None:
        self._registry = registry

    def routes(self) -> list[Route]:
        return [
            Route("/models", self.index, methods=["GET"]),
            Route("/models/{id:path}", self.show, methods=["GET"]),
        ]

    async def index(self, request: Request) -> JSONResponse:
        data = [_base(model) for model in BASE_MODELS]
        data += [_tuned(record) for record in self._registry.tuned()]
        return JSONResponse({"object": "list", "data": data})

    async def show(self, request: Request) -> JSONResponse:
        name = request.path_params["id"]
        if base := base_model(name):
            return JSONResponse(_base(base))
        record = self._registry.find(name)
        if record is None:
            raise ServiceError(404, "notFound", f"The model {name!r} does not exist.")  # [inferred]
        return JSONResponse(_tuned(record))


def _shape(model_id: str, created_at: int, base: BaseModel | None) -> dict[str, Any]:
    deprecation = {}
    if base:
        deprecation = {"fine_tune": base.training_ends, "inference": base.inference_ends}
    return {
        "object": "model",
        "id": model_id,
        "status": "succeeded",
        "created_at": created_at,
        "capabilities": {
            "fine_tune": True,
            "inference": False,
            "completion": False,
            "chat_completion": True,
            "embeddings": False,
        },
        "lifecycle_status": "generally-available",
        "deprecation": deprecation,
    }


def _base(model: BaseModel) -> dict[str, Any]:
    return _shape(model.id, CATALOG_DATE, model)


def _tuned(record: Document) -> dict[str, Any]:
    root = base_model(record["base"].partition(".ft-")[0])
    shape = _shape(record["id"], record["created_at"], root)
    return {**shape, "model": record["base"], "fine_tune": record["job"]}
