"""What a drop may be: its name, its sizes, the model that it goes on from. Asked before a run is
made of it and before a byte of a dataset is read.

Knows limits and the registry, not how a drop is read.
"""

import re

from shared.catalog import facts, lookup
from shared.cloud.container import BlobInfo, BlobKind, Container
from shared.errors import DropError
from shared.model.deletion import Deletions
from shared.model.registry import Model, Registry
from shared.printable import printable, shown
from shared.run.copies import HELD_OUT
from shared.run.spec import Spec
from shared.settings import Settings

EVERY_MODEL = "*"  # in TUNEDROP_CONTINUE_FROM
# What Azure and OpenAI call tuned models and their checkpoints; and this app's own model@version.
TUNED = re.compile(r"\.ft-|^ft:|:|@", re.IGNORECASE)
CHECKPOINT = re.compile(r":ckpt-step-\d+$", re.IGNORECASE)


def check_model_name(model: str, settings: Settings) -> None:
    """Raises DropError: an untuned model of this name answers, so nobody could chat with a tuned
    one."""
    if model in settings.base_deployments:
        raise DropError(
            f"{model} is the name of an untuned model that people chat with "
            "(TUNEDROP_BASE_DEPLOYMENTS).",
            "Choose another name for the model.",
        )


async def check_not_deleting(model: str, registry: Registry) -> None:
    """Raises DropError: what is dropped for a model that is on its way out would go with it."""
    known = await registry.load(model)
    if known and known.deleting:
        raise DropError(
            f"{model} is being deleted, so nothing is taken for it.",
            f"Drop it again once `tunedrop models {model}` says that there is no such model.",
        )


async def check_run_stays(run_id: str, models: Container) -> None:
    """Raises DropError: what is dropped again goes with the run that is made of it."""
    if await Deletions(models).of(f"run/{run_id}"):
        raise DropError(
            f"The run {run_id} of these files is being deleted, so they are not taken.",
            "Drop them again once `tunedrop runs` does not list it.",
        )


def check_kind(blob: BlobInfo) -> None:
    """Raises DropError: a page blob is as long as its pages, whatever was written to them."""
    if blob.kind is BlobKind.PAGE:
        raise DropError(
            f"{shown(blob.name)} is a page blob of {blob.size:,} bytes: it has whole pages of 512 "
            "bytes, with zeros after the content.",
            "Delete it and drop the file as a block blob (az storage blob upload --type block).",
        )


def check_dataset_size(blob: BlobInfo, *, split: bool) -> None:
    """Raises DropError. Of a dataset that is split, the larger side must fit."""
    limit = facts.FILES.largest_file
    most = int(limit / (1 - HELD_OUT)) if split else limit
    if blob.size > most:
        raise DropError(
            f"{shown(blob.name)} has {blob.size:,} bytes; the service takes files of {limit:,} "
            f"bytes ({facts.FILES.source.name}, {facts.FILES.source.dated}).",
            "Drop fewer examples, or shorter ones.",
        )


async def check_base_model(spec: Spec, model: str, registry: Registry, settings: Settings) -> None:
    """Raises DropError for a tuned model that is not a version of `model` itself, nor of a model
    that a setting allows. What is no tuned model is judged by the check and by the service."""
    asked = spec.base_model
    if printable(asked) != asked:
        raise DropError(
            f"run.yaml: base_model is '{shown(asked)}', with characters that no name has.",
            "Write the name of a base model, or the id of a tuned one.",
        )
    if asked == settings.base_model or asked.lower() in _BASE_MODELS:
        return
    if EVERY_MODEL in settings.continue_from:
        return
    tuned = CHECKPOINT.sub("", asked).lower()
    known = await registry.all()
    owners = [found.name for found in known if tuned in _tuned_models(found)]
    if not {model, *settings.continue_from}.isdisjoint(owners):
        return
    if owners or TUNED.search(asked):
        raise DropError(_no_version_of(asked, owners, model), _how_to_continue(model, known))


_BASE_MODELS = {known.name.lower() for known in lookup.MODELS}


def _tuned_models(model: Model) -> set[str]:
    return {version.fine_tuned_model.lower() for version in model.versions}


def _no_version_of(asked: str, owners: list[str], model: str) -> str:
    of = f"a version of {owners[0]}, not of {model}" if owners else f"no version of {model}"
    return f"run.yaml: base_model is {shown(asked)}, which is {of}."


def _how_to_continue(model: str, known: list[Model]) -> str:
    own = next((found for found in known if found.name == model and found.versions), None)
    newest = f", for example {own.versions[-1].fine_tuned_model}" if own else ""
    return (
        f"Go on from a base model, or from a version of {model} by its id at the service{newest}; "
        "or ask whoever runs the app to allow the other model in TUNEDROP_CONTINUE_FROM."
    )
