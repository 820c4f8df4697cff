"""What an answer of Azure means: by its code where the status alone says too little."""

from types import SimpleNamespace

import pytest

from shared.cloud.denials import OPENAI_ROLE
from shared.cloud.deployments import ENDED_BADLY, STATES, state_of
from shared.cloud.remote import ENDED, GOES_ON, file_status, job_status
from shared.cloud.translate import CONTROL_PLANE, STORAGE, service_error
from shared.errors import Blocked, Denied, Refused, ServiceError, Unavailable
from tests.support.service_parts import Refusal

DATA_PLANE = "Azure OpenAI"
LOCK = (
    "The scope '/subscriptions/s/g' cannot perform write operation because following scope(s) are "
    "locked: '/subscriptions/s'. Please remove the lock and try again."
)
DISABLED = "The subscription 's' is disabled and therefore marked as read only."
POLICY = "Resource 'm-v1' was disallowed by policy. Policy identifiers: '[{}]'."
RESTORE = "An existing resource with ID 'x' has been soft-deleted. To restore it, set 'restore'."
DOMAIN = "The subdomain name 'a' is not available as it's already used by a resource."
QUOTA = "This operation require 10 new capacity in quota Tokens Per Minute (thousands) - gpt-4o."
BOTH = "Cannot change capacity and model at the same time for deployment."
FAILED = "The deployment 'm-v1' is in 'Failed' state, please delete it before creating a new one."
ELSEWHERE = "Resource 'a' was disallowed by Azure: a set of best available regions."


def answer(
    status: int, code: str, message: str = "", service: str = CONTROL_PLANE, inner: str = ""
) -> ServiceError:
    error = Refusal(status, code, message)
    if inner:
        error.error = SimpleNamespace(  # type: ignore[attr-defined]
            code=code, message=message, details=[SimpleNamespace(code=inner)]
        )
    return service_error(service, "deploy m as m-v1", error, fix=OPENAI_ROLE)


@pytest.mark.parametrize(
    ("status", "code", "message", "move"),
    [
        (409, "ScopeLocked", LOCK, "az lock delete"),
        (409, "ReadOnlyDisabledSubscription", DISABLED, "re-enable"),
        (403, "ReadOnlyDisabledSubscription", DISABLED, "re-enable"),
        (403, "RequestDisallowedByPolicy", POLICY, "exemption"),
        (403, "RequestDisallowedByAzure", ELSEWHERE, "another region"),
        (409, "FlagMustBeSetForRestore", RESTORE, "recover, or purge"),
        (409, "CustomDomainInUse", DOMAIN, "recover, or purge"),
        (409, "MissingSubscriptionRegistration", "It is not registered.", "az provider register"),
        (400, "InsufficientQuota", QUOTA, "stuquotarequest"),
        (409, "insufficientquota", QUOTA, "stuquotarequest"),
        (400, "DeploymentModelNotSupported", "It is not supported.", "run.yaml"),
        (400, "InvalidResourceProperties", "The specified SKU is not supported.", "run.yaml"),
        (400, "ServiceModelDeprecated", "The model has been deprecated since today.", "run.yaml"),
        (409, "SkuNotAvailable", "The requested size is not available.", "run.yaml"),
        (400, "SpecialFeatureOrQuotaIdRequired", "It has no access to this model.", "asks for it"),
        (409, "ResourceGroupBeingDeleted", "It is in deprovisioning state.", "another one"),
        (400, "BadRequest", BOTH, "delete it"),
        (400, "BadRequest", FAILED, "delete it"),
    ],
)
def test_what_does_not_pass_is_told_in_the_services_words_with_whose_move_it_is(
    status: int, code: str, message: str, move: str
) -> None:
    error = answer(status, code, message)
    assert type(error) is Blocked
    assert (error.code, error.blame) == (code, "caller")
    assert error.message.startswith(f"{CONTROL_PLANE} answered {status} {code} to: deploy m")
    assert message in error.message
    assert move in error.fix
    assert "role" not in error.fix


def test_the_code_within_an_outer_one_counts() -> None:
    outer = answer(409, "DeploymentFailed", "See details.", inner="ScopeLocked")
    assert type(outer) is Blocked
    assert "az lock" in outer.fix


@pytest.mark.parametrize(
    "code",
    [
        "",
        "RequestConflict",
        "Conflict",
        "AnotherOperationInProgress",
        "RetryableError",
        "AccountProvisioningStateInvalid",
        "ResourceNotReady",
        "DeploymentActive",
        "InUseByAnotherOperation",
        "CanceledAndSupersededDueToAnotherOperation",
    ],
)
def test_a_conflict_that_passes_is_waited_for(code: str) -> None:
    error = answer(409, code, "Another operation is being performed on the parent resource.")
    assert type(error) is Unavailable
    assert "Another operation" in error.message


def test_a_conflict_that_no_page_explains_is_told_and_not_waited_for() -> None:
    error = answer(409, "SomethingNew", "It cannot be.")
    assert type(error) is Refused
    assert error.message.endswith("It says: It cannot be.")


def test_the_data_planes_conflicts_and_quotas_mean_what_they_meant() -> None:
    assert type(answer(409, "SomethingNew", "", DATA_PLANE)) is Unavailable
    assert type(answer(400, "quotaExceeded", "100 jobs", DATA_PLANE)) is Refused
    assert type(answer(409, "ScopeLocked", LOCK, STORAGE)) is Unavailable


@pytest.mark.parametrize("status", [500, 503, 408])
def test_an_outage_is_an_outage_whatever_its_code(status: int) -> None:
    assert type(answer(status, "InsufficientQuota", QUOTA)) is Unavailable


