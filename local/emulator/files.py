"""Files of the resource: uploaded datasets and results of jobs.

The record is a document; the content lies beside the database under the file's id. A file is
`pending` until the service has looked at it; when that is follows from the clock. What is in a file
is looked at only when bad datasets are to be found at import (`validation`).
"""

import shutil
from collections.abc import Iterable
from pathlib import Path
from typing import Any, BinaryIO

from starlette.concurrency import run_in_threadpool
from starlette.datastructures import FormData, UploadFile
from starlette.requests import Request
from starlette.responses import FileResponse, JSONResponse
from starlette.routing import Route

from .dataset import DatasetError, check_dataset
from .errors import ServiceError, invalid
from .room import Common, Room
from .store import Document, public
from .wire import created, new_id, page

UPLOAD_PURPOSES = {"fine-tune", "assistants", "batch", "evals"}
DEFAULT_PAGE = 10_000
# S-DOC quotas-limits; the codes of the refusals are S-AUTH's, which limit has which is [inferred].
LARGEST_FILE, LARGEST_TOTAL, MOST_FILES = 512 * 10**6, 10**9, 100
EXPIRY_SECONDS = range(1_209_600, 2_592_001)
LONGEST_NAME = 255


class Files(Room):
    def __init__(self, common: Common, folder: Path) -> None:
        super().__init__(common)
        self._folder = folder
        folder.mkdir(parents=True, exist_ok=True)

    def routes(self) -> list[Route]:
        return [
            Route("/files", self.upload, methods=["POST"]),
            Route("/files", self.index, methods=["GET"]),
            Route("/files/{id}", self.show, methods=["GET"]),
            Route("/files/{id}", self.delete, methods=["DELETE"]),
            Route("/files/{id}/content", self.content, methods=["GET"]),
        ]

    # ---- for the other rooms -----------------------------------------------------------------

    def find(self, file_id: str) -> Document | None:
        """The file as the service shows it now; one whose time is up goes now."""
        record = self._store.get("file", file_id)
        if record and self._clock.now() >= (record["_expires_at"] or float("inf")):
            self.remove(file_id)
            return None
        return self._shown(record) if record else None

    def path(self, file_id: str) -> Path:
        return self._folder / file_id

    def begin(self, name: str, purpose: str, expires_after: object = None) -> Document:
        """The record of a file whose content is still to come; nobody sees it before `put`."""
        if purpose not in UPLOAD_PURPOSES:
            raise invalid(f"The purpose {purpose!r} is not one of {sorted(UPLOAD_PURPOSES)}.")
        self._require_room(purpose)
        now = self._clock.now()
        lifetime = expiry_of(expires_after)
        fault = self._faults.take("file-stuck", "file-error")
        return {
            "object": "file",
            "id": new_id("file"),
            "created_at": int(now),
            "bytes": None,
            "filename": name[:LONGEST_NAME],
            "purpose": purpose,
            "_expires_at": int(now) + lifetime if lifetime else None,
            "_processed_at": None,
            "_problem": None,
            "_fault": fault and {"fault": fault["fault"], **fault["options"]},
        }

    def put(self, record: Document) -> dict[str, Any]:
        self._store.put("file", record["id"], record)
        self._journal.note("file", record["id"], "created")
        return self._shown(record)

    def write(self, record: Document, chunks: Iterable[bytes]) -> None:
        """Content first, record last: a record always has its content."""
        size = 0
        path = self.path(record["id"])
        with path.open("wb") as target:
            for chunk in chunks:
                size += len(chunk)
                if size > LARGEST_FILE:
                    target.close()
                    path.unlink()
                    raise too_large()
                target.write(chunk)
        record["bytes"] = size
        record["_processed_at"] = self._clock.now() + self._switches.now.file_seconds
        self._judge(record)

    def keep_results(self, content: BinaryIO) -> str:
        """results.csv of a job: processed at once; gives its id."""
        now = self._clock.now()
        record: Document = {
            "object": "file",
            "id": new_id("file"),
            "created_at": int(now),
            "filename": "results.csv",
            "purpose": "fine-tune-results",
            "_expires_at": None,
            "_processed_at": now,
            "_problem": None,
            "_fault": None,
        }
        with self.path(record["id"]).open("wb") as target:
            shutil.copyfileobj(content, target)
        record["bytes"] = self.path(record["id"]).stat().st_size
        self.put(record)
        return str(record["id"])

    def remove(self, file_id: str) -> None:
        self._store.delete("file", file_id)
        self.path(file_id).unlink(missing_ok=True)
        self._journal.note("file", file_id, "deleted")

    def forget(self) -> None:
        for path in self._folder.iterdir():
            path.unlink(missing_ok=True)

    def all(self) -> list[Document]:
        ids = [record["id"] for record in self._store.family("file")]
        return [found for file_id in ids if (found := self.find(file_id))]

    # ---- endpoints ---------------------------------------------------------------------------

    async def upload(self, request: Request) -> JSONResponse:
        if int(request.headers.get("content-length") or 0) > LARGEST_FILE + 10**6:
            raise too_large()
        async with request.form(max_fields=20, max_files=2) as form:
            file, purpose = form.get("file"), form.get("purpose")
            if not isinstance(file, UploadFile):
                raise invalid("The form has no part 'file'.")
            if not isinstance(purpose, str):
                raise invalid("The form has no field 'purpose'.")
            record = self.begin(file.filename or "file", purpose, _form_expiry(form))
            await run_in_threadpool(self.write, record, _chunks(file.file))
        return created(request, self.put(record))

    async def index(self, request: Request) -> JSONResponse:
        purpose = request.query_params.get("purpose")
        records = self.all()
        if request.query_params.get("order") == "desc":
            records.reverse()
        wanted = [record for record in records if purpose in (None, record["purpose"])]
        return page(request, wanted, DEFAULT_PAGE)

    async def show(self, request: Request) -> JSONResponse:
        return JSONResponse(self._require(request))

    async def delete(self, request: Request) -> JSONResponse:
        file_id = self._require(request)["id"]
        self.remove(file_id)
        return JSONResponse({"object": "file", "id": file_id, "deleted": True})

    async def content(self, request: Request) -> FileResponse:
        record = self._require(request)
        if not self.path(record["id"]).exists():  # an import that is under way or has failed
            raise not_found(record["id"])
        return FileResponse(self.path(record["id"]), media_type="application/octet-stream")

    # ---- inside ------------------------------------------------------------------------------

    def _require(self, request: Request) -> Document:
        file_id: str = request.path_params["id"]
        record = self.find(file_id)
        if record is None:
            raise not_found(file_id)
        return record

    def _require_room(self, purpose: str) -> None:
        if purpose != "fine-tune":
            return
        files = [file for file in self._store.family("file") if file["purpose"] == purpose]
        if len(files) >= MOST_FILES:
            raise ServiceError(
                400, "quotaExceeded", f"The resource has {MOST_FILES} fine-tuning files already."
            )
        if sum(file["bytes"] or 0 for file in files) > LARGEST_TOTAL:
            raise ServiceError(
                400, "quotaExceeded", "The resource has 1 GB of fine-tuning files already."
            )

    def _judge(self, record: Document) -> None:
        """What the service will say once it has looked; the dataset itself only if it is to."""
        fault = record["_fault"]
        if fault and fault["fault"] == "file-stuck":
            record["_processed_at"] = None
        elif fault:
            record["_problem"] = fault["detail"]
        elif record["purpose"] == "fine-tune" and self._switches.now.validation == "import":
            try:
                with self.path(record["id"]).open("rb") as lines:
                    check_dataset(lines)
            except DatasetError as error:
                record["_problem"] = str(error)

    def _shown(self, record: Document) -> dict[str, Any]:
        shown = public(record)
        done_at = record["_processed_at"]
        done = done_at is not None and self._clock.now() >= done_at
        problem = record["_problem"]
        ended = "processed" if problem is None else "error"
        return {
            **shown,
            "status": ended if done else "pending",
            "expires_at": record["_expires_at"],
            # Often an error comes without a detail; then this is null (S-DOC issues, i.11).
            "status_details": (problem or None) if done else None,
        }


