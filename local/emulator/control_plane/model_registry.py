"""Which models can be tuned and deployed: those of the catalog and those that jobs have made.

Knows no HTTP, and nothing of weights: whatever its name, every model here is answered by the
emulator's own small one, with or without a LoRA adapter on top.
"""

import re
from dataclasses import dataclass

from ..core.context import Component
from ..core.store import Document
from .catalog import BASE_MODELS, FINE_TUNED_VERSION, base_model

DEPLOYABLE_CHECKPOINTS = 3
OF_JOB = re.compile(r".*\.ft-[0-9a-f]{32}")  # of a tuned model's name, all but its suffix


@dataclass(frozen=True)
class Servable:
    """Something that can be deployed: what it is called and which adapter makes it (None: base).
    `learned_calls`: whether it was trained on calls of functions."""

    name: str
    adapter: str | None
    learned_calls: bool = False

    @property
    def is_tuned(self) -> bool:
        return ".ft-" in self.name


class ModelRegistry(Component):
    def add(
        self,
        name: str,
        base: str,
        job: str,
        adapter: str,
        created_at: int,
        learned_calls: bool = False,
    ) -> None:
        """A model that a job has made; also one that a checkpoint of it stands for."""
        before = self.find(base) or {}  # it may be a tuned one
        learned_calls = learned_calls or before.get("learned_calls", False)
        record = {"id": name, "base": base, "job": job, "adapter": adapter}
        more = {"learned_calls": learned_calls, "created_at": created_at}
        self._store.put("model", name, {**record, **more})
        self._journal.add_effect("model", name, "created")

    def find(self, name: str) -> Document | None:
        return self._store.get("model", name)

    def remove(self, name: str) -> None:
        """With what its checkpoints stand for, which bear no suffix; those of other models stay."""
        root = OF_JOB.match(name)
        for record in self._store.family("model"):
            begin = f"{root.group() if root else name}:ckpt-step-"
            if record["id"] == name or record["id"].startswith(begin):
                self._store.delete("model", record["id"])
        self._journal.add_effect("model", name, "deleted")

    def tuned(self) -> list[Document]:
        """What jobs have made, without the checkpoints."""
        return [one for one in self._store.family("model") if not _is_checkpoint(one)]

    def tunable(self, name: str) -> Servable | None:
        """What a job may start from: a base model or, for continual fine-tuning, a tuned one."""
        if base := base_model(name):
            return Servable(base.id, None)
        record = self.find(name)
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
        record = self.find(name)
        if record is None or (_is_checkpoint(record) and not self._is_deployable(record)):
            return None
        return Servable(name, record["adapter"], record.get("learned_calls", False))

    def _is_deployable(self, checkpoint: Document) -> bool:
        """Only the last checkpoints of a job can be deployed (S-DOC)."""
        last = self._store.family("checkpoint", checkpoint["job"])[-DEPLOYABLE_CHECKPOINTS:]
        return checkpoint["id"] in (one["fine_tuned_model_checkpoint"] for one in last)


def _is_checkpoint(record: Document) -> bool:
    return ":ckpt-step-" in record["id"]