@pytest.mark.parametrize(
    ("code", "message", "move"),
    [
        ("AuthorizationFailed", "The client 'x' does not have authorization.", "role"),
        ("PermissionDenied", "The principal lacks the required data action.", "role"),
        ("Forbidden", "Your resource has been temporarily blocked.", "Azure's support"),
        ("DenyAssignmentAuthorizationFailed", "The access is denied.", "deny assignment"),
        ("403", "Access denied due to Virtual Network/Firewall rules.", "network"),
        ("AccessDenied", "Public access is disabled. Use a private endpoint.", "network"),
    ],
)
def test_a_403_has_the_services_sentence_and_the_cure_of_its_cause(
    code: str, message: str, move: str
) -> None:
    for service in (CONTROL_PLANE, DATA_PLANE):
        error = answer(403, code, message, service)
        assert type(error) is Denied
        assert message in error.message
        assert move in error.fix
        assert ("the role Cognitive" in error.fix) == (move == "role")


@pytest.mark.parametrize(
    ("status", "code", "message"),
    [
        (400, "Tenant provided in token", "Token tenant a1 does not match resource tenant."),
        (400, "BadRequest", "Token tenant a1 does not match resource tenant."),
        (401, "InvalidAuthenticationTokenTenant", "The token is from the wrong issuer."),
        (403, "Forbidden", "The access token is from the wrong issuer 'https://sts'."),
    ],
)
@pytest.mark.parametrize("service", [CONTROL_PLANE, DATA_PLANE])
def test_a_token_of_another_tenant_ends_no_run_and_no_role_cures_it(
    service: str, status: int, code: str, message: str
) -> None:
    error = answer(status, code, message, service)
    assert type(error) is Denied
    assert "az login --tenant" in error.fix
    assert "role" not in error.fix


@pytest.mark.parametrize(
    ("code", "message"),
    [
        ("invalidPayload", "'tenant a' does not match '^[a-z]$' - 'suffix'"),
        ("", "The file 'wrong issuer.jsonl' cannot be used."),
        ("BadRequest", "Invalid value: 'custom subdomain token'."),
        ("invalidPayload", "Line 3: 'Token tenant a1 does not match resource tenant.'"),
    ],
)
def test_words_quoted_in_a_400_do_not_make_it_a_refusal_of_who_asks(
    code: str, message: str
) -> None:
    assert type(answer(400, code, message, DATA_PLANE)) is Refused


def test_a_400_with_the_code_of_a_refusal_of_who_asks_is_one() -> None:
    firewall = "Access denied due to Virtual Network/Firewall rules."
    for code, message, move in (
        ("AccessDenied", firewall, "network"),
        ("invalid_api_key", "Incorrect API key provided.", "AZURE_OPENAI_API_KEY"),
        ("InvalidAuthenticationTokenTenant", "The token is of another.", "az login --tenant"),
    ):
        error = answer(400, code, message, DATA_PLANE)
        assert type(error) is Denied
        assert move in error.fix


def test_a_sentence_is_one_line_masked_and_short() -> None:
    error = answer(409, "ScopeLocked", f"One\nline, ada@contoso.com, {'x' * 9000}")
    assert len(error.message) < 700
    assert "\n" not in error.message
    assert "ada@contoso.com" not in error.message


@pytest.mark.parametrize(
    ("told", "status"),
    [
        ("canceled", "cancelled"),
        ("Cancelled", "cancelled"),
        ("CANCELED", "cancelled"),
        ("canceling", "cancelling"),
        ("notRunning", "pending"),
        ("not_running", "pending"),
        ("created", "pending"),
        ("queued", "pending"),
        ("validating_files", "pending"),
        ("Running", "running"),
        ("in_progress", "running"),
        ("pausing", "pausing"),
        ("Paused", "paused"),
        ("resuming", "resuming"),
        ("succeeded", "succeeded"),
        ("Failed", "failed"),
        ("deleted", "deleted"),
        (None, "pending"),
    ],
)
def test_a_jobs_status_is_read_in_every_spelling_of_the_services_documents(
    told: str | None, status: str
) -> None:
    assert job_status(told) == status
    assert status in ENDED | GOES_ON


def test_a_status_that_is_not_known_stays_what_it_was_called() -> None:
    assert job_status("Evaluating-2") == "Evaluating-2"
    assert file_status("scanning") == "scanning"
    assert len(job_status("x" * 1000)) < 100


@pytest.mark.parametrize(
    ("told", "status"),
    [
        ("notRunning", "pending"),
        ("uploaded", "pending"),
        ("succeeded", "processed"),
        ("Processed", "processed"),
        ("failed", "error"),
        ("canceled", "error"),
        ("", "pending"),
    ],
)
def test_a_files_status_is_read_in_every_spelling(told: str, status: str) -> None:
    assert file_status(told) == status


@pytest.mark.parametrize(
    ("told", "state"),
    [
        ("Cancelled", "Canceled"),
        ("canceled", "Canceled"),
        ("FAILED", "Failed"),
        ("succeeded", "Succeeded"),
        ("Updating", "Updating"),
        ("InProgress", "Creating"),
        (None, "Accepted"),
    ],
)
def test_a_deployments_state_is_read_in_every_spelling(told: str | None, state: str) -> None:
    assert state_of(SimpleNamespace(provisioning_state=told)) == state
    assert state in STATES


def test_a_state_that_is_not_known_has_not_ended() -> None:
    assert state_of(SimpleNamespace(provisioning_state="Thawing")) == "Thawing"
    assert "Thawing" not in ENDED_BADLY | {"Succeeded"}
