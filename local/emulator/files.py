"""Files of the resource: uploaded datasets and results of jobs. Knows nothing of what is in them.

The record is a document; the content lies beside the database under the file's id. A file is
`pending` until the service has looked at it; when that is follows from the clock.
"""

import shutil
from pathlib import Path
from typing import Any, BinaryIO

from starlette.concurrency import run_in_threadpool
from starlette.datastructures import UploadFile
from starlette.requests import Request
from starlette.responses import FileResponse, JSONResponse
from starlette.routing import Route

from .clock import Clock
from .errors import ServiceError, invalid
from .store import Document, Store
from .wire import created, new_id, page

# How long the service looks at an upload. Minutes in Azure; enough here for a client to meet it.
PROCESSING_SECONDS = 0.3
UPLOAD_PURPOSES = {"fine-tune", "assistants", "batch", "evals"}
DEFAULT_PAGE = 10_000


def _not_found(file_id: str) -> ServiceError:
    return ServiceError(404, "notFound", f"The file {file_id!r} does not exist.")  # [inferred]


class Files:
    def __init__(self, store: Store, clock: Clock, folder: Path) -> None:
        self._store, self._clock, self._folder = store, clock, folder
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
        """The file as the service shows it now."""
        record = self._store.get("file", file_id)
        return self._shown(record) if record else None

    def path(self, file_id: str) -> Path:
        return self._folder / file_id

    def keep(self, name: str, purpose: str, content: BinaryIO, ready: bool = False) -> Document:
        """Content first, record last: a record always has its content."""
        file_id = new_id("file")
        with self.path(file_id).open("wb") as target:
            shutil.copyfileobj(content, target)
        now = self._clock.now()
        record = {
            "object": "file",
            "id": file_id,
            "created_at": int(now),
            "bytes": self.path(file_id).stat().st_size,
            "filename": name,
            "purpose": purpose,
            "_processed_at": now + (0 if ready else PROCESSING_SECONDS),
        }
        return self._shown(self._store.put("file", file_id, record))

    # ---- endpoints ---------------------------------------------------------------------------

    async def upload(self, request: Request) -> JSONResponse:
        async with request.form() as form:
            file, purpose = form.get("file"), form.get("purpose")
            if not isinstance(file, UploadFile):
                raise invalid("The form has no part 'file'.")
            if not isinstance(purpose, str) or purpose not in UPLOAD_PURPOSES:
                raise invalid(f"The purpose {purpose!r} is not one of {sorted(UPLOAD_PURPOSES)}.")
            name = file.filename or "file"
            record = await run_in_threadpool(self.keep, name, purpose, file.file)
        return created(request, record)

    async def index(self, request: Request) -> JSONResponse:
        purpose = request.query_params.get("purpose")
        records = [self._shown(record) for record in self._store.family("file")]
        if request.query_params.get("order") == "desc":
            records.reverse()
        wanted = [record for record in records if purpose in (None, record["purpose"])]
        return page(request, wanted, DEFAULT_PAGE)

    async def show(self, request: Request) -> JSONResponse:
        return JSONResponse(self._require(request))

    async def delete(self, request: Request) -> JSONResponse:
        file_id = self._require(request)["id"]
        self._store.delete("file", file_id)
        self.path(file_id).unlink(missing_ok=True)
        return JSONResponse({"object": "file", "id": file_id, "deleted": True})

    async def content(self, request: Request) -> FileResponse:
        record = self._require(request)
        return FileResponse(self.path(record["id"]), media_type="application/octet-stream")

    # ---- inside ------------------------------------------------------------------------------

    def _require(self, request: Request) -> Document:
        file_id: str = request.path_params["id"]
        record = self.find(file_id)
        if record is None:
            raise _not_found(file_id)
        return record

    def _shown(self, record: Document) -> dict[str, Any]:
        shown = {key: value for key, value in record.items() if not key.startswith("_")}
        processed = self._clock.now() >= record["_processed_at"]
        return {
            **shown,
            "status": "processed" if processed else "pending",
            "expires_at": None,
            "status_details": None,
        }
