"""Refusals of whoever asks: told with 400, 401 or 403, before anything of the request is looked at.

A firewall, disabled keys, a missing subdomain and a missing role are different things, and only the
last is cured by a role. All of them are waited for: each may end without the app. Sources: Azure
OpenAI's pages of troubleshooting and of virtual networks (2026-09), and public reports that quote
the service's bodies. Data; `causes` says how one is found.

A 400 is mostly about the request, and its sentence may quote any word of it: only the service's
code, or the beginning of its own sentence, makes one a refusal of who asks.
"""

import re
from collections.abc import Iterable

from shared.cloud.causes import Cause, Then, cause, find

OPENAI_ROLE = (
    "Give the app's identity the role Cognitive Services OpenAI Contributor "
    "on the Azure OpenAI resource."
)
_UPDATE = "az cognitiveservices account update --name {account} --resource-group {group}"

FOREIGN_TENANT = cause(
    "the token is of another tenant than the resource",
    "whoever gives the app its identity",
    "Give the app an identity of the tenant that the resource is in; on a laptop, sign in there: "
    "az login --tenant TENANT.",
    Then.WAITS,
    codes="InvalidAuthenticationTokenTenant",
    signs=re.compile(r"tenant .{0,200}does not match|wrong issuer", re.IGNORECASE),
    says="Token tenant a1 does not match resource tenant.",
)
NO_SUBDOMAIN = cause(
    "the account has no custom subdomain, and takes keys alone at its regional address",
    "whoever owns the account",
    "Give the account a name of its own, which stays, and set AZURE_OPENAI_ENDPOINT to "
    f"https://NAME.openai.azure.com: {_UPDATE} --custom-domain NAME.",
    Then.WAITS,
    codes="CustomSubDomainNameRequired",
    signs=re.compile(r"custom sub-?domain .{0,40}(token|authentication|required)", re.IGNORECASE),
    says="Please provide a custom subdomain for token authentication, otherwise API key is "
    "required.",
)
FIREWALL = cause(
    "the resource's network rules keep the app out",
    "whoever owns the network",
    "Let the app's address or network in, under Networking of that resource (az cognitiveservices "
    "account network-rule add --name {account} --resource-group {group} --subnet SUBNET-ID), or "
    "give it a private endpoint. No role helps.",
    Then.WAITS,
    codes="PublicAccessDisabled TrafficDenied PublicNetworkAccessDisabled",
    vague="AccessDenied",
    signs=re.compile(
        r"firewall|virtual network|public (network )?access|private (endpoint|link)|ip address"
        r"|traffic.{0,20}denied",
        re.IGNORECASE,
    ),
    says="Access denied due to Virtual Network/Firewall rules.",
)
NO_KEYS = cause(
    "the resource takes no keys",
    "whoever runs the app",
    "Leave out AZURE_OPENAI_API_KEY: the app's identity is used then.",
    Then.WAITS,
    codes="AuthenticationTypeDisabled",
    signs=re.compile(r"key.based authentication is (disabled|not permitted)", re.IGNORECASE),
    says="Key based authentication is disabled for this resource.",
)
WRONG_KEY = cause(
    "the key is not this resource's",
    "whoever runs the app",
    "Correct AZURE_OPENAI_API_KEY or AZURE_OPENAI_ENDPOINT, or leave out the key: the app's "
    "identity is used then. The keys: az cognitiveservices account keys list --name {account} "
    "--resource-group {group}.",
    Then.WAITS,
    codes="invalid_api_key InvalidApiKey",
    signs=re.compile(
        r"invalid subscription key|wrong api endpoint|incorrect api key", re.IGNORECASE
    ),
    says="Access denied due to invalid subscription key or wrong API endpoint.",
)
WRONG_TOKEN = cause(
    "the token is for another service, or has run out",
    "whoever runs the app",
    "Leave AZURE_OPENAI_SCOPE at its default and set the host's clock; the app asks for a new "
    "token by itself.",
    Then.WAITS,
    codes="ExpiredAuthenticationToken InvalidAuthenticationToken InvalidAuthenticationTokenAudience"
    " invalid_token",
    signs=re.compile(
        r"audience .{0,80}(incorrect|invalid)|token .{0,40}expired|lifetime validation failed",
        re.IGNORECASE,
    ),
    says="The access token audience is incorrect (https://cognitiveservices.azure.com).",
)
BLOCKED_RESOURCE = cause(
    "the service itself has blocked the resource",
    "Azure's support",
    "The service itself has blocked the resource: ask Azure's support. No role helps.",
    Then.WAITS,
    signs=re.compile(
        r"temporarily blocked|resource (has been|is) (blocked|suspended|disabled)", re.IGNORECASE
    ),
    says="Your resource has been temporarily blocked because we detected unusual behavior.",
)
DENY_ASSIGNMENT = cause(
    "a deny assignment forbids it",
    "whoever owns the managed application or the deployment stack",
    "A deny assignment forbids it, of a managed application or a deployment stack: whoever owns "
    "that can let the app's identity through. No role helps.",
    Then.WAITS,
    codes="DenyAssignmentAuthorizationFailed",
    signs=re.compile(r"deny assignment", re.IGNORECASE),
    says="The access is denied because of the deny assignment with name 'x'.",
)
NO_ROLE = cause(
    "the app's identity lacks a role",
    "whoever may give roles on the resource",
    OPENAI_ROLE,
    Then.WAITS,
    codes="PermissionDenied AuthorizationFailed LinkedAuthorizationFailed",
    signs=re.compile(
        r"lacks the required data action|does not have (access to api|authorization)", re.IGNORECASE
    ),
    says="The principal `x` lacks the required data action `y` to perform `z` operation.",
    vague="Forbidden Unauthorized",
)
WITH_400 = {  # by how the service's sentence begins: a value of a request stands there in quotes
    FOREIGN_TENANT: re.compile(
        r"(Tenant provided in token does not match resource token\W{1,3})?"
        r"Token tenant \S{1,80} does not match resource tenant",
        re.IGNORECASE,
    ),
    NO_SUBDOMAIN: re.compile(
        r"Please provide a custom subdomain for token authentication", re.IGNORECASE
    ),
}
_FIRST = (*WITH_400, NO_KEYS, DENY_ASSIGNMENT)
_LAST = (FIREWALL, WRONG_KEY, WRONG_TOKEN, BLOCKED_RESOURCE)
NO_ROLE_CURES = (*_FIRST, *_LAST)
# The sentence of a missing role is unmistakable, and names a scope that may be called anything.
WHO_ASKS = (*_FIRST, NO_ROLE, *_LAST)
STORAGE_FIREWALL = cause(
    FIREWALL.name,
    FIREWALL.whose,
    "Let the app's network in, under Networking of the storage account. No role helps.",
    Then.WAITS,
    codes="AuthorizationFailure PublicAccessNotPermitted",
    signs=FIREWALL.signs,
    says="Public access is not permitted on this storage account.",
)


def denial(status: int, codes: Iterable[str], sentence: str) -> Cause | None:
    """What is wrong with who asks, as far as a status of 400, 401 or 403 is about that."""
    given = frozenset(code.lower() for code in codes)
    if status != 400 or any(one.named(given) for one in WHO_ASKS):
        return find(WHO_ASKS, given, sentence)
    return next((one for one, begins in WITH_400.items() if begins.match(sentence)), None)
