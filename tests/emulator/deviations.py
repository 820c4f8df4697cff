"""Where Azure answers otherwise than OpenAI's published description says, each with its source.

The list decides with the description what an answer may look like; one that is not needed has to go
(tests/emulator/test_judges.py). Sources are those of docs/emulator.md.
"""

from dataclasses import dataclass
from typing import Any, Literal


@dataclass(frozen=True)
class Deviation:
    """At `place`, a schema and perhaps a path in it (`FineTuningJob.method`, `X.choices[]`).

    absent  a key that is required may be missing
    added   a key that the description does not know, with its schema
    other   the key may also have values of this schema
    """

    place: str
    key: str
    kind: Literal["absent", "added", "other"]
    source: str
    schema: Any = True


NULL = {"type": "null"}
TEXT = {"type": "string"}
NUMBER = {"type": "number"}
OBJECT = {"type": "object"}
OBJECTS = {"type": "array", "items": OBJECT}
MEANT = "the description's own examples have null"
OURS = "ours: which model really answered"
SUPERVISED, PREFERENCE = "FineTuneSupervisedHyperparameters", "FineTuneDPOHyperparameters"
CHUNK = "CreateChatCompletionStreamResponse"

DEVIATIONS: tuple[Deviation, ...] = (
    # Errors: of the authoring API and of the gateway; those of a model are as OpenAI has them.
    Deviation("Error", "type", "absent", "S-AUTH, S-403"),
    Deviation("Error", "param", "absent", "S-AUTH, S-403"),
    Deviation("Error", "target", "added", "S-AUTH", NULL),
    Deviation("Error", "details", "added", "S-AUTH", OBJECTS),
    Deviation("Error", "innererror", "added", "S-AUTH", OBJECT),
    # Files
    Deviation("OpenAIFile", "status", "other", "S-AUTH", {"enum": ["pending", "running"]}),
    Deviation("OpenAIFile", "bytes", "other", "S-AUTH: none while an import runs", NULL),
    Deviation("OpenAIFile", "expires_at", "other", "S-AUTH: nullable", NULL),
    Deviation("OpenAIFile", "status_details", "other", "S-AUTH: nullable", NULL),
    Deviation("ListFilesResponse", "first_id", "absent", "S-AUTH: not in the dated API"),
    Deviation("ListFilesResponse", "last_id", "absent", "S-AUTH: not in the dated API"),
    # Jobs
    *(
        Deviation("FineTuningJob", key, "absent", "S-FT: keys without a value are absent, or null")
        for key in ("error", "fine_tuned_model", "finished_at", "result_files", "trained_tokens")
    ),
    Deviation("FineTuningJob", "validation_file", "absent", "S-FT: keys without a value"),
    Deviation("FineTuningJob", "organization_id", "absent", "S-FT: Azure has no organizations"),
    *(
        Deviation("FineTuningJob", key, "other", "S-FT: keys without a value are null", NULL)
        for key in ("organization_id", "result_files", "method")
    ),
    Deviation("FineTuningJob", "suffix", "added", "S-AUTH", {"type": ["string", "null"]}),
    Deviation("FineTuningJob", "trainingType", "added", "S-FT", TEXT),
    Deviation(
        "FineTuningJob",
        "status",
        "other",
        "S-AUTH; the last two S-STATE",
        {"enum": ["pending", "pausing", "paused", "resuming", "notRunning", "canceled"]},
    ),
    *(
        Deviation(place, key, "other", "S-FT: -1 is auto; no bounds [inferred]", NUMBER)
        for place in ("FineTuningJob.hyperparameters", SUPERVISED, PREFERENCE)
        for key in ("batch_size", "learning_rate_multiplier", "n_epochs")
    ),
    Deviation(PREFERENCE, "beta", "other", "S-FT: -1 is auto", NUMBER),
    Deviation(PREFERENCE, "l2_multiplier", "added", "S-AUTH", True),
    # Models
    Deviation("Model", "created", "absent", "S-AUTH: created_at"),
    Deviation("Model", "owned_by", "absent", "S-AUTH"),
    Deviation("Model", "created_at", "added", "S-AUTH", {"type": "integer"}),
    Deviation("Model", "status", "added", "S-AUTH", TEXT),
    Deviation("Model", "capabilities", "added", "S-AUTH", OBJECT),
    Deviation("Model", "lifecycle_status", "added", "S-AUTH", TEXT),
    Deviation("Model", "deprecation", "added", "S-AUTH", OBJECT),
    Deviation("Model", "model", "added", "S-AUTH: of a tuned one, its base", TEXT),
    Deviation("Model", "fine_tune", "added", "S-AUTH: of a tuned one, its job", TEXT),
    # Chat
    Deviation(CHUNK, "object", "other", "S-STREAM", {"const": ""}),
    Deviation(CHUNK, "usage", "other", "the description says it in words", NULL),
    Deviation(CHUNK, "prompt_filter_results", "added", "S-STREAM", OBJECTS),
    Deviation(f"{CHUNK}.choices[]", "content_filter_results", "added", "S-STREAM", OBJECT),
    Deviation("CreateChatCompletionResponse", "prompt_filter_results", "added", "S-DOC", OBJECTS),
    Deviation(
        "CreateChatCompletionResponse.choices[]", "content_filter_results", "added", "S-DOC", OBJECT
    ),
    Deviation("CreateCompletionResponse", "prompt_filter_results", "added", "S-DOC", OBJECTS),
    Deviation(
        "CreateCompletionResponse.choices[]", "content_filter_results", "added", "S-DOC", OBJECT
    ),
    Deviation("Embedding", "embedding", "other", "S-OAI: as base64, where that is asked for", TEXT),
    # Responses
    Deviation("Response", "usage", "other", "S-OAI: none while it is made", NULL),
    Deviation("ModelResponseProperties", "user", "other", MEANT, NULL),
    Deviation("ModelResponseProperties", "store", "added", "S-OAI", {"type": "boolean"}),
    Deviation("ModelResponseProperties", "system_fingerprint", "added", OURS, TEXT),
    Deviation(
        "ModelResponseProperties",
        "content_filters",
        "added",
        "azure-rest-api-specs#42141; none while it is made",
        {"anyOf": [OBJECTS, NULL]},
    ),
    Deviation("FunctionTool", "strict", "absent", "repeated as it was sent [inferred]"),
    Deviation("CreateEmbeddingResponse", "system_fingerprint", "added", OURS, TEXT),
)
