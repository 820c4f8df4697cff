"""Orders to delete a model, or a run with its version: what is kept of one until nothing is left.

    delete/model/<model>, delete/run/<run id>   in the models container

Once it is entered the thing is on its way out, and every tick goes on with it. Knows what was
ordered, not what there is to delete (`run.deletion_plan`) or how (`run.deletions`).
"""

from dataclasses import dataclass

from shared.cloud.container import Container
from shared.cloud.documents import Count, Document, Frozen, Moment
from shared.errors import NotNow
from shared.model.registry import Model, Version

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
    version: Count | None = None  # that the run has made
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

    def with_datasets(self, more: tuple[Dropped, ...]) -> "Deletion":
        return self.replace(datasets=tuple(dict.fromkeys((*self.datasets, *more))))

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
        """The order as it stands: of two, the first, with the datasets of both."""
        entered = await self.models.update(
            f"{PREFIX}{deletion.name}",
            Deletion,
            lambda known: known.with_datasets(deletion.datasets) if known else deletion,
        )
        assert entered is not None, "an order is never None"
        return entered

    async def check_stays(self, model: str, version: Version) -> None:
        """Raises NotNow for a version that is on its way out."""
        if leaving := await self.of(f"run/{version.run_id}"):
            raise NotNow(
                f"{model}@{version.version} is being deleted, by {leaving.who}'s order.",
                "Nothing of it will be left: take another version.",
            )

    async def note(self, deletion: Deletion, **changed: bool | str) -> Deletion:
        """The order as it stands with that."""
        noted = await self.models.update(
            f"{PREFIX}{deletion.name}",
            Deletion,
            lambda known: known.replace(**changed) if known and known.id == deletion.id else None,
        )
        return noted or deletion

    async def done(self, deletion: Deletion) -> None:
        """Unless more was ordered meanwhile: the next tick goes on with that."""
        async with self.models.lease(f"{PREFIX}{deletion.name}") as lease:
            known = await self.of(deletion.name) if lease else None
            if known and known.datasets == deletion.datasets:
                await self.models.delete(f"{PREFIX}{deletion.name}", lease)

    async def all(self) -> list[str]:
        return [blob.name.removeprefix(PREFIX) async for blob in self.models.list(PREFIX)]


async def mark(models: Container, deletion: Deletion) -> None:
    """The model answers no chat and takes no drop from now on; also one without a version yet."""

    def change(known: Model | None) -> Model:
        model = known or Model(name=deletion.model)
        return model if model.deleting else model.replace(deleting=deletion.at)

    await models.update(f"{deletion.model}.json", Model, change)


async def forget_version(models: Container, name: str, number: int) -> None:
    """One that was withdrawn; its number is not given again."""

    def remove(known: Model | None) -> Model | None:
        if known is None:
            return None
        kept = tuple(version for version in known.versions if version.version != number)
        return known.replace(versions=kept, numbered=max(known.numbered, number))

    await models.update(f"{name}.json", Model, remove)
