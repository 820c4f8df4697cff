"""The service's words as people have reported them: each is recognised for what it is.

Sources: Azure-Samples/openai#93, microsoft-foundry-for-vscode#644, azure-dev#6727,
bicep-registry-modules#423, azurechat#447, azure-sql-db-chatbot#3, continuedev/continue#12547,
sample-app-aoai-chatGPT#1000 and #137, Microsoft Q&A 2109809 and 2118156.
"""

import pytest

from shared.cloud import denials, job_errors, refusals
from shared.cloud.causes import Cause, find
from shared.run import failures

PUBLISHER = (
    "The model 'Publisher: , Format: OpenAI, Name: gpt-35-turbo, Version: 2024-05-13, Source: , "
    "SourceAccount: ' of account deployment is not supported."
)


@pytest.mark.parametrize(
    ("code", "sentence", "cause"),
    [
        (
            "InvalidResourceProperties",
            "The specified SKU 'Standard' for model 'gpt-4.1 2025-04-14' is not supported in this "
            "region 'australiaeast'.",
            refusals.SKU,
        ),
        (
            "",
            "The specified scale type 'Standard' of account deployment is not supported by the "
            "model 'gpt-4'.",
            refusals.SKU,
        ),
        ("InvalidResourceProperties", "The sku of model deployment is not provided.", refusals.SKU),
        (
            "",
            "The specified SKU 'DeveloperTier' of account deployment is not supported by the model "
            "'gpt-4.1-nano-2025-04-14.ft-0123456789abcdef0123456789abcdef-captain' version: '1'.",
            refusals.SKU,
        ),
        (
            "InvalidResourceProperties",
            "The capacity of the deployment should be at least 10 and a multiple of 10.",
            refusals.CAPACITY,
        ),
        (
            "InvalidResourceProperties",
            "The specified capacity '5' is less than the minimum capacity '10'.",
            refusals.CAPACITY,
        ),
        (
            "InvalidResourceProperties",
            "The specified capacity '5' of account deployment is bigger than available capacity "
            "'0' for UsageName 'Tokens Per Minute (thousands) - gpt-4o'.",
            refusals.QUOTA,
        ),
        ("DeploymentModelNotSupported", PUBLISHER, refusals.NO_SUCH_MODEL),
        ("InvalidTemplateDeployment", PUBLISHER, refusals.NO_SUCH_MODEL),
        (
            "InsufficientQuota",
            "The specified capacity '1' of account deployment is bigger than available capacity "
            "'0' for UsageName 'Tokens Per Minute (thousands) - GPT-35-Turbo'.",
            refusals.QUOTA,
        ),
        (
            "InvalidCapacity",
            "The capacity should be null for standard deployment.",
            refusals.CAPACITY,
        ),
        ("403", "Access denied due to Virtual Network/Firewall rules.", denials.FIREWALL),
        (
            "403",
            "A Virtual Network is configured for this resource. Please use the correct endpoint "
            "for making requests. Check https://aka.ms/cogsvc-vnet for more details.",
            denials.FIREWALL,
        ),
        (
            "AuthenticationTypeDisabled",
            "Key based authentication is disabled for this resource.",
            denials.NO_KEYS,
        ),
        (
            "401",
            "Access denied due to invalid subscription key or wrong API endpoint. Make sure to "
            "provide a valid key for an active subscription.",
            denials.WRONG_KEY,
        ),
        (
            "BadRequest",
            "Please provide a custom subdomain for token authentication, otherwise API key is "
            "required.",
            denials.NO_SUBDOMAIN,
        ),
        (
            "PermissionDenied",
            "The principal `x` lacks the required data action `Microsoft.CognitiveServices/"
            "accounts/OpenAI/fine-tunes/write` to perform `POST /openai/fine_tuning/jobs`.",
            denials.NO_ROLE,
        ),
        (
            "invalidPayload",
            "The specified base model does not support fine-tuning.",
            job_errors.NOT_TUNABLE,
        ),
        (
            "",
            "The job failed due to an invalid training file. Invalid file format. Example 7 is "
            "missing key 'messages'.",
            job_errors.UNREADABLE,
        ),
        *(
            (
                code,
                "The job failed due to an invalid training file. This training file was blocked by "
                "our moderation system because it contains too many examples that violate our "
                "usage policies.",
                job_errors.MODERATED,
            )
            for code in ("", "invalid_training_file", "moderation_blocked")
        ),
        ("invalid_training_file", "It cannot be used.", job_errors.UNREADABLE),
        ("", "The job failed due to an invalid training file.", job_errors.INVALID_FILE),
        (
            "AccessDenied",
            "The principal `x` lacks the required data action `y`.",
            denials.NO_ROLE,
        ),
        ("AccessDenied", "Access denied due to Virtual Network rules.", denials.FIREWALL),
        ("AccessDenied", "No.", denials.FIREWALL),
        (
            "invalidPayload",
            "The specified file reference must point to a completed file import.",
            job_errors.NOT_PROCESSED,
        ),
        (
            "",
            "This model is unable to be deployed. Model evaluation identified that this fine tuned "
            "model scores above acceptable thresholds for [Violence, Self Harm].",
            refusals.SAFETY,
        ),
        ("404", "Resource not found", job_errors.WRONG_ADDRESS),
    ],
)
def test_the_words_of_public_reports_are_recognised(code: str, sentence: str, cause: Cause) -> None:
    assert find(failures.CAUSES, [code], sentence) is cause
    if cause in denials.WHO_ASKS:
        status = 400 if cause in denials.WITH_400 else 403
        assert denials.denial(status, [code], sentence) is cause
    if cause in refusals.BLOCKING:
        assert refusals.blocking([code], sentence) is cause


@pytest.mark.parametrize(
    "sentence",
    ["The property 'raiPolicyName' is invalid.", "The version upgrade option is not supported."],
)
def test_a_property_that_nobody_knows_is_not_taken_for_the_sku(sentence: str) -> None:
    assert refusals.blocking(["InvalidResourceProperties"], sentence) is None
