"""The app's settings: one typed object, read once from the environment.

Each field carries its setting's name and one sentence for docs/settings.md, which `dev.py docs`
makes. This module knows nothing of what the settings are for.
"""

from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Any

from shared import endpoint
from shared.catalog import facts
from shared.chat_settings import ChatSettings
from shared.model_settings import ModelSettings
from shared.notify_settings import NotifySettings
from shared.setting import DAY, HOUR, MOST_USD, read, setting
from shared.setting import REQUIRED as REQUIRED


@dataclass(frozen=True, kw_only=True)
class AppSettings:
    """Of the app itself: its storage, its Azure OpenAI resource, its runs."""

    storage: str = setting(
        "TunedropStorage",
        "Connection string of the storage account that holds the datasets. "
        "Leave it out in Azure and use TunedropStorage__blobServiceUri.",
        "",
    )
    storage_uri: str = setting(
        "TunedropStorage__blobServiceUri",
        "Blob endpoint of that account, entered with the app's managed identity.",
        "",
        form=endpoint.storage_endpoint,
    )
    datasets_container: str = setting(
        "TUNEDROP_DATASETS_CONTAINER", "Where people drop datasets.", "datasets"
    )
    blob_source: str = setting(
        "TUNEDROP_BLOB_SOURCE",
        "How the app hears of a drop: EventGrid, or LogsAndContainerScan, which looks through the "
        "container, for `func start` on a laptop (see local.md); Azure's Flex Consumption plan "
        "knows the first only.",
        "EventGrid",
        known={"eventgrid": "EventGrid", "logsandcontainerscan": "LogsAndContainerScan"},
    )
    runs_container: str = setting(
        "TUNEDROP_RUNS_CONTAINER", "Where runs and their reports are kept.", "runs"
    )
    models_container: str = setting(
        "TUNEDROP_MODELS_CONTAINER", "Where models and their versions are kept.", "models"
    )
    feedback_container: str = setting(
        "TUNEDROP_FEEDBACK_CONTAINER", "Where remembered conversations are kept.", "feedback"
    )

    openai_endpoint: str = setting(
        "AZURE_OPENAI_ENDPOINT",
        "The Azure OpenAI resource, e.g. https://NAME.openai.azure.com; in any form that the "
        "portal shows: a deployment's or a project's address, with or without /openai/v1.",
        form=endpoint.openai_endpoint,
    )
    openai_key: str = setting(
        "AZURE_OPENAI_API_KEY",
        "Key of the resource. Leave it out: without it the managed identity is used.",
        "",
    )
    openai_scope: str = setting(
        "AZURE_OPENAI_SCOPE",
        "Scope of the data plane's Entra tokens.",
        "https://cognitiveservices.azure.com/.default",
    )
    subscription_id: str = setting(
        "AZURE_SUBSCRIPTION_ID", "Subscription of the Azure OpenAI resource."
    )
    resource_group: str = setting(
        "AZURE_RESOURCE_GROUP", "Resource group of the Azure OpenAI resource."
    )
    account: str = setting("AZURE_OPENAI_ACCOUNT", "Name of the Azure OpenAI resource.")
    location: str = setting(
        "AZURE_OPENAI_LOCATION",
        "Region of the Azure OpenAI resource, e.g. swedencentral. Leave it out where the app may "
        "read the resource: then it asks.",
        "",
    )
    arm_endpoint: str = setting(
        "AZURE_RESOURCE_MANAGER_ENDPOINT",
        "Azure Resource Manager; another one in sovereign clouds and on a laptop.",
        "https://management.azure.com",
        form=endpoint.arm_endpoint,
    )
    client_id: str = setting(
        "AZURE_CLIENT_ID", "Client id of the user-assigned managed identity.", ""
    )

    tick: str = setting(
        "TUNEDROP_TICK",
        "How often active runs are looked after, as an NCRONTAB expression with seconds.",
        "0 * * * * *",
    )
    quiet_seconds: float = setting(
        "TUNEDROP_QUIET_SECONDS",
        "How long a dataset folder must be left alone before its files are taken as one drop.",
        5.0,
        most=HOUR,
    )
    sweep_seconds: float = setting(
        "TUNEDROP_SWEEP_SECONDS",
        "How often the datasets are looked through for a drop whose event was lost.",
        300.0,
        most=DAY,
    )
    end_orphans: str = setting(
        "TUNEDROP_END_ORPHANS",
        "Whether the sweep ends what it finds at Azure OpenAI under the app's marks and no record "
        "knows (see runbook.md), once it has known it for an hour: on or off, which only tells.",
        "off",
        known={"on": "on", "off": "off"},
    )
    backoff_seconds: float = setting(
        "TUNEDROP_BACKOFF_SECONDS",
        "The pause after the first look that Azure did not answer; it doubles with each further "
        "one, up to 15 minutes.",
        15.0,
        most=HOUR,
    )
    base_model: str = setting(
        "TUNEDROP_BASE_MODEL",
        "Model to fine-tune unless run.yaml names another.",
        "gpt-4.1-nano-2025-04-14",
    )
    continue_from: tuple[str, ...] = setting(
        "TUNEDROP_CONTINUE_FROM",
        "Models whose versions every dataset may be trained on (`base_model` in run.yaml), "
        "separated by commas; `*` allows every tuned model of the resource. Otherwise a model "
        "goes on from its own versions alone.",
        (),
    )
    training_type: str = setting(
        "TUNEDROP_TRAINING_TYPE",
        "Training tier unless run.yaml names another: standard, globalStandard, dataZone or "
        "developerTier.",
        "globalStandard",
        known=facts.TIERS,
    )
    deployment_sku: str = setting(
        "TUNEDROP_DEPLOYMENT_SKU",
        "SKU of deployments: Standard, GlobalStandard, DataZoneStandard or DeveloperTier.",
        "GlobalStandard",
        known=facts.SKUS.values,
    )
    deployment_capacity: int = setting(
        "TUNEDROP_DEPLOYMENT_CAPACITY",
        "Capacity of a deployment in thousands of tokens per minute. "
        "1 allows about one request a minute.",
        50,
        least=1,
        most=1_000_000,
    )
    max_capacity: int = setting(
        "TUNEDROP_MAX_CAPACITY",
        "The largest capacity that run.yaml may ask for; that of TUNEDROP_DEPLOYMENT_CAPACITY is "
        "always allowed. What a deployment takes of the quota, the others do not have.",
        500,
        least=1,
        most=1_000_000,
    )

    budget: float = setting(
        "TUNEDROP_BUDGET",
        "USD that the training of one run may cost at list price; run.yaml may ask for less, not "
        "for more. No limit, when 0.",
        0.0,
        most=MOST_USD,
    )
    unknown_price: str = setting(
        "TUNEDROP_UNKNOWN_PRICE",
        "What becomes of a run whose price is not known where a budget or a ceiling in USD is "
        "set: refuse or accept. run.yaml may say it of its own budget, not of the app's.",
        "refuse",
        known={"refuse": "refuse", "accept": "accept"},
    )
    daily_runs: int = setting(
        "TUNEDROP_DAILY_RUNS",
        "How many jobs may be started in a day, by UTC; further runs wait for the next day. "
        "No limit, when 0.",
        20,
        most=100_000,
    )
    daily_training_budget: float = setting(
        "TUNEDROP_DAILY_TRAINING_BUDGET",
        "USD at list price that the jobs of a day, by UTC, may cost together; further runs wait "
        "for the next day, and a run without a known price is refused. No limit, when 0.",
        0.0,
        most=MOST_USD,
    )
    monthly_training_budget: float = setting(
        "TUNEDROP_MONTHLY_TRAINING_BUDGET",
        "The same of a month. (TUNEDROP_MONTHLY_BUDGET is another thing: a budget in Azure, which "
        "warns and stops nothing.)",
        0.0,
        most=MOST_USD,
    )
    hosting_budget: float = setting(
        "TUNEDROP_HOSTING_BUDGET",
        "USD a month at list price that all deployments of one model may cost together; a run "
        "that would add one too many is refused before anything is sent. No limit, when 0.",
        0.0,
        most=MOST_USD,
    )
    telemetry_folder: str = setting(
        "TUNEDROP_TELEMETRY_FOLDER",
        "A folder for spans, metrics and logs as files; for a laptop (see observability.md).",
        "",
    )

    @property
    def largest_capacity(self) -> int:
        """What run.yaml may ask for: never less than what the app takes by itself."""
        return max(self.max_capacity, self.deployment_capacity)


@dataclass(frozen=True, kw_only=True)
class Settings(NotifySettings, ModelSettings, ChatSettings, AppSettings):
    @classmethod
    def load(cls, environ: Mapping[str, str]) -> "Settings":
        """Read the settings from `environ`.

        Raises SettingError that names the setting which is missing, unreadable or out of bounds.
        """
        return cls(**{f.name: read(environ, f.metadata, f.type) for f in fields(cls)})

    @classmethod
    def one(cls, environ: Mapping[str, str], field_name: str) -> Any:
        """A single setting: triggers need theirs before all the others are known."""
        (found,) = (f for f in fields(cls) if f.name == field_name)
        return read(environ, found.metadata, found.type)
