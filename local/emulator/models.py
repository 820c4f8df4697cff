"""Models: the catalogue's and those that jobs have made, as the data plane shows them.

Knows nothing of weights: whatever its name, every model here is answered by the emulator's own
small one, with or without a LoRA adapter on top.
"""

from dataclasses import dataclass
from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Route

from .catalogue import BASE_MODELS, CATALOGUED_AT, FINE_TUNED_VERSION, BaseModel, base_model
from .errors import ServiceError
from .room import Room
from .store import Document

DEPLOYABLE_CHECKPOINTS = 3


@dataclass(frozen=True)
class Servable:
    """Something that can be deployed: what it is called and which adapter makes it (None: base)."""

    name: str
    adapter: str | None


class Models(Room):
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
        self._journal.note("model", name, "created")

    def tunable(self, name: str) -> Servable | None:
        """What a job may start from: a base model or, for continual fine-tuning, a tuned one."""
        if base_model(name):
            return Servable(name, None)
        record = self._store.get("model", name)
        if record is None or _is_checkpoint(record):
            return None
        return Servable(name, record["adapter"])

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
        if record is None or (_is_checkpoint(record) and not self._is_kept(record)):
            return None
        return Servable(name, record["adapter"])

    def _is_kept(self, checkpoint: Document) -> bool:
        """Only the last checkpoints of a job can be deployed (S-DOC)."""
        last = self._store.family("checkpoint", checkpoint["job"])[-DEPLOYABLE_CHECKPOINTS:]
        return checkpoint["id"] in (one["fine_tuned_model_checkpoint"] for one in last)

    # ---- endpoints ---------------------------------------------------------------------------

    async def index(self, request: Request) -> JSONResponse:
        made = [
            _made(record) for record in self._store.family("model") if not _is_checkpoint(record)
        ]
        return JSONResponse({"object": "list", "data": [_base(m) for m in BASE_MODELS] + made})

    async def show(self, request: Request) -> JSONResponse:
        name = request.path_params["id"]
        if base := base_model(name):
            return JSONResponse(_base(base))
        record = self._store.get("model", name)
        if record is None:
            raise ServiceError(404, "notFound", f"The model {name!r} does not exist.")  # [inferred]
        return JSONResponse(_made(record))


def _is_checkpoint(record: Document) -> bool:
    return ":ckpt-step-" in record["id"]


def _shape(model_id: str, created_at: int, ends: BaseModel | None) -> dict[str, Any]:
    deprecation = {}
    if ends:
        deprecation = {"fine_tune": ends.training_ends, "inference": ends.inference_ends}
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
    return _shape(model.id, CATALOGUED_AT, model)


def _made(record: Document) -> dict[str, Any]:
    root = base_model(record["base"].partition(".ft-")[0])
    shape = _shape(record["id"], record["created_at"], root)
    return {**shape, "model": record["base"], "fine_tune": record["job"]}
