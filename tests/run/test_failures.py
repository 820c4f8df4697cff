"""Why a run has ended, as people are told it: whose move it is, and what the move is."""

import pytest

from shared.cloud.remote import RemoteJob
from shared.errors import Refused
from shared.run import failures
from shared.run.record import File, Run
from shared.run.spec import effective
from tests.support.settings import SETTINGS

TRAINING = File(name="m/training.jsonl", etag="1", size=1, sha256="0" * 64)
RUN = Run(id="m-1", model="m", spec=effective(b"", SETTINGS), training=TRAINING)


def failed(code: str, message: str) -> RemoteJob:
    return RemoteJob("ftjob-1", "failed", None, None, None, None, None, None, code, message)


@pytest.mark.parametrize(
    ("code", "message", "blame", "move"),
    [
        ("", "This fine tuned model is unable to be deployed", "caller", "Balance the dataset"),
        ("contentFilter", "The training data failed RAI checks", "caller", "nothing was billed"),
        ("jsonlValidationFailed", "Line 7", "caller", "mend the lines"),
        ("", "The specified base model does not support fine-tuning", "caller", "base_model"),
        ("ModelDeprecated", "gone", "caller", "choose a newer base_model"),
        ("quotaExceeded", "no room", "caller", "ask for more quota. Then: `tunedrop retry m-1`"),
        ("InsufficientQuota", "tokens", "caller", "ask for more quota. Then: `tunedrop retry m-1`"),
        ("PermissionDenied", "no", "caller", "Cognitive Services OpenAI Contributor"),
        ("internalError", "Sorry", "service", "not billed. `tunedrop retry m-1`"),
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


def test_what_nobody_knows_is_passed_on_as_it_is() -> None:
    job = failures.of_job(failed("strange", "It was Tuesday"), RUN)
    assert job.message == "The job ftjob-1 failed: It was Tuesday"
    assert job.fix == "Look at the job. `tunedrop retry m-1` goes on from the last good stage."
    error = failures.of_error(Refused("It was Tuesday", "Wait for Wednesday."), RUN)
    assert (error.message, error.fix) == ("It was Tuesday", "Wait for Wednesday.")
