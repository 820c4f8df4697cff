"""`tunedrop push`: files into the container of datasets, as what the app understands them to be.

Knows the names that the app takes (`shared.run.folder`) and nothing of what it does with them.
"""

import logging
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from shared.errors import DropError
from shared.printable import printable
from shared.run.folder import DropRole, parse, problem_name
from tunedrop.app import App
from tunedrop.errors import CommandError, NotReached
from tunedrop.files import must_exist
from tunedrop.watch import parse_time

if TYPE_CHECKING:
    from azure.storage.blob import BlobProperties, ContainerClient

MAX_WAIT_SECONDS = 180  # for the event, the quiet period and the start of an app that slept
ROLE = "You need the role Storage Blob Data Contributor on that container, and `az login`."


def blob_names(paths: list[Path], model: str) -> dict[str, Path]:
    """Where each file goes, by its name in the container; the training file last: then what belongs
    to it is there. A folder stands for the files in it that are datasets or a run.yaml."""
    files: dict[str, Path] = {}
    for path in paths:
        must_exist(path)
        inside = files_in(path) if path.is_dir() else [path]
        folder = model or (path.resolve().name if path.is_dir() else "")
        files |= {f"{folder}/{file.name}" if folder else file.name: file for file in inside}
    try:
        roles = {name: parse(name)[1] for name in files}
    except DropError as error:
        or_so = "" if model else " With --model NAME it is dropped for NAME."
        raise CommandError(error.message, f"{error.fix}{or_so}".strip()) from None
    if list(roles.values()).count(DropRole.TRAINING) != 1:
        message = f"a drop has one training file; these are {', '.join(files)}."
        raise CommandError(message, "Name one of them, with the validation set that belongs to it.")
    return {
        name: files[name] for name in sorted(files, key=lambda n: roles[n] is DropRole.TRAINING)
    }


def files_in(folder: Path) -> list[Path]:
    """Those that have a place in a drop. Raises CommandError if there is none."""
    files = sorted(folder.iterdir())
    inside = [file for file in files if _role(f"any/{file.name}")]
    if not inside:
        others = ", ".join(file.name for file in files if file.suffix == ".jsonl")
        raise CommandError(
            f"{folder} holds no training….jsonl, validation….jsonl or run.yaml.",
            f"It has {others}: rename it, or name it itself." if others else "Name another folder.",
        )
    return inside


def _role(name: str) -> DropRole | None:
    """What a blob of that name is taken as; None for one that has no place in a drop."""
    try:
        return parse(name)[1]
    except DropError:
        return None


class Datasets:
    """The container that people drop into. Every method raises CommandError if storage fails."""

    def __init__(self, client: "ContainerClient") -> None:
        self.client = client

    @classmethod
    def at(cls, storage: str, container: str) -> "Datasets":
        """`storage`: a connection string, or an account's address, for whoever is signed in."""
        from azure.storage.blob import BlobServiceClient

        if storage.startswith("https://"):
            from azure.identity import DefaultAzureCredential

            logging.getLogger("azure").setLevel(logging.CRITICAL)  # pages on who is not signed in
            blobs = BlobServiceClient(storage, DefaultAzureCredential())
        else:
            try:
                blobs = BlobServiceClient.from_connection_string(storage)
            except ValueError:
                raise CommandError(
                    "--storage is neither https://… nor a connection string.",
                    "`azd env get-values` prints the address.",
                ) from None
        return cls(blobs.get_container_client(container))

    def drop(self, files: dict[str, Path]) -> "BlobProperties":
        """Upload the files in their order; what storage knows of the last one."""
        with _translated():
            for name, path in files.items():
                with path.open("rb") as content:
                    uploaded = self.client.upload_blob(name, content, overwrite=True)
            return uploaded.get_blob_properties()

    def fetch(self, name: str, path: Path) -> None:
        """Write a file of the container to `path`, bit by bit."""
        from azure.core.exceptions import ResourceNotFoundError

        with _translated(), path.open("wb") as file:
            try:
                self.client.download_blob(name, max_concurrency=1).readinto(file)
            except ResourceNotFoundError:
                message = f"{printable(name)} is not in the container any more."
                raise CommandError(message, "Drop the dataset with `tunedrop push`.") from None

    def from_earlier_drops(self, files: dict[str, Path]) -> list[str]:
        """What lies in the model's folder of earlier drops, and so belongs to this one."""
        ours = {_role(name) for name in files}
        newest: dict[DropRole | None, str] = {}
        for blob in sorted(self._folder(files), key=lambda blob: blob.last_modified):
            newest[_role(blob.name)] = blob.name
        return [printable(name) for role, name in newest.items() if role and role not in ours]

    def left_out(self, files: dict[str, Path]) -> list[str]:
        """Older files of the same role as one that was dropped: a drop has one of each."""
        ours = {_role(name) for name in files}
        others = [blob.name for blob in self._folder(files) if blob.name not in files]
        return [name for name in others if _role(name) in ours]

    def problem(self, files: dict[str, Path], dropped: "BlobProperties") -> str:
        """What the app has written, since they were dropped, beside the files or what belongs to
        them. What it says of others in the folder, or of files left out, keeps no run back."""
        blobs, left = self._folder(files), self.left_out(files)
        theirs = {blob.name for blob in blobs if _role(blob.name) and blob.name not in left}
        beside = {problem_name(name) for name in theirs | files.keys()}
        for blob in blobs:
            if blob.name in beside and blob.last_modified >= dropped.last_modified:
                with _translated():
                    text = self.client.download_blob(blob.name).readall().decode(errors="replace")
                    return printable(text.strip())
        return ""

    def _folder(self, files: dict[str, Path]) -> "list[BlobProperties]":
        model, _ = parse(next(iter(files)))
        with _translated():
            in_it = self.client.list_blobs(name_starts_with=f"{model}/")
            lone = self.client.list_blobs(name_starts_with=f"{model}.jsonl")
            return [*in_it, *lone]


