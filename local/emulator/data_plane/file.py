"""One file of the resource, as it is stored and as the service shows it. Pure."""

from dataclasses import asdict, dataclass, replace
from typing import Any

from ..core.store import Document


@dataclass(frozen=True)
class File:
    """`problem` is None for a file that will be processed; otherwise it ends as an error, of which
    the problem is the detail (an error may have none: "")."""

    id: str
    created_at: int
    filename: str
    purpose: str
    bytes: int | None = None
    expires_at: int | None = None
    processed_at: float | None = None  # None: never, it stays pending
    problem: str | None = None
    fault: str | None = None  # the name of the fault that struck it
    fault_detail: str = ""
    is_fetching: bool = False  # an import that is under way

    @classmethod
    def from_document(cls, document: Document) -> "File":
        return cls(**document)

    def as_document(self) -> Document:
        return asdict(self)

    def failed(self, problem: str) -> "File":
        return replace(self, problem=problem, processed_at=0.0)

    def is_expired(self, now: float) -> bool:
        return self.expires_at is not None and now >= self.expires_at

    def status(self, now: float) -> str:
        if self.processed_at is None or now < self.processed_at:
            return "pending"
        return "processed" if self.problem is None else "error"

    def shown(self, now: float) -> dict[str, Any]:
        status = self.status(now)
        return {
            "object": "file",
            "id": self.id,
            "created_at": self.created_at,
            "bytes": self.bytes,
            "filename": self.filename,
            "purpose": self.purpose,
            "status": status,
            "expires_at": self.expires_at,
            # Often an error comes without a detail; then this is null (S-DOC issues, i.11).
            "status_details": (self.problem or None) if status == "error" else None,
        }
