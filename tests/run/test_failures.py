"""Why a run has ended, as people are told it: whose move it is, and what the move is."""

import pytest

from shared.cloud.causes import Cause, Then
from shared.cloud.denials import WHO_ASKS
from shared.cloud.job_errors import JOB_ERRORS
from shared.cloud.refusals import BLOCKING
from shared.cloud.remote import RemoteFile, RemoteJob
from shared.cloud.translate import CONTROL_PLANE, service_error
from shared.errors import Refused, ServiceError
from shared.run import failures, steps
from shared.run.record import Failure, File, Run
from shared.run.spec import effective
from tests.support.service_parts import Refusal, no_quota
from tests.support.settings import SETTINGS

TRAINING = File(name="m/training.jsonl", etag="1", size=1, sha256="0" * 64)
RUN = Run(id="m-1", model="m", spec=effective(b"", SETTINGS), training=TRAINING)
TRAINED = RUN.replace(fine_tuned_model="gpt-4.1-nano-2025-04-14.ft-1")
DATA_PLANE = "Azure OpenAI"
RETRIES = (Then.RETRY, Then.WAITS)


def failed(code: str, message: str) -> RemoteJob:
    return RemoteJob("ftjob-1", "failed", None, None, None, None, None, None, code, message)


def answered(
    status: int, code: str, message: str, service: str = DATA_PLANE, operation: str = "do it"
) -> ServiceError:
    return service_error(service, operation, Refusal(status, code, message), fix="A role.")


def refused(
    status: int, code: str, message: str, service: str = DATA_PLANE, operation: str = "do it"
) -> Failure:
    """The end of a run by what the real translation makes of an answer."""
    error = answered(status, code, message, service, operation)
    assert isinstance(error, Refused), error
    return failures.of_error(error, TRAINED if service == CONTROL_PLANE else RUN)


@pytest.mark.parametrize(
    ("code", "message", "blame", "move"),
    [
        ("", "This fine tuned model is unable to be deployed", "caller", "Balance the dataset"),
        ("contentFilter", "The training data failed RAI checks", "caller", "nothing was billed"),
        ("contentFilter", "The data was not good", "caller", "drop the dataset again"),
        ("contentFilter", "Model evaluation identified [Hate]", "caller", "Balance the dataset"),
        ("jsonlValidationFailed", "Line 7", "caller", "mend the lines"),
        ("", "The job failed due to an invalid training file.", "caller", "mend the lines"),
        ("", "The specified base model does not support fine-tuning", "caller", "base_model"),
        (
            "invalidPayload",
            "gpt-oss-20b does not support fine-tuning with Standard TrainingType",
            "caller",
            "training_type in run.yaml",
        ),
        ("ModelDeprecated", "gone", "caller", "choose a newer base_model"),
        ("", "The model has been deprecated since 2025-02-13", "caller", "newer base_model"),
        ("quotaExceeded", "no room", "caller", "ask for more quota. Then: `tunedrop retry m-1`"),
        ("PermissionDenied", "no", "caller", "Cognitive Services OpenAI Contributor"),
        ("internalError", "Sorry", "service", "not billed. `tunedrop retry m-1`"),
        ("serviceUnavailable", "", "service", "not billed. `tunedrop retry m-1`"),
        ("", "An unexpected error occurred.", "service", "not billed. `tunedrop retry m-1`"),
        (
            "invalid_training_file",
            "This training file was blocked by our moderation system because it violates our "
            "usage policies.",
            "caller",
            "break the service's rules of use",
        ),
        (
            "invalid_training_file",
            "Training file contains 12 examples with images that were skipped.",
            "caller",
            "Replace these images",
        ),
        (
            "invalid_function_parameters",
            "Invalid schema for function 'weather': None is not of type 'array'.",
            "caller",
            "JSON schemas",
        ),
        (
            "invalidPayload",
            "The specified file reference must point to a completed file import.",
            "service",
            "`tunedrop retry m-1`",
        ),
        ("invalid_n_examples", "Training file has 9 examples, at least 10", "caller", "mend"),
    ],
)
def test_each_cause_is_told_with_whose_move_it_is(
    code: str, message: str, blame: str, move: str
) -> None:
    for failure in (
        failures.of_job(failed(code, message), RUN),
        failures.of_error(Refused(message, code=code), RUN),
    ):
        assert failure.blame == blame
        assert move in failure.fix
        assert message in failure.message
        assert ("retry" in failure.fix) == ("retry" in move or move.startswith("Cognitive"))


