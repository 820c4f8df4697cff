"""What becomes of a trained model, as run.yaml and the app's settings ask for it: what it is
compared with, who promotes it, and how long it stays deployed. Decides nothing of the training."""

from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from shared.model.registry import Keep
from shared.model_settings import LONGEST_IDLE
from shared.settings import Settings

Gate = Literal["off", "report", "enforce"]  # compare nothing; compare and tell; hold what is worse
Promote = Literal["auto", "manual"]
Checkpoint = Literal["last", "best"]  # of the training: the finished model, or the best epoch's


class Release(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)

    gate: Gate = "report"
    promote: Promote = "auto"
    checkpoint: Checkpoint = "last"
    keep: Keep = "always"
    idle_after: float = 0.0  # hours without a chat; 0: it stays


class AskedRelease(BaseModel):
    """The keys of a run.yaml. None is the app's default."""

    gate: Gate | None = None
    promote: Promote | None = None
    checkpoint: Checkpoint | None = None
    keep: Keep | None = None
    idle_after: Annotated[float, Field(ge=0, le=LONGEST_IDLE)] | None = None


KEYS = tuple(AskedRelease.model_fields)


def defaults(settings: Settings) -> dict[str, Any]:
    return {
        "gate": settings.gate,
        "promote": settings.promote,
        "keep": settings.keep,
        "idle_after": settings.idle_after,
    }