class Dropped(NamedTuple):
    """What was dropped, by names in the container: `earlier` are files of earlier drops that belong
    to it, `older` those that do not. `last` is what storage knows of the file that came last."""

    names: list[str]
    earlier: list[str]
    older: list[str]
    last: "BlobProperties"

    def as_json(self) -> dict[str, Any]:
        return {"dropped": self.names, "with": self.earlier, "without": self.older}

    def sentences(self) -> Iterator[str]:
        yield from (f"dropped {name}" for name in self.names)
        yield from (f"  with {name}, which was there already" for name in self.earlier)

    def is_known(self, run: dict[str, Any]) -> bool:
        """Whether the run was made by an earlier drop of the same content."""
        return parse_time(run["timeline"][0]["at"]) < self.last.last_modified


def push(datasets: Datasets, files: dict[str, Path]) -> Dropped:
    """Raises CommandError."""
    last = datasets.drop(files)
    earlier, older = datasets.from_earlier_drops(files), datasets.left_out(files)
    return Dropped(list(files), earlier, list(map(printable, older)), last)


def wait_for_run(
    app: App, datasets: Datasets, files: dict[str, Path], dropped: "BlobProperties"
) -> Any:
    """The run that the app makes of a drop. Raises CommandError with the app's own reason."""
    model = parse(list(files)[-1])[0]
    for _ in _poll():
        for run in app.get(f"api/runs?model={model}&limit=20")["runs"]:
            if run["training"]["etag"].strip('"') == dropped.etag.strip('"'):
                return run
        if problem := datasets.problem(files, dropped):
            raise CommandError(problem, "")  # its cure is in it
    raise NotReached(
        f"the files lie in the container, but the app has not taken them in {MAX_WAIT_SECONDS} s.",
        "Its timer looks for missed drops: see `tunedrop runs` later, or ask `tunedrop doctor`.",
    )


def _poll() -> Iterator[None]:
    deadline = time.monotonic() + MAX_WAIT_SECONDS
    while time.monotonic() < deadline:
        yield
        time.sleep(0.5)


@contextmanager
def _translated() -> Iterator[None]:
    from azure.core.exceptions import AzureError, HttpResponseError, ResourceNotFoundError

    from shared.cloud.translate import STORAGE, service_error, unreachable

    try:
        yield
    except ResourceNotFoundError:
        message = "the container does not exist."
        raise CommandError(message, "Name it with --container.") from None
    except HttpResponseError as error:
        failure = service_error(STORAGE, "drop the files", error, fix=ROLE)
        raise NotReached(failure.message, failure.fix or ROLE) from None
    except AzureError as error:
        failure = unreachable(STORAGE, "drop the files", error)
        raise NotReached(failure.message, failure.fix or "Drop them again.") from None
