"""Answers of Azure that say more by their code than by their status: which ones pass by themselves,
and for the others whose move it is and what to do.

Sources: Azure Resource Manager's common deployment errors and resource locks, Azure OpenAI's quota
and soft-delete pages, and public reports that quote the service's bodies; read 2026-08 to 2026-11.
Knows codes and sentences, not operations.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass

RUN_YAML = "choose another model, SKU or capacity in run.yaml"
RECOVER = (
    "Restore the deleted account or purge it: az cognitiveservices account recover, or purge, "
    "--name ACCOUNT --resource-group GROUP --location REGION."
)


@dataclass(frozen=True, slots=True)
class Known:
    """`codes` are in lower case. `signs` are looked for in the service's sentence, where its code
    is one of many things."""

    codes: frozenset[str]
    fix: str
    signs: re.Pattern[str] | None = None

    def means(self, codes: Iterable[str], sentence: str) -> bool:
        named = any(code.lower() in self.codes for code in codes)
        return named or (self.signs is not None and bool(self.signs.search(sentence)))


def _known(codes: str, fix: str, signs: str = "") -> Known:
    pattern = re.compile(signs, re.IGNORECASE) if signs else None
    return Known(frozenset(codes.lower().split()), fix, pattern)


# Nothing changes until somebody has done this: asking again would not help.
BLOCKING = (
    _known(
        "ScopeLocked",
        "There is a lock on the resource or its group: somebody who may do so removes it "
        "(az lock list --resource-group GROUP, then az lock delete --ids ID).",
    ),
    _known(
        "ReadOnlyDisabledSubscription DisabledSubscription SubscriptionDisabled",
        "Azure has disabled the subscription: its owner has to re-enable it in the portal, under "
        "Subscriptions or Cost Management + Billing.",
    ),
    _known(
        "RequestDisallowedByPolicy PolicyViolation",
        f"An Azure Policy forbids it: whoever has assigned it grants an exemption, or {RUN_YAML} "
        "that it allows.",
    ),
    _known(
        "RequestDisallowedByAzure",
        "Azure does not let this subscription use the region: use an account in another region or "
        "ask Azure's support.",
    ),
    _known("FlagMustBeSetForRestore", RECOVER),
    _known("CustomDomainInUse", f"A deleted account may still hold the name. {RECOVER}"),
    _known(
        "MissingSubscriptionRegistration SubscriptionNotRegistered",
        "The subscription's owner registers the provider: az provider register --namespace "
        "Microsoft.CognitiveServices.",
    ),
    _known(
        "InsufficientQuota QuotaExceeded",
        "The quota is used up: delete a deployment that is not needed, lower the capacity in "
        "run.yaml, or ask for more at https://aka.ms/oai/stuquotarequest.",
    ),
    _known(
        "DeploymentModelNotSupported InvalidResourceProperties InvalidCapacity SkuNotAvailable "
        "ServiceModelDeprecated ServiceModelDeprecating",
        f"The account does not deploy this model so: {RUN_YAML}.",
    ),
    _known(
        "SpecialFeatureOrQuotaIdRequired",
        f"The subscription has no access to this model: its owner asks for it, or {RUN_YAML}.",
    ),
    _known(
        "ResourceGroupBeingDeleted",
        "Somebody is deleting the resource group: use an account in another one.",
    ),
    _known(
        "",
        "The deployment that is there has another model or capacity: delete it, if it is not "
        "needed.",
        r"cannot change capacity and model|in '?failed'? state, please delete",
    ),
)

# Told with 400, 401 or 403, and no role cures it.
FOREIGN_TENANT = _known(
    "InvalidAuthenticationTokenTenant",
    "Give the app an identity of the tenant that the resource is in; on a laptop, sign in there: "
    "az login --tenant TENANT.",
    r"tenant .{0,200}does not match|wrong issuer",
)

# A 403 that no role cures. It is waited for: an outage of this kind may end without the app.
OTHER_DENIALS = (
    _known(
        "",
        "The service itself has blocked the resource: ask Azure's support. No role helps.",
        r"temporarily blocked|resource (has been|is) (blocked|suspended|disabled)",
    ),
    _known(
        "DenyAssignmentAuthorizationFailed",
        "A deny assignment forbids it, of a managed application or a deployment stack: whoever "
        "owns that can let the app's identity through. No role helps.",
    ),
    _known(
        "PublicAccessDisabled",
        "The account's network rules keep the app out: let its address or network in, under "
        "Networking of the Azure OpenAI resource.",
        r"firewall|virtual network|public (network )?access|private endpoint|ip address",
    ),
)

# 409s that pass by themselves: another write is under way, or the thing is not ready yet.
_PASSES = re.compile(
    r"conflict|inprogress|anotheroperation|busy|retry|provisioning|notready|notsucceeded|transition|active|timeout",
    re.IGNORECASE,
)


def blocking(codes: Iterable[str], sentence: str) -> Known | None:
    """What has to be done by somebody before asking again is of any use, if it is known."""
    return _find(BLOCKING, codes, sentence)


def other_denial(codes: Iterable[str], sentence: str) -> Known | None:
    return _find(OTHER_DENIALS, codes, sentence)


def passes(code: str) -> bool:
    """Whether a conflict of this code is over soon. Without a code it is Azure's usual one, which
    is RequestConflict: another write on the account is under way."""
    return code in ("", "409") or bool(_PASSES.search(code))


def _find(known: Iterable[Known], codes: Iterable[str], sentence: str) -> Known | None:
    codes = list(codes)
    return next((cause for cause in known if cause.means(codes, sentence)), None)
