"""The app's settings for chat: who may, how it is answered, what is remembered (`settings`)."""

from dataclasses import dataclass

from shared import endpoint
from shared.setting import HOUR, setting


@dataclass(frozen=True, kw_only=True)
class ChatSettings:
    app_keys: str = setting(
        "TUNEDROP_APP_KEYS",
        "Who may chat besides the holders of created keys: NAME:SHA256 of each key, separated by "
        "commas, or a JSON list with models, limits and role of each (see chat.md).",
        "",
    )
    entra_tenant: str = setting(
        "TUNEDROP_ENTRA_TENANT",
        "Tenant whose people may chat, signed in by the platform. Set it only where the "
        "platform's sign-in is switched on: it vouches for the headers that the app then reads.",
        "",
    )
    operators: tuple[str, ...] = setting(
        "TUNEDROP_OPERATORS",
        "Signed-in people who may see and command runs and models: names, object ids, ids of "
        "groups or app roles, separated by commas, or `*` for all of the tenant. Nobody, when "
        "empty; needs TUNEDROP_ENTRA_TENANT.",
        (),
    )
    readers: tuple[str, ...] = setting(
        "TUNEDROP_READERS",
        "The same for those who command nothing and see what there is of every model: runs, "
        "reports, data, rated conversations, answers to the validation set, costs.",
        (),
    )
    base_deployments: tuple[str, ...] = setting(
        "TUNEDROP_BASE_DEPLOYMENTS",
        "Deployments of untuned models that may be chatted with by name, separated by commas. New "
        "versions are compared with their base model where it is among them.",
        (),
    )
    chat_fallback: tuple[str, ...] = setting(
        "TUNEDROP_CHAT_FALLBACK",
        "Who answers when a model's champion cannot, in this order: `previous` (the champion "
        "before), names of deployments, or DEPLOYMENT@https://OTHER.openai.azure.com for one of "
        "another resource, separated by commas.",
        (),
        form=endpoint.fallback,
    )
    chat_deadline_seconds: float = setting(
        "TUNEDROP_CHAT_DEADLINE_SECONDS",
        "The longest that a caller waits for an answer to begin.",
        100.0,
        most=HOUR,
    )

    chat_allow: tuple[str, ...] = setting(
        "TUNEDROP_CHAT_ALLOW",
        "Fields of a request that do more than shape its answer and are refused unless they stand "
        "here, separated by commas: store, data_sources, web_search_options, service_tier, "
        "prompt_cache_retention, prompt_cache_options, hosted_tools (see chat.md).",
        (),
    )

    plain_streams: tuple[str, ...] = setting(
        "TUNEDROP_PLAIN_STREAMS",
        "Models whose streams are put into OpenAI's plain form, separated by commas, or `*` for "
        "all: without the chunks and filter results that Azure adds and many clients break on (see "
        "clients.md). Otherwise a stream is relayed as it comes.",
        (),
    )
    allowed_origins: tuple[str, ...] = setting(
        "TUNEDROP_ALLOWED_ORIGINS",
        "Pages that may chat from a browser, as origins such as https://chat.contoso.com, "
        "separated by commas, or `*` for all (see clients.md); in the name of who is "
        "signed in, only those that are named. None, when empty.",
        (),
    )

    remember: tuple[str, ...] = setting(
        "TUNEDROP_REMEMBER",
        "Models whose conversations are remembered for the next dataset, separated by commas; "
        "`captain:0.1` remembers every tenth. None, when empty.",
        (),
    )
    remember_days: int = setting(
        "TUNEDROP_REMEMBER_DAYS",
        "After how many days conversations are forgotten.",
        30,
        least=1,
        most=36_500,
    )
