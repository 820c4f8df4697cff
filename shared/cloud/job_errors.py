"""Why the service takes no file or no job, or ends a job without a model, and whose move each is.

What is wrong with a request is its maker's to mend: a 400 and a file that could not be used are
nobody else's unless the service says so. Sources: the error codes of Azure OpenAI's authoring API
(2025-04-01-preview), its guide to fine-tuning, OpenAI's error codes for the jobs that it runs for
Azure, and public reports that quote the service's words; read 2026-08 to 2026-11. Data; `causes`
says how one is found.
"""

import re

from shared.cloud.causes import Cause, Then, cause
from shared.cloud.refusals import RETIRED, SAFETY

_OWNER = "whoever owns the dataset"

UNSAFE = cause(
    "the service's safety check stopped the training data",
    _OWNER,
    "The service's safety check of training data stopped it; nothing was billed. Take out the "
    "examples with the kinds of harm that it names.",
    Then.DROP,
    codes="contentFilter content_filter ResponsibleAIPolicyViolation",
    signs=re.compile(r"RAI checks|for harm types", re.IGNORECASE),
    says="The provided training data failed RAI checks for harm types: [hate_fairness, self_harm, "
    "violence]. Please fix the data and try again.",
)
MODERATED = cause(
    "moderation stopped the training data",
    _OWNER,
    "Moderation stopped the training data; nothing was billed. Take out the examples that break "
    "the service's rules of use.",
    Then.DROP,
    codes="moderation_blocked content_policy_violation unsafe_training_file",
    signs=re.compile(
        r"moderation (policy|system|api|endpoint)|(our|by) moderation|usage polic"
        r"|unsafe training",
        re.IGNORECASE,
    ),
    says="This training file was blocked by our moderation system because it contains too many "
    "examples that violate our usage policies.",
)
IMAGES = cause(
    "the service skips images of the dataset",
    _OWNER,
    "The service leaves out images of people, faces and CAPTCHAs, and those that it cannot fetch "
    "or read, and too few examples are left. Replace these images.",
    Then.DROP,
    codes="image_skipped images_skipped invalid_image invalid_image_url",
    signs=re.compile(
        r"images? .{0,40}(was|were|been|are|is) skipped|skipped .{0,40}images?"
        r"|(download|fetch|decode|process) .{0,40}image",
        re.IGNORECASE,
    ),
    says="Training file contains 12 examples with images that were skipped.",
)
SCHEMA = cause(
    "a schema in the dataset is not one that the service takes",
    _OWNER,
    "Correct the tool's parameters or the response format that it names: they are JSON schemas, "
    "and the service takes a part of what these may be.",
    Then.DROP,
    codes="invalid_function_parameters invalid_json_schema invalid_schema",
    signs=re.compile(
        r"invalid schema|not a valid json ?schema|schema (validation|is invalid)", re.IGNORECASE
    ),
    says="Invalid schema for function 'weather': schema must be a JSON Schema of 'type: \"object\"'"
    ", got 'type: \"None\"'.",
)
UNREADABLE = cause(
    "the service could not read the dataset",
    _OWNER,
    "The service could not read the dataset although the check could: mend the lines that it "
    "names, and report the difference to this project.",
    Then.DROP,
    codes="jsonlValidationFailed invalid_n_examples fileImportFailed",
    vague="invalid_training_file invalid_validation_file invalid_file_format",
    signs=re.compile(
        r"validation of jsonl|invalid file format|no valid json line|expected .{0,40}examples",
        re.IGNORECASE,
    ),
    says="Validation of jsonl file failed: No valid json line found in file.",
)
INVALID_FILE = cause(  # words that stand before every other reason as well, as the vague codes do
    UNREADABLE.name,
    UNREADABLE.whose,
    UNREADABLE.fix,
    UNREADABLE.then,
    signs=re.compile(r"invalid .{0,10}(training|validation).?file", re.IGNORECASE),
    says="The job failed due to an invalid training file.",
)
TOO_LONG = cause(
    "the dataset has more tokens than a job or an example may",
    _OWNER,
    "Fewer or shorter examples, or fewer epochs in run.yaml.",
    Then.DROP,
    codes="context_length_exceeded string_above_max_length token_limit_exceeded",
    signs=re.compile(
        r"(exceed|more than|maximum) .{0,60}tokens|maximum context length", re.IGNORECASE
    ),
    says="The training file exceeds the maximum number of tokens.",
)
NOT_TUNABLE = cause(
    "base model, region and training type do not fit together",
    "whoever owns the run",
    "The base model, the region of the resource and the training type must fit together: "
    "choose another base_model or training_type in run.yaml.",
    Then.DROP,
    codes="model_not_available model_not_found unsupported_model",
    signs=re.compile(
        r"does not support fine-?tuning|not available for fine-?tuning", re.IGNORECASE
    ),
    says="The specified base model does not support fine-tuning.",
)
NOT_PROCESSED = cause(
    "the service has not finished with a file",
    "nobody's",
    "The service has not finished with a file that it said it had.",
    Then.RETRY,
    signs=re.compile(r"completed file import", re.IGNORECASE),
    says="The specified file reference must point to a completed file import.",
    blame="service",
)
NO_ROOM = cause(
    "the resource has no room for one more file or job",
    "whoever may delete files and jobs",
    "The resource's quota is used up: delete files and jobs that are no longer needed, or ask for "
    "more quota.",
    Then.RETRY,
    codes="quotaExceeded exceeded_quota",
    signs=re.compile(
        r"\d (fine-?tuning )?(files|training jobs|jobs) already|maximum number of (files|jobs)",
        re.IGNORECASE,
    ),
    says="The resource has 100 training jobs already.",
)
TOO_MANY = cause(
    "there were too many requests",
    "nobody's",
    "There were too many requests at a time.",
    Then.RETRY,
    codes="tooManyRequests rate_limit_exceeded 429",
    blame="service",
)
INTERNAL = cause(
    "the service itself has failed",
    "nobody's; Azure's support, if it stays",
    "It is the service's own error and not billed.",
    Then.RETRY,
    codes="internalFailure internalError internal_error server_error InternalServerError "
    "serviceUnavailable service_unavailable timeout",
    signs=re.compile(
        r"\b(internal|unexpected) (server )?(error|failure)\b"
        r"|service is (temporarily )?unavailable",
        re.IGNORECASE,
    ),
    says="The job failed due to an internal error.",
    blame="service",
)
NOT_TAKEN = cause(
    "the service does not take a value of the request",
    "whoever owns the run",
    "Correct what it names, in the dataset or in run.yaml.",
    Then.DROP,
    vague="invalidPayload invalid_request_error invalid_value unknown_parameter "
    "unsupported_value unsupported_parameter integer_above_max_value integer_below_min_value",
    signs=re.compile(
        r"unrecognized request argument|unknown parameter|hyperparameter .{0,60}(must|invalid)",
        re.IGNORECASE,
    ),
    says="Unrecognized request argument supplied: trainingType.",
)
WRONG_ADDRESS = cause(
    "nothing of Azure OpenAI is at the address",
    "whoever runs the app",
    "Correct AZURE_OPENAI_ENDPOINT: `tunedrop doctor` compares it with the account's own.",
    Then.RETRY,
    signs=re.compile(r"^resource not found", re.IGNORECASE),
    says="Resource not found",
)
# Each is looked for in this order where several fit as well.
JOB_ERRORS: tuple[Cause, ...] = (
    SAFETY,
    UNSAFE,
    MODERATED,
    IMAGES,
    SCHEMA,
    NOT_TUNABLE,
    RETIRED,
    TOO_LONG,
    UNREADABLE,
    NO_ROOM,
    NOT_PROCESSED,
    TOO_MANY,
    INTERNAL,
    NOT_TAKEN,
    WRONG_ADDRESS,
    INVALID_FILE,
)
