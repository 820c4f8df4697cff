"""The catalogue: base models under Azure's names, and the models that jobs have made.

Knows nothing of weights: whatever its name, every model here is answered by the emulator's own
small one, with or without a LoRA adapter on top.
"""

from dataclasses import dataclass
from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Route

from .errors import ServiceError
from .store import Document, Store


@dataclass(frozen=True)
class BaseModel:
    """In the data plane a model's name ends with its date; ARM splits it into name and version."""

    name: str
    version: str

    @property
    def id(self) -> str:
        return f"{self.name}-{self.version}"


# Those that take supervised fine-tuning (S-DOC fine-tune-supported-models, 10/06/2026).
BASE_MODELS = (
    BaseModel("gpt-4.1-nano", "2025-04-14"),
    BaseModel("gpt-4.1-mini", "2025-04-14"),
    BaseModel("gpt-4.1", "2025-04-14"),
    BaseModel("gpt-4o-mini", "2024-07-18"),
    BaseModel("gpt-4o", "2024-08-06"),
)
CATALOGUED_AT = 1744588800  # 2025-04-14
FINE_TUNED_VERSION = "1"  # ARM's version of every fine-tuned model (S-DOC)


@dataclass(frozen=True)
class Servable:
    """Something that can be deployed: what it is called and which adapter makes it (None: base)."""

    name: str
    adapter: str | None


class Models:
    def __init__(self, store: Store) -> None:
        self._store = store

    def routes(self) -> list[Route]:
        return [
            Route("/models", self.index, methods=["GET"]),
            Route("/models/{id:path}", self.show, methods=["GET"]),
        ]

    # ---- for the other rooms -----------------------------------------------------------------

    def add(self, name: str, base: str, job: str, adapter: str, created_at: int) -> None:
        """A model that a job has made; also one that a checkpoint of it stands for."""
        record = {"id": name, "base": base, "job": job, "adapter": adapter}
        self._store.put("model", name, {**record, "created_at": created_at})

    def is_tunable(self, name: str) -> bool:
        return any(base.id == name for base in BASE_MODELS)

    def servable(self, name: str, version: str | None) -> Servable | None:
        """What ARM's `model.name` and `model.version` mean: a base model without its date, a
        fine-tuned model, a checkpoint by name or by id (S-DOC fine-tuning-deploy)."""
        for base in BASE_MODELS:
            if base.name == name and version in (None, base.version):
                return Servable(base.id, None)
        if version not in (None, FINE_TUNED_VERSION):
            return None
        if checkpoint := self._store.get("checkpoint", name):
            name = checkpoint["fine_tuned_model_checkpoint"]
        record = self._store.get("model", name)
        return Servable(name, record["adapter"]) if record else None

    # ---- endpoints ---------------------------------------------------------------------------

    async def index(self, request: Request) -> JSONResponse:
        made = [
            _made(record) for record in self._store.family("model") if not _is_checkpoint(record)
        ]
        return JSONResponse({"object": "list", "data": [_base(m) for m in BASE_MODELS] + made})

    async def show(self, request: Request) -> JSONResponse:
        name = request.path_params["id"]
        for base in BASE_MODELS:
            if base.id == name:
                return JSONResponse(_base(base))
        record = self._store.get("model", name)
        if record is None:
            raise ServiceError(404, "notFound", f"The model {name!r} does not exist.")  # [inferred]
        return JSONResponse(_made(record))


def _is_checkpoint(record: Document) -> bool:
    return ":ckpt-step-" in record["id"]


def _shape(model_id: str, created_at: int, fine_tune: bool) -> dict[str, Any]:
    return {
        "object": "model",
        "id": model_id,
        "status": "succeeded",
        "created_at": created_at,
        "capabilities": {
            "fine_tune": fine_tune,
            "inference": False,
            "completion": False,
            "chat_completion": True,
            "embeddings": False,
        },
        "lifecycle_status": "generally-available",
    }


def _base(model: BaseModel) -> dict[str, Any]:
    return _shape(model.id, CATALOGUED_AT, fine_tune=True)


def _made(record: Document) -> dict[str, Any]:
    # Training a tuned model further is not offered yet, so the flag says no.
    shape = _shape(record["id"], record["created_at"], fine_tune=False)
    return {**shape, "model": record["base"], "fine_tune": record["job"]}
