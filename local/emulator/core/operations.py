"""The name of every operation of the service: what the journal shows and faults apply to.

One table, pure. Each part makes its own routes; a test checks that none lacks a name here.
"""

import re
from functools import cache

from .protocol import DATED, V1

DATA_PLANE = (
    ("POST", "/files", "files.create"),
    ("GET", "/files", "files.list"),
    ("POST", "/files/import", "files.import"),
    ("GET", "/files/{id}", "files.get"),
    ("DELETE", "/files/{id}", "files.delete"),
    ("GET", "/files/{id}/content", "files.content"),
    ("POST", "/uploads", "uploads.create"),
    ("POST", "/uploads/{id}/parts", "uploads.part"),
    ("POST", "/uploads/{id}/complete", "uploads.complete"),
    ("POST", "/uploads/{id}/cancel", "uploads.cancel"),
    ("POST", "/fine_tuning/jobs", "jobs.create"),
    ("GET", "/fine_tuning/jobs", "jobs.list"),
    ("GET", "/fine_tuning/jobs/{id}", "jobs.get"),
    ("DELETE", "/fine_tuning/jobs/{id}", "jobs.delete"),
    ("POST", "/fine_tuning/jobs/{id}/cancel", "jobs.cancel"),
    ("POST", "/fine_tuning/jobs/{id}/pause", "jobs.pause"),
    ("POST", "/fine_tuning/jobs/{id}/resume", "jobs.resume"),
    ("GET", "/fine_tuning/jobs/{id}/events", "jobs.events"),
    ("GET", "/fine_tuning/jobs/{id}/checkpoints", "jobs.checkpoints"),
    ("GET", "/models", "models.list"),
    ("GET", "/models/{id:path}", "models.get"),
    ("DELETE", "/models/{id:path}", "models.delete"),
    ("POST", "/chat/completions", "chat.create"),
    ("POST", "/deployments/{name}/chat/completions", "chat.create"),
    ("POST", "/completions", "completions.create"),
    ("POST", "/deployments/{name}/completions", "completions.create"),
    ("POST", "/embeddings", "embeddings.create"),
    ("POST", "/deployments/{name}/embeddings", "embeddings.create"),
    ("POST", "/responses", "responses.create"),
    ("GET", "/responses/{id}", "responses.get"),
    ("DELETE", "/responses/{id}", "responses.delete"),
    ("GET", "/responses/{id}/input_items", "responses.input_items"),
    ("POST", "/responses/{id}/cancel", "responses.cancel"),
)
_PROVIDER = "/providers/Microsoft.CognitiveServices"
_ACCOUNT = f"/resourceGroups/{{group}}{_PROVIDER}/accounts/{{account}}"
_LOCATION = f"{_PROVIDER}/locations/{{location}}"
CONTROL_PLANE = (
    ("PUT", f"{_ACCOUNT}/deployments/{{name}}", "deployments.put"),
    ("PATCH", f"{_ACCOUNT}/deployments/{{name}}", "deployments.patch"),
    ("GET", f"{_ACCOUNT}/deployments/{{name}}", "deployments.get"),
    ("DELETE", f"{_ACCOUNT}/deployments/{{name}}", "deployments.delete"),
    ("GET", f"{_ACCOUNT}/deployments", "deployments.list"),
    ("GET", f"{_ACCOUNT}/deployments/{{name}}/skus", "deployments.skus"),
    ("GET", _ACCOUNT, "accounts.get"),
    ("POST", f"{_ACCOUNT}/listKeys", "accounts.keys"),
    ("GET", f"{_ACCOUNT}/models", "accounts.models"),
    ("GET", f"{_ACCOUNT}/usages", "accounts.usages"),
    ("GET", f"{_LOCATION}/models", "locations.models"),
    ("GET", f"{_LOCATION}/usages", "locations.usages"),
    ("GET", f"{_LOCATION}/modelCapacities", "locations.capacities"),
    ("GET", f"{_PROVIDER}/modelCapacities", "subscription.capacities"),
    ("GET", f"{_LOCATION}/operationResults/{{operation}}", "operations.get"),
)
NAMES = tuple(dict.fromkeys(name for *_, name in (*DATA_PLANE, *CONTROL_PLANE)))
UNKNOWN = "unknown"


def family_of(path: str) -> str | None:
    """ "v1", "dated" or "arm"; None for what belongs to no plane (the emulator's own controls)."""
    if path.startswith(f"{V1}/") or path == V1:
        return "v1"
    if path.startswith(f"{DATED}/") or path == DATED:
        return "dated"
    return "arm" if path.startswith("/subscriptions") else None


def name_of(method: str, path: str) -> str:
    family = family_of(path)
    if family == "arm":
        inside = re.sub(r"^/subscriptions/[^/]+", "", path)
        return _find(CONTROL_PLANE, method, inside)
    inside = path.removeprefix(V1 if family == "v1" else DATED)
    return _find(DATA_PLANE, method, inside)


def _find(table: tuple[tuple[str, str, str], ...], method: str, path: str) -> str:
    for its_method, template, name in table:
        if its_method == method and _pattern(template).fullmatch(path):
            return name
    return UNKNOWN


@cache
def _pattern(template: str) -> re.Pattern[str]:
    anything = re.sub(r"\{\w+:path\}", ".+", template)
    return re.compile(re.sub(r"\{\w+\}", "[^/]+", anything), re.IGNORECASE)
