"""Addresses in settings, as people paste them: what the portal, the documentation and SDKs show of
one resource is brought into one form, or refused with the right one.

Knows how Azure's addresses look (2026-11), not what is asked for there. An address may hold a key
(`?sig=…`): nothing of it but its host is ever shown.
https://learn.microsoft.com/azure/ai-foundry/foundry-models/concepts/endpoints
"""

import re
from typing import NamedTuple
from urllib.parse import SplitResult, urlsplit

from shared.errors import SettingError
from shared.printable import shown

OPENAI_FORM = "Set https://NAME.openai.azure.com, with the name of the Azure OpenAI resource."
TOPIC_FORM = "Set https://NAME.REGION-1.eventgrid.azure.net/api/events, the topic's endpoint."
STORAGE_FORM = "Set https://NAME.blob.core.windows.net, with the name of the storage account."

NAME = r"[a-z0-9][a-z0-9-]*"
# A resource's own hosts, in Azure and its sovereign clouds. A private endpoint's host leads to the
# same resource, but its certificate is of the name without `privatelink`.
RESOURCE = re.compile(
    rf"\A({NAME})\.(?:privatelink\.)?"
    r"((?:openai|cognitiveservices|services\.ai)\.azure\.(?:com|us|cn))"
)
OTHER = re.compile(r"\A(.*\.)?(azure\.(com|us|cn)|microsoft\.com|openai\.com)")  # portals, APIs
MACHINE = re.compile(r"\A.*\.cloudapp\.azure\.(com|us|cn)")  # somebody's own, a gateway perhaps
REGION = re.compile(rf"\A{NAME}\.api\.cognitive\.(microsoft\.com|azure\.(us|cn))")
# What follows a resource's host: of v1, of a deployment, of Foundry's inference, of a project.
RESOURCE_PATH = re.compile(r"\A(/api/projects/[^/]+)?(/(openai|v1|models)(/.*)?)?", re.IGNORECASE)
BLOB = re.compile(
    rf"\A{NAME}\.(z\d+\.blob\.storage\.azure\.net|"
    r"blob\.core\.(windows\.net|usgovcloudapi\.net|chinacloudapi\.cn))"
)
OTHER_STORAGE = re.compile(
    rf"\A{NAME}\.(z\d+\.)?((dfs|file|queue|table|web)|privatelink\..*)\.(core|storage)\..*"
)
TOPIC = re.compile(rf"\A{NAME}\.[a-z0-9-]+\.eventgrid\.azure\.(net|us|cn)")
TOPIC_PATH = "/api/events"
LOOPBACK = {"127.0.0.1", "localhost", "::1"}
QUOTES = "\"'`“”‘’<>"


class _Address(NamedTuple):
    scheme: str
    host: str
    port: str  # with its colon; empty where there is none
    path: str
    query: str

    @property
    def origin(self) -> str:
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"{self.scheme}://{host}{self.port}"


def openai_endpoint(setting: str, text: str) -> str:
    """Scheme and host of the resource, without a slash at the end; before the `/openai` of another
    host than Azure's (a gateway, an emulator), its path stays. Raises SettingError."""
    address = _address(setting, text, OPENAI_FORM)
    if resource := RESOURCE.fullmatch(address.host):
        if not RESOURCE_PATH.fullmatch(address.path.rstrip("/")):
            raise _refused(setting, address, "has a path that is not of Azure OpenAI", OPENAI_FORM)
        return f"https://{resource[1]}.{resource[2]}"
    if REGION.fullmatch(address.host):
        fix = "Give the resource a custom subdomain and set its https://NAME.openai.azure.com."
        raise _refused(setting, address, "is the address of a region, not of a resource", fix)
    if OTHER.fullmatch(address.host) and not MACHINE.fullmatch(address.host):
        raise _refused(setting, address, "is not an Azure OpenAI resource", OPENAI_FORM)
    before = re.split("/openai/", f"{address.path}/", maxsplit=1, flags=re.IGNORECASE)[0]
    return f"{address.origin}{before.rstrip('/')}"


def fallback(setting: str, text: str) -> str:
    """Of a model: a name, or DEPLOYMENT@ADDRESS of another resource. Raises SettingError."""
    deployment, at, address = text.partition("@")
    return f"{deployment}@{openai_endpoint(setting, address)}" if at else text


