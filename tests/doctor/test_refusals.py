"""The doctor tells refusals by the tables that runs are told by."""

from typing import Any

import pytest

from shared.cloud.causes import Cause
from shared.cloud.denials import NO_ROLE, NO_ROLE_CURES, WITH_400
from shared.cloud.rest import RawResponse
from shared.cloud.translate import service_error
from shared.doctor.rights import RIGHTS, known_refusal
from shared.errors import Denied
from tests.support.service_parts import Refusal

POLICY = "Resource 'tunedrop-doctor-probe' was disallowed by policy."


def answer(status: int, code: str, message: str) -> RawResponse:
    return RawResponse(status, {"error": {"code": code, "message": message}})


def told(right: str, status: int, code: str, message: str) -> tuple[str, str] | None:
    return known_refusal(RIGHTS[right], answer(status, code, message), "acc", "grp")


@pytest.mark.parametrize("cause", NO_ROLE_CURES, ids=lambda cause: cause.name)
def test_what_no_role_cures_is_the_same_to_the_doctor_and_to_a_run(cause: Cause) -> None:
    status = 400 if cause in WITH_400 else 403
    for code in (*cause.written, str(status)):
        found = told("chat", status, code, cause.says)
        assert found == (cause.name, cause.cure("acc", "grp"))
        assert "Contributor" not in found[1]
        error = service_error("Azure OpenAI", "chat", Refusal(status, code, cause.says), fix="ROLE")
        assert type(error) is Denied
        assert cause.says[:100] in error.message
        assert error.fix == cause.cure()


@pytest.mark.parametrize(
    ("status", "code", "message"),
    [
        (401, "PermissionDenied", "Principal does not have access to API/Operation."),
        (403, "AuthorizationFailed", "The client 'x' does not have authorization to perform it."),
        (401, "PermissionDenied", "The principal `x` lacks the required data action `y`."),
        (403, "", ""),
    ],
)
def test_a_missing_role_stays_one(status: int, code: str, message: str) -> None:
    assert told("chat", status, code, message) is None
    error = service_error("Azure OpenAI", "chat", Refusal(status, code, message), fix="ROLE")
    assert (type(error), error.fix) == (Denied, "ROLE")
    assert message in error.message
    assert NO_ROLE.written


def test_a_denial_that_nobody_knows_is_told_in_its_own_words_first() -> None:
    refusal = Refusal(403, "Strange", "It is Tuesday.")
    error = service_error("Azure OpenAI", "chat", refusal, fix="ROLE")
    assert "It is Tuesday." in error.message
    assert error.fix.startswith("What it says decides")


def test_a_missing_role_is_told_although_its_scope_is_called_like_a_firewall() -> None:
    message = "The client 'x' does not have authorization over scope '/resourceGroups/firewall'."
    assert told("account.read", 403, "AuthorizationFailed", message) is None


@pytest.mark.parametrize(
    ("status", "code", "message", "word"),
    [
        (403, "RequestDisallowedByPolicy", POLICY, "exemption"),
        (409, "ScopeLocked", "Please remove the lock and try again.", "az lock list"),
        (409, "ReadOnlyDisabledSubscription", "It is disabled.", "re-enable"),
        (404, "ResourceGroupNotFound", "It could not be found.", "az group list"),
    ],
)
def test_what_holds_for_the_whole_account_is_told(
    status: int, code: str, message: str, word: str
) -> None:
    found = told("deployments.write", status, code, message)
    assert found
    assert word in found[1]
    assert "{" not in found[1]


@pytest.mark.parametrize(
    ("right", "status", "code"),
    [
        ("deployments.write", 400, "DeploymentModelNotSupported"),
        ("deployments.write", 409, "RequestConflict"),
        ("files.write", 400, "invalidPayload"),
        ("deployments.delete", 404, "ResourceNotFound"),
    ],
)
def test_the_answers_that_prove_a_right_are_no_refusals(right: str, status: int, code: str) -> None:
    assert told(right, status, code, "The probe is no good.") is None


def test_an_answer_that_is_no_envelope_tells_nothing() -> None:
    bodies: list[Any] = ["<html>", None, [], {"error": "x"}, {"error": {}}]
    for body in bodies:
        response = RawResponse(403, body)
        assert known_refusal(RIGHTS["chat"], response, "a", "g") is None
        assert response.named == "403"


def test_an_account_without_a_subdomain_is_no_missing_role_and_ends_no_run() -> None:
    says = (
        "Please provide a custom subdomain for token authentication, otherwise API key is required."
    )
    refusal = Refusal(400, "BadRequest", says)
    error = service_error("Azure OpenAI", "list files", refusal, fix="ROLE")
    assert type(error) is Denied
    assert "--custom-domain" in error.fix
    assert "AZURE_OPENAI_ENDPOINT" in error.fix
    found = told("files.read", 400, "BadRequest", says)
    assert found
    assert "--name acc --resource-group grp --custom-domain" in found[1]