def not_found(file_id: str) -> ServiceError:
    return ServiceError(404, "notFound", f"The file {file_id!r} does not exist.")  # [inferred]


def too_large() -> ServiceError:
    # The limit is S-DOC's, the status [inferred].
    return ServiceError(413, "invalidPayload", "The file is larger than 512 MB.")


def expiry_of(value: object) -> int | None:
    """{"anchor": "created_at", "seconds": 14 to 30 days} (S-AUTH)."""
    if value is None:
        return None
    if not isinstance(value, dict) or value.get("anchor") != "created_at":
        raise invalid("expires_after must have the anchor 'created_at'.")
    seconds = value.get("seconds")
    if not str(seconds).isdigit() or int(str(seconds)) not in EXPIRY_SECONDS:
        raise invalid("expires_after.seconds must be from 1209600 to 2592000.")
    return int(str(seconds))


def _form_expiry(form: FormData) -> object:
    """In a form the two names are joined: by a dot (S-AUTH) or in brackets (S-OAI)."""
    found = {
        name: form[key]
        for name in ("anchor", "seconds")
        for key in (f"expires_after.{name}", f"expires_after[{name}]")
        if key in form
    }
    return found or None


def _chunks(file: BinaryIO) -> Iterable[bytes]:
    while chunk := file.read(2**20):
        yield chunk