def arm_endpoint(setting: str, text: str) -> str:
    """Raises SettingError."""
    form = "Set https://management.azure.com, or that of your cloud."
    address = _address(setting, text, form)
    return f"{address.origin}{address.path.rstrip('/')}"


def webhook(setting: str, text: str) -> str:
    """As it is but for its fragment: a key may stand in its path or query. Raises SettingError."""
    form = "Set an https address, or http://127.0.0.1 and a port for one on this machine."
    address = _address(setting, text, form)
    if address.scheme != "https" and address.host not in LOOPBACK:
        raise _refused(setting, address, "is not reached by https", form)
    whole = _with_scheme(text)
    if not re.fullmatch(r"[!-~]+", whole):
        raise _refused(setting, address, "has a space or a letter that must be written as %…", form)
    return urlsplit(whole)._replace(fragment="").geturl()


def event_grid_topic(setting: str, text: str) -> str:
    """A custom topic's endpoint, with its path. Raises SettingError."""
    address = _address(setting, text, TOPIC_FORM)
    if address.host in LOOPBACK:
        return f"{address.origin}{address.path}"
    if not TOPIC.fullmatch(address.host) or address.scheme != "https":
        raise _refused(setting, address, "is not an Event Grid topic's", TOPIC_FORM)
    if address.path.rstrip("/") not in ("", TOPIC_PATH) or address.query:
        raise _refused(setting, address, "has another path or a query", TOPIC_FORM)
    return f"{address.origin}{TOPIC_PATH}"


def storage_endpoint(setting: str, text: str) -> str:
    """The account's blob endpoint. The Functions host reads the same setting by itself, so what it
    would take for something else is refused here. Raises SettingError."""
    if "://" not in text:
        raise _unreadable(setting, STORAGE_FORM)
    address = _address(setting, text, STORAGE_FORM)
    if address.query:
        fix = "Remove everything from the `?` on: the app enters with its identity."
        raise _refused(setting, address, "has a query, as a shared access signature is", fix)
    if OTHER_STORAGE.fullmatch(address.host):
        raise _refused(setting, address, "is not the endpoint for blobs", STORAGE_FORM)
    if BLOB.fullmatch(address.host) and address.path.strip("/"):
        raise _refused(setting, address, "has the path of a container or a blob", STORAGE_FORM)
    if BLOB.fullmatch(address.host) and address.scheme != "https":
        raise _refused(setting, address, "is not reached by https", STORAGE_FORM)
    return f"{address.origin}{address.path.rstrip('/')}"


def _address(setting: str, text: str, form: str) -> _Address:
    """Raises SettingError."""
    bare = _bare(text)
    try:
        parts = urlsplit(_with_scheme(text))
        host, port = (parts.hostname or "").rstrip("."), parts.port
    except ValueError:
        raise _unreadable(setting, form) from None
    if parts.username is not None or parts.scheme not in ("http", "https"):
        raise _unreadable(setting, form)
    if not _is_host(host) or ("://" not in bare and "." not in host and port is None):
        raise _unreadable(setting, form)
    return _Address(parts.scheme, host, f":{port}" if port else "", _path(parts), parts.query)


def _bare(text: str) -> str:
    return text.strip().strip(QUOTES).strip()


def _with_scheme(text: str) -> str:
    bare = _bare(text)
    return bare if "://" in bare else f"https://{bare}"


def _is_host(host: str) -> bool:
    if ":" in host:
        return bool(re.fullmatch(r"[0-9a-f:.]+", host))
    return all(re.fullmatch(r"[a-z0-9_-]{1,63}", label) for label in host.split("."))


def _path(parts: SplitResult) -> str:
    return re.sub("/+", "/", parts.path)


def _unreadable(setting: str, form: str) -> SettingError:
    """What it holds is not shown: it may be a key that was put into the wrong setting."""
    return SettingError(f"The app setting {setting} is not the address of a resource.", form)


def _refused(setting: str, address: _Address, what: str, fix: str) -> SettingError:
    return SettingError(f"The app setting {setting} ({shown(address.host)}) {what}.", fix)
