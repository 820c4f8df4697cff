"""Orders to delete a model, or a run with its version: what is kept of one until nothing is left.

    delete/model/<model>, delete/run/<run id>   in the models container

Once it is entered the thing is on its way out, and every tick goes on with it. Knows what was
ordered, not what there is to delete (`run.deletion_plan`) or how (`run.deletions`).
"""

from dataclasses import dataclass

from shared.cloud.container import Container
from shared.cloud.documents import Document, Frozen, Moment, as_json
from shared.errors import Conflict

PREFIX = "delete/"  # no model's record is called so: those end in .json


class Dropped(Frozen):
    """A blob of the datasets that goes too, as the plan has named it; a newer one is not meant."""

    name: str
    etag: str


class Deletion(Document):
    """`run_id` is empty where the whole model is deleted. `digest` is of the plan that was
    confirmed. `last`: nothing but the model's record was left. `waits`, for people: what is in the
    way."""

    id: str
    model: str
    run_id: str = ""
    digest: str
    who: str
    why: str = ""
    at: Moment
    datasets: tuple[Dropped, ...] = ()
    last: bool = False
    waits: str = ""

    @property
    def name(self) -> str:
        return f"run/{self.run_id}" if self.run_id else f"model/{self.model}"

    def misfit(self, name: str) -> str | None:
        return None if name == f"{PREFIX}{self.name}" else "it is of something else"


@dataclass(frozen=True, slots=True)
class Deletions:
    models: Container

    async def of(self, name: str) -> Deletion | None:
        """Raises Unreadable."""
        found = await self.models.record(f"{PREFIX}{name}", Deletion)
        return found[0] if found else None

    async def enter(self, deletion: Deletion) -> Deletion:
        """The order as it stands: of two, the first."""
        try:
            await self.models.create(f"{PREFIX}{deletion.name}", as_json(deletion))
        except Conflict:
            return await self.of(deletion.name) or deletion
        return deletion

    async def note(self, deletion: Deletion) -> None:
        await self.models.update(
            f"{PREFIX}{deletion.name}",
            Deletion,
            lambda known: deletion if known and known.id == deletion.id else None,
        )

    async def done(self, deletion: Deletion) -> None:
        await self.models.delete(f"{PREFIX}{deletion.name}")

    async def all(self) -> list[str]:
        return [blob.name.removeprefix(PREFIX) async for blob in self.models.list(PREFIX)]
