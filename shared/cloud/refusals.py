"""Refusals of Azure that are about an account or a deployment, and whose move each is.

Sources: Azure Resource Manager's common deployment errors and resource locks, Azure OpenAI's pages
of quotas and of deploying tuned models, and public reports that quote the service's bodies; read
2026-08 to 2026-11. Data; `causes` says how one is found. Knows codes and sentences, not operations.
"""

import re
from collections.abc import Iterable

from shared.cloud.causes import Cause, Then, cause, find

RECOVER = (
    "Restore the deleted account or purge it: az cognitiveservices account recover, or purge, "
    "--name {account} --resource-group {group} --location REGION."
)

SAFETY = cause(
    "the trained model failed the service's safety evaluation",
    "whoever owns the dataset",
    "The trained model failed the service's safety evaluation and is never deployed. Balance the "
    "dataset against the kinds of harm that it names (examples that decline).",
    Then.DROP,
    vague="contentFilter",
    signs=re.compile(r"unable to be deployed|model evaluation identified", re.IGNORECASE),
    says="This model is unable to be deployed. Model evaluation identified that this fine tuned "
    "model scores above acceptable thresholds for [Violence, Self Harm].",
)
SLOTS = cause(
    "the account has no room for one more deployment",
    "whoever may delete a deployment",
    "Delete a deployment that is not needed (az cognitiveservices account deployment delete "
    "--name {account} --resource-group {group} --deployment-name NAME).",
    Then.RETRY,
    codes="QuotaExceeded DeploymentLimitExceeded",
    signs=re.compile(
        r"\d (fine-?tuned )?deployments already|(maximum|limit) .{0,60}deployments", re.IGNORECASE
    ),
    says="The resource has 10 fine-tuned deployments already.",
)
QUOTA = cause(
    "the quota of tokens per minute has no room for the capacity",
    "whoever owns the run: less capacity, or another SKU",
    "Or delete a deployment that is not needed, or ask for more at "
    "https://aka.ms/oai/stuquotarequest.",
    Then.LESS,
    codes="InsufficientQuota",
    vague="QuotaExceeded",
    signs=re.compile(
        r"new capacity in quota|bigger than (the current )?available capacity|tokens per minute",
        re.IGNORECASE,
    ),
    says="This operation require 10 new capacity in quota Tokens Per Minute (thousands) - gpt-4o, "
    "which is bigger than the current available capacity 8. The current quota usage is 0 and the "
    "quota limit is 8 for quota Tokens Per Minute (thousands) - gpt-4o.",
)
SKU = cause(
    "the model has no deployments of this SKU here",
    "whoever owns the run: another SKU",
    "In run.yaml it is deployment.sku.",
    Then.OTHER,
    codes="SkuNotAvailable",  # InvalidResourceProperties may be about anything: its words tell
    signs=re.compile(r"(sku|scale type) .{0,200}not (supported|provided)", re.IGNORECASE),
    says="The specified SKU 'Standard' of account deployment is not supported by the model "
    "'gpt-4o' version: '2024-08-06'.",
)
CAPACITY = cause(
    "the capacity is not one that the SKU takes",
    "whoever owns the run: another capacity",
    "In run.yaml it is deployment.capacity.",
    Then.LESS,
    codes="InvalidCapacity",
    signs=re.compile(
        r"capacity .{0,60}(should be|must be|is (invalid|not (valid|allowed|supported))|multiple of"
        r"|at (least|most)|(less|lower|smaller|greater|larger|more) than|minimum|maximum)",
        re.IGNORECASE,
    ),
    says="The capacity should be null for standard deployment.",
)
NO_SUCH_MODEL = cause(
    "the account does not deploy this model",
    "whoever owns the dataset: another base model",
    "Its base is not offered here, or is retired: `tunedrop doctor` shows what the account offers. "
    "Choose another base_model in run.yaml.",
    Then.DROP,
    codes="DeploymentModelNotSupported",
    signs=re.compile(r"of account deployment is not supported", re.IGNORECASE),
    says="The model 'Publisher: , Format: OpenAI, Name: gpt-35-turbo, Version: 1, Source: , "
    "SourceAccount: ' of account deployment is not supported.",
)
RETIRED = cause(
    "the model is retired",
    "whoever owns the dataset: a newer base model",
    "The model is retired: choose a newer base_model in run.yaml.",
    Then.DROP,
    codes="410 ModelDeprecated ServiceModelDeprecated ServiceModelDeprecating model_deprecated "
    "DeploymentModelDeprecated model_retired",
    signs=re.compile(
        r"model .{0,80}(has been|is|was) (retired|deprecated)|has been deprecated since",
        re.IGNORECASE,
    ),
    says="The model 'gpt-35-turbo' has been deprecated since 2025-02-13.",
)
ANY_WRITE = (  # whatever is to be changed on the account
    cause(
        "a lock forbids the change",
        "whoever may remove the lock",
        "There is a lock on the resource or its group: somebody who may do so removes it "
        "(az lock list --resource-group {group}, then az lock delete --ids ID).",
        Then.RETRY,
        codes="ScopeLocked",
        signs=re.compile(r"scope\(s\) are locked", re.IGNORECASE),
        says="The scope 'x' cannot perform write operation because following scope(s) are locked: "
        "'y'. Please remove the lock and try again.",
    ),
    cause(
        "the subscription is disabled",
        "the subscription's owner",
        "Azure has disabled the subscription: its owner has to re-enable it in the portal, under "
        "Subscriptions or Cost Management + Billing.",
        Then.RETRY,
        codes="ReadOnlyDisabledSubscription DisabledSubscription SubscriptionDisabled",
    ),
    cause(
        "a policy forbids it",
        "whoever has assigned the policy",
        "An Azure Policy forbids it: whoever has assigned it grants an exemption, or `deployment` "
        "in run.yaml asks for what it allows.",
        Then.RETRY,
        codes="RequestDisallowedByPolicy PolicyViolation",
        signs=re.compile(r"disallowed by policy", re.IGNORECASE),
        says="Resource 'm-v1' was disallowed by policy.",
    ),
    cause(
        "Azure does not let the subscription use the region",
        "Azure's support",
        "Azure does not let this subscription use the region: use an account in another region or "
        "ask Azure's support.",
        Then.RETRY,
        codes="RequestDisallowedByAzure",
    ),
    cause(
        "a deleted account still holds the name",
        "whoever may restore or purge it",
        RECOVER,
        Then.RETRY,
        codes="FlagMustBeSetForRestore",
    ),
    cause(
        "a deleted account may still hold the subdomain",
        "whoever may restore or purge it",
        f"A deleted account may still hold the name. {RECOVER}",
        Then.RETRY,
        codes="CustomDomainInUse",
    ),
    cause(
        "the resource provider is not registered",
        "the subscription's owner",
        "The subscription's owner registers the provider: az provider register --namespace "
        "Microsoft.CognitiveServices.",
        Then.RETRY,
        codes="MissingSubscriptionRegistration SubscriptionNotRegistered",
    ),
)
BLOCKING = (  # nothing changes until somebody has done this
    SAFETY,
    *ANY_WRITE,
    SLOTS,
    QUOTA,
    SKU,
    CAPACITY,
    NO_SUCH_MODEL,
    RETIRED,
    cause(
        "the subscription has no access to the model",
        "the subscription's owner",
        "The subscription has no access to this model: its owner asks for it, or choose another "
        "base_model in run.yaml.",
        Then.RETRY,
        codes="SpecialFeatureOrQuotaIdRequired",
    ),
    cause(
        "the resource group is being deleted",
        "whoever runs the app",
        "Somebody is deleting the resource group: use an account in another one.",
        Then.NOTHING,
        codes="ResourceGroupBeingDeleted",
    ),
    cause(
        "another deployment stands in its place",
        "whoever may delete that deployment",
        "The deployment that is there has another model or capacity: delete it, if it is not "
        "needed.",
        Then.RETRY,
        codes="CannotChangeDeploymentModel",
        signs=re.compile(
            r"cannot change capacity and model|in '?failed'? state, please delete", re.IGNORECASE
        ),
        says="Cannot change capacity and model at the same time for deployment.",
    ),
)

# 409s that pass by themselves: another write is under way, or the thing is not ready yet.
_PASSES = re.compile(
    r"conflict|inprogress|anotheroperation|busy|retry|provisioning|notready|notsucceeded|transition|active|timeout",
    re.IGNORECASE,
)


def blocking(codes: Iterable[str], sentence: str) -> Cause | None:
    """What has to be done by somebody before asking again is of any use, if it is known."""
    return find(BLOCKING, codes, sentence)


def passes(code: str) -> bool:
    """Whether a conflict of this code is over soon. Without a code it is Azure's usual one, which
    is RequestConflict: another write on the account is under way."""
    return code in ("", "409") or bool(_PASSES.search(code))
