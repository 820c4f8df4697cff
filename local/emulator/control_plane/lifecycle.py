"""The life of a base model: its stage, and what has ended by now.

The setting `retirements` says whether the dates are obeyed, by the emulator's clock, or only shown:
a laptop must work after them too. The setting `subscription` says whether the account's has used
the models before; a new one becomes a user of a model by deploying it (S-DOC
model-retirements-content: "whether that subscription has ever deployed the specific version").
Knows no HTTP.
"""

from datetime import UTC, datetime

from ..core.context import Component
from ..core.errors import ArmError, invalid
from .catalog import DEPRECATED, DEPRECATING, BaseModel, base_of
from .model_registry import Servable
from .offers import NOT_TUNABLE


class Lifecycle(Component):
    def status(self, base: BaseModel) -> str:
        """ARM's lifecycleStatus."""
        if self._is_over(base.ends.base):
            return DEPRECATED
        return DEPRECATING if self._is_over(base.deprecating) else base.status

    def has_ended(self, servable: Servable) -> bool:
        """Whether deployments of it answer no longer."""
        base = base_of(servable.name)
        return base is not None and self._is_over(_end(base, servable.is_tuned))

    def check_training(self, base: BaseModel) -> None:
        """Raises ServiceError. What a training that is no longer offered is answered with is
        [inferred]: the sentence for all that cannot be tuned."""
        ends = base.ends.training
        if (ends is not None and self._is_over(ends)) or not self._may_begin(base):
            raise invalid(NOT_TUNABLE)

    def check_deployment(self, base: BaseModel, tuned: bool, model: dict[str, str]) -> None:
        """Raises ArmError, in the service's words: aks-store-demo#203 and
        microsoft-foundry-for-vscode#557; that they are the same for a tuned model is [inferred]."""
        named = ",".join(
            f"{key.capitalize()}:{model.get(key, '')}" for key in ("format", "name", "version")
        )
        end = _end(base, tuned)
        if self._is_over(end):
            since = datetime.fromtimestamp(end, UTC).strftime("%m/%d/%Y %H:%M:%S")
            said = f"The model '{named}' has been deprecated since {since}."
            raise ArmError(400, "ServiceModelDeprecated", said)
        if not self._may_begin(base):
            said = (
                f"The model '{named}' is in deprecating state and cannot be used for new"
                " deployments."
            )
            raise ArmError(400, "ServiceModelDeprecating", said)

    def note_deployed(self, base: BaseModel) -> None:
        self._store.put("deployed", base.id, {"id": base.id})

    # ---- inside ------------------------------------------------------------------------------

    def _may_begin(self, base: BaseModel) -> bool:
        if self._settings.current.subscription == "existing":
            return True
        closed = self.status(base) in (DEPRECATING, DEPRECATED)
        return not closed or self._store.get("deployed", base.id) is not None

    def _is_over(self, end: int | None) -> bool:
        obeyed = self._settings.current.retirements == "obeyed"
        return obeyed and end is not None and self._clock.now() >= end


def _end(base: BaseModel, tuned: bool) -> int:
    return base.ends.tuned if tuned else base.ends.base
