"""What a run's version is in its model by now: its number, its state, and who serves. Pure."""

from dataclasses import dataclass

from shared.model.registry import Model
from shared.model.states import State


@dataclass(frozen=True, slots=True)
class Standing:
    """`champion` is the number of the version that chat goes to, None for none."""

    model: str
    version: int
    state: State
    champion: int | None

    @property
    def called(self) -> str:
        return f"{self.model}@{self.version}"

    @property
    def told(self) -> str:
        """In a sentence, with the order that makes it serve where it could."""
        if self.state is State.CHAMPION:
            return f"{self.called} serves."
        serves = f"{self.model}@{self.champion} serves" if self.champion else "no version serves"
        said = f"{self.called} is {self.state}; {serves}."
        if self.state is State.WITHDRAWN:
            return said
        return f"{said} `tunedrop promote {self.called}` makes it the champion."

    def as_json(self) -> dict[str, object]:
        return {
            "version": self.version,
            "state": self.state,
            "champion": self.champion,
            "told": self.told,
        }


def standing(model: Model | None, run_id: str) -> Standing | None:
    """None for a run without a version."""
    version = model.of_run(run_id) if model else None
    if model is None or version is None:
        return None
    state = model.state_of(version.version)
    return Standing(model.name, version.version, state, model.champion)