def test_what_nobody_knows_is_passed_on_as_it_is() -> None:
    job = failures.of_job(failed("strange", "It was Tuesday"), RUN)
    assert job.message == "The job ftjob-1 failed: It was Tuesday"
    assert job.fix == "Look at the job. `tunedrop retry m-1` goes on from the last good stage."
    error = failures.of_error(Refused("It was Tuesday", "Wait for Wednesday."), RUN)
    assert (error.message, error.fix) == ("It was Tuesday", "Wait for Wednesday.")


# ---- the tables


@pytest.mark.parametrize(
    ("table", "cause"),
    [(table, cause) for table in (JOB_ERRORS, BLOCKING, WHO_ASKS) for cause in table],
    ids=lambda value: value.name if isinstance(value, Cause) else "",
)
def test_each_cause_is_found_by_its_codes_and_by_its_words(
    table: tuple[Cause, ...], cause: Cause
) -> None:
    from shared.cloud.causes import find

    assert cause.codes or cause.signs
    assert bool(cause.says) == (cause.signs is not None)
    if cause.says:
        assert find(table, [], cause.says) is cause
        assert find(table, ["BadRequest", "400"], cause.says) is cause
    for code in cause.written:
        assert find(table, [code], cause.says) is cause
    for code in cause.codes:
        assert find(table, [code.upper()], "No.") is cause
    assert "{" not in cause.cure()
    assert cause.blame in ("caller", "service")


@pytest.mark.parametrize("cause", BLOCKING, ids=lambda cause: cause.name)
def test_a_refused_deployment_says_retry_only_where_asking_again_is_of_use(cause: Cause) -> None:
    code = cause.written[0] if cause.written else "BadRequest"
    told = refused(400, code, cause.says or "No.", CONTROL_PLANE)
    assert told.blame == "caller"
    assert (cause.says or "No.") in told.message
    assert ("retry" in told.fix) == (cause.then in RETRIES)


@pytest.mark.parametrize(
    "message",
    [
        "This operation require 240 new capacity in quota Tokens Per Minute (thousands) - X, which "
        "is bigger than the current available capacity 30. The current quota usage is 0 and the "
        "quota limit is 30 for quota Tokens Per Minute (thousands) - X.",
        "The specified capacity '60' of account deployment is bigger than available capacity '30' "
        "for UsageName 'Tokens Per Minute (thousands) - Text-Davinci-003'.",
        no_quota(50, 30),
    ],
)
@pytest.mark.parametrize("code", ["InsufficientQuota", "QuotaExceeded", "BadRequest"])
def test_the_capacity_that_is_left_is_read_out_of_the_services_words(
    code: str, message: str
) -> None:
    run = RUN.replace(spec=effective(b"deployment: {capacity: 60}", SETTINGS))
    told = failures.of_error(answered(400, code, message, CONTROL_PLANE), run)
    assert told.fix.startswith("`tunedrop deploy m-1 --capacity 30`")
    assert "retry" not in told.fix


@pytest.mark.parametrize(
    ("said", "read"),
    [("1,000", "1000"), ("12,345", "12345"), ("999", "999"), ("1,0", "N"), ("1,0000", "N")],
)
def test_a_capacity_with_commas_is_read_whole_or_not_at_all(said: str, read: str) -> None:
    deployment = RUN.spec.deployment.model_copy(update={"capacity": 99_999})
    run = RUN.replace(spec=RUN.spec.model_copy(update={"deployment": deployment}))
    message = f"'99,999' of account deployment is bigger than available capacity '{said}' for X"
    told = failures.of_error(answered(400, "InsufficientQuota", message, CONTROL_PLANE), run)
    assert told.fix.startswith(f"`tunedrop deploy m-1 --capacity {read}`")


