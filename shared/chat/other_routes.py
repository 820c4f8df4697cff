"""Routes of OpenAI's that are not here, by their first word: why, and what to use instead.

https://platform.openai.com/docs/api-reference, and Azure OpenAI's v1 (2026-11). Knows words only.
"""

from shared.printable import shown

_DROP = "Drop a dataset into the app's storage: that trains and deploys a model (docs/drops.md)."
_ITSELF = "Ask a deployment of Azure OpenAI for it at the service itself."
_CHAT = "Send the whole conversation to POST /v1/responses or /v1/chat/completions."
_ONE_BY_ONE = "Send the requests one by one, or a batch to Azure OpenAI itself."
_NO_FILES = (
    "Send texts and pictures within the request. A dataset is dropped into the app's storage."
)

INSTEAD = {
    "assistants": ("Assistants are kept at the service, and nothing is kept here.", _CHAT),
    "threads": ("Threads are kept at the service, and nothing is kept here.", _CHAT),
    "conversations": ("Conversations are kept at the service, and nothing is kept here.", _CHAT),
    "audio": ("The app relays texts and pictures, no sound.", _ITSELF),
    "realtime": ("The app relays texts and pictures, no sound.", _ITSELF),
    "images": ("The app makes no pictures.", _ITSELF),
    "videos": ("The app makes no videos.", _ITSELF),
    "batches": ("The app takes no batches.", _ONE_BY_ONE),
    "files": ("The app takes no files by this route.", _NO_FILES),
    "uploads": ("The app takes no files by this route.", _NO_FILES),
    "vector_stores": ("The app keeps no files to search in.", _NO_FILES),
    "containers": ("The app runs no programs of models.", _ITSELF),
    "fine_tuning": ("Models are trained from datasets that are dropped.", _DROP),
    "fine-tunes": ("Models are trained from datasets that are dropped.", _DROP),
    "evals": (
        "Versions are compared by the app itself, before one becomes the champion.",
        "`tunedrop verdict RUN` shows how; its rules are in docs/trust.md.",
    ),
    "moderations": (
        "The app has no moderation of its own.",
        "What Azure OpenAI's content filter finds stands in the answer to each chat.",
    ),
    "edits": ("OpenAI has ended its edits.", _CHAT),
    "messages": ("This is no API of OpenAI's.", _CHAT),
}
_WITHIN_RESPONSES = {
    "input_tokens": ("The app counts no tokens beforehand.", "An answer's `usage` tells them."),
    "compact": ("The app shortens no conversations.", "Leave out what is old from `input`."),
}
_KEPT = (
    "Send the whole conversation in `input`, and take the answer from POST /v1/responses itself."
)


def instead_of(words: tuple[str, ...]) -> tuple[str, str] | None:
    """Why nothing is at a path below the base address, and what to use; None for one that OpenAI
    has not either."""
    first, *rest = words or ("",)
    if first == "responses" and rest:
        said = f"The response {shown(rest[0], 60)!r} cannot be fetched or changed: none is kept."
        return _WITHIN_RESPONSES.get(rest[0], (said, _KEPT))
    if words[:2] == ("chat", "completions"):
        return "Chats are not kept, so none can be fetched or changed.", _CHAT
    return INSTEAD.get(first)
