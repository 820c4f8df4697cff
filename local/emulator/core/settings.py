"""How the emulated service behaves where Azure behaves in more than one way, or takes its time.

Read and changed at /_emulator/settings, and still there after a restart. Knows nothing of who reads
them.
"""

from dataclasses import asdict, dataclass, field, fields, replace
from typing import Any

from .errors import invalid
from .regions import REGIONS
from .store import Store

# Azure's minutes are fractions of a second here: enough for a client to meet every state.
CHOICES = {
    # How ARM lets a client wait (S-ARM, S-PROBE). "documented": PUT by Azure-AsyncOperation, PATCH
    # and DELETE by Location; the others use one style for all three.
    "long_running": ("documented", "async-operation", "location", "resource"),
    # Keys of a job that have no value yet: left out (S-FT, Dec 2025) or null (S-FT, Sep 2025).
    "job_shape": ("absent", "null"),
    # Where a bad dataset shows: both are reported (S-DOC, Q&A).
    "validation": ("job", "import"),
    # Where the account is: trainings and deployments are offered in some regions only.
    "location": tuple(REGIONS),
    # Whether its subscription has used the base models before: a new one cannot begin with those
    # that are Deprecated (S-DOC model-retirements-content).
    "subscription": ("existing", "new"),
    # Whether the dates on which models retire are obeyed, by the emulator's clock, or only shown.
    "retirements": ("shown", "obeyed"),
    # How a job's status is spelled: "documented" is by the call's api-version, "old" is as in the
    # versions up to 2023-07-01-preview, whatever the version (S-STATE).
    "job_statuses": ("documented", "old"),
    # Whether a function that is offered (tool_choice "auto") is called: as the small model finds it
    # likely, whenever the last word is not a result's, or never.
    "offered_tools": ("likely", "always", "never"),
}
# Zero is allowed where nothing else is said; a negative time is not.
MAX_NUMBER = 1e9
LEAST = {"page_limit": 1}


@dataclass(frozen=True)
class SettingValues:
    long_running: str = "documented"
    job_shape: str = "absent"
    validation: str = "job"
    location: str = "swedencentral"
    subscription: str = "existing"
    retirements: str = "shown"
    file_seconds: float = 0.3
    queue_seconds: float = 0.0
    creating_seconds: float = 1.0
    # After ARM says Succeeded, chat goes on answering DeploymentNotFound for a while (S-SKILL).
    readiness_gap_seconds: float = 0.5
    deleting_seconds: float = 0.5
    # Of every quota, in units of capacity (1 = 1K tokens per minute for the standard SKUs).
    quota_capacity: int = 1000
    # Of single quotas, by the usageName that ARM's list of models tells.
    quotas: dict[str, int] = field(default_factory=dict)
    # What a resource may have (S-DOC quotas-limits).
    deployment_limit: int = 10  # of fine-tuned models
    job_limit: int = 100
    queue_limit: int = 20
    running_limit: int = 3  # jobs of standard, global and data zone training together
    developer_running_limit: int = 5
    file_limit: int = 100  # of fine-tuning files
    # Answers that are generated or wait for it (a choice is one); what a laptop's memory can hold.
    chat_limit: int = 2000
    # More only make each other slower on a laptop; the service's own limits hold as well.
    training_at_once: int = 1
    # 409 RequestConflict while another write on the account is under way.
    write_conflicts: bool = True
    # 429 once a deployment's own rateLimits are used up. Off: capacity 1 is one chat a minute.
    enforce_rate_limits: bool = False
    # Results of the content filter come in chunks of their own, without a delta (S-STREAM).
    asynchronous_filter: bool = False
    # The account's property: no key is taken, and none is told (S-403).
    disable_local_auth: bool = False
    # Without a subdomain of its own, an account takes keys only (S-403).
    custom_subdomain: bool = True
    # The longest page of any list; lists with a shorter one of their own keep it.
    page_limit: int = 10_000
    job_statuses: str = "documented"
    offered_tools: str = "likely"


class Settings:
    def __init__(self, store: Store) -> None:
        self._store = store
        stored = store.get("setting", "settings") or {}
        names = {one.name for one in fields(SettingValues)}
        self.current = SettingValues(
            **{name: value for name, value in stored.items() if name in names}
        )

    def change(self, values: dict[str, Any]) -> None:
        for name, value in values.items():
            _check(name, value)
        self._save(replace(self.current, **values))

    def reset(self) -> None:
        self._save(SettingValues())

    def as_dict(self) -> dict[str, Any]:
        return asdict(self.current)

    def _save(self, values: SettingValues) -> None:
        self.current = values
        self._store.put("setting", "settings", asdict(values))


def _check(name: str, value: object) -> None:
    names = [one.name for one in fields(SettingValues)]
    if name not in names:
        raise invalid(f"There is no setting {name!r}; there are: {', '.join(names)}.")
    if name == "quotas":
        _check_quotas(value)
        return
    default = getattr(SettingValues, name)
    if name in CHOICES:
        if value not in CHOICES[name]:
            raise invalid(f"{name} must be one of {', '.join(CHOICES[name])}, not {value!r}.")
        return
    if isinstance(default, bool):
        if not isinstance(value, bool):
            raise invalid(f"{name} must be true or false, not {value!r}.")
        return
    kind = int if isinstance(default, int) else (int, float)
    least = LEAST.get(name, 0)
    if isinstance(value, bool) or not isinstance(value, kind) or not least <= value <= MAX_NUMBER:
        raise invalid(f"{name} must be a number from {least} up, not {value!r}.")


def _check_quotas(value: object) -> None:
    if not isinstance(value, dict) or not all(_is_limit(limit) for limit in value.values()):
        raise invalid(
            'quotas must be an object of whole numbers from 0 up, by usage name: {"OpenAI.Standard.'
            f'gpt-4o-finetune": 10}}, not {value!r}.'
        )


def _is_limit(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and 0 <= value <= MAX_NUMBER