@pytest.mark.parametrize("message", ["No.", no_quota(50, 60), "available capacity " + "9" * 30])
def test_a_capacity_that_cannot_be_read_is_not_made_up(message: str) -> None:
    told = failures.of_error(answered(400, "InsufficientQuota", message, CONTROL_PLANE), RUN)
    assert "retry" not in told.fix
    for number in ("60", "999999999"):
        assert f"--capacity {number}`" not in told.fix


def test_no_room_for_a_deployment_is_another_thing_than_no_quota() -> None:
    message = "The resource has 10 fine-tuned deployments already."
    told = refused(400, "QuotaExceeded", message, CONTROL_PLANE)
    assert "Delete a deployment" in told.fix
    assert "`tunedrop retry m-1`" in told.fix


# ---- codes first, and only the service's own words


def test_our_own_words_and_names_of_files_are_no_signs() -> None:
    """A file may be called anything, and so may a model."""
    told = refused(400, "x", "No.", operation="upload retired internal error RAI checks.jsonl")
    assert told.fix.startswith("Correct what it names")
    assert told.blame == "caller"
    own = Refused("The deployment internal-error-v1 is retired.", "Look at it.", code="x")
    assert failures.of_error(own, RUN).fix == "Look at it."


@pytest.mark.parametrize(
    "message",
    [
        "There are 410 examples.",
        "Example 3 exceeds the limit of 64 images.",
        "Unexpectedly, the internal notes of line 4 have no answer.",
    ],
)
def test_numbers_and_words_of_a_dataset_are_no_signs(message: str) -> None:
    told = failures.of_job(failed("strange", message), RUN)
    assert told.fix.startswith("Look at the job.")


def test_the_code_decides_where_words_say_something_else() -> None:
    told = failures.of_job(failed("jsonlValidationFailed", "An internal error of line 7."), RUN)
    assert told.blame == "caller"
    assert "mend the lines" in told.fix


@pytest.mark.parametrize(("status", "blame"), [(400, "caller"), (404, "caller"), (422, "caller")])
def test_what_was_not_taken_is_the_callers_and_never_asked_again(status: int, blame: str) -> None:
    told = refused(status, "x", "It cannot be.")
    assert told.blame == blame
    assert "retry" not in told.fix
    assert "It cannot be." in told.message
    trained = failures.of_error(answered(status, "x", "It cannot be.", CONTROL_PLANE), TRAINED)
    assert "`tunedrop deploy m-1`" in trained.fix


def test_a_410_is_a_retired_model_whatever_its_code() -> None:
    assert "newer base_model" in refused(410, "", "").fix


@pytest.mark.parametrize(
    ("detail", "blame", "move"),
    [
        ("", "caller", "drop the dataset again"),
        ("It was Tuesday", "caller", "drop the dataset again"),
        ("Validation of jsonl file failed: No valid json line found in file.", "caller", "mend"),
        ("The import failed due to an internal error.", "service", "retry"),
    ],
)
def test_a_file_that_could_not_be_used_is_the_callers_unless_the_service_says_otherwise(
    detail: str, blame: str, move: str
) -> None:
    file = RemoteFile("file-1", "m-1-training.jsonl", "error", detail)
    told = failures.of_error(steps._unusable(file), RUN)
    assert told.blame == blame
    assert move in told.fix
    assert detail in told.message


def test_the_model_is_named_that_stays_where_its_base_is_not_deployed_any_more() -> None:
    told = refused(400, "DeploymentModelNotSupported", "It is not supported.", CONTROL_PLANE)
    assert TRAINED.fine_tuned_model
    assert f"{TRAINED.fine_tuned_model} stays at the service" in told.fix


def test_an_inner_error_is_told_and_decides() -> None:
    from types import SimpleNamespace

    inner = SimpleNamespace(code="InsufficientQuota", message=no_quota(50, 8))
    error = Refusal(400, "InvalidTemplateDeployment", "See inner errors for details.")
    error.error = SimpleNamespace(  # type: ignore[attr-defined]
        code="InvalidTemplateDeployment", message="See inner errors for details.", details=[inner]
    )
    told = failures.of_error(service_error(CONTROL_PLANE, "deploy m", error), TRAINED)
    assert "`tunedrop deploy m-1 --capacity 8`" in told.fix
    assert "available capacity 8" in told.message
