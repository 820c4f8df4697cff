"""Fields of a request with an effect beyond its answer: refused, unless a setting allows them.

Everything else is passed on, for it comes back as text and counts as tokens. These make the service
keep what was said or use what somebody has kept there, call an address with the app's own identity,
or charge by another price. Of the Responses API, tools and the items of `input` have more such
effects with each version: they are refused unless they are known to have none.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from shared.chat.apis import CHAT, RESPONSES, Api, parts
from shared.chat.parsing import BadRequest
from shared.errors import SettingError
from shared.printable import shown

SETTING = "TUNEDROP_CHAT_ALLOW"
STORE, HOSTED, PROMPT = "store", "hosted_tools", "prompt"


@dataclass(frozen=True, slots=True)
class Effect:
    """`harmless`: which values of the field ask for nothing, or of what is `within` it. `why`: what
    the others do."""

    why: str
    harmless: tuple[Any, ...] = (None,)
    within: str = ""

    def asks_nothing(self, value: Any) -> bool:
        """Also by its type: 0 is not false."""
        if self.within and isinstance(value, dict):
            value = value.get(self.within)
        return any(value == known and type(value) is type(known) for known in self.harmless)


# Azure OpenAI, chat completions of /openai/v1, as documented in November 2026:
# learn.microsoft.com/azure/ai-services/openai: how-to/stored-completions, references/on-your-data;
# learn.microsoft.com/azure/foundry/openai/concepts/priority-processing.
EFFECTS = {
    "store": Effect("the service keeps the conversation", (None, False)),
    "data_sources": Effect("the service calls the addresses in it, also with its own identity"),
    "web_search_options": Effect("the service sends what was said to a search engine, for a fee"),
    "service_tier": Effect("tokens have another price in it", (None, "auto", "default")),
    "prompt_cache_retention": Effect(
        "the service keeps the prompt for longer", (None, "in_memory")
    ),
    "prompt_cache_options": Effect(
        "with such a `ttl` the service keeps the prompt for longer", (None, "30m"), "ttl"
    ),
}


# Of the Responses API, by which the service keeps each answer unless it is told not to. These ask
# for what it has kept; `store` in the setting allows them too.
OF_WHAT_IS_KEPT = {
    "previous_response_id": Effect("no answer is kept that it could go on from"),
    "conversation": Effect("no conversation is kept at the service"),
    "background": Effect("no answer is kept until it is fetched", (None, False)),
    PROMPT: Effect("it stands for a text and tools that somebody keeps at the service"),
}
# Tools that the caller carries out itself; all others run at the service: they search, call
# addresses, read its files or run programs, for a fee.
OF_CALLERS = ("function", "custom", "namespace", "local_shell", "apply_patch")
CONVERSATIONS = {CHAT: "messages", RESPONSES: "input"}
MESSAGE, ITEM_REFERENCE = "message", "item_reference"
# Items that have no effect, each with where it has what it says; all others are of tools that run
# at the service. One with an id that says nothing stands for what the service keeps under the id.
SAYING = {
    MESSAGE: ("content",),
    "reasoning": ("encrypted_content", "content"),
    "function_call": ("name",),
    "function_call_output": ("output",),
    "custom_tool_call": ("name",),
    "custom_tool_call_output": ("output",),
    "local_shell_call": ("action",),
    "local_shell_call_output": ("output",),
    "apply_patch_call": ("operation",),
    "apply_patch_call_output": ("call_id",),
    "additional_tools": ("tools",),
    "configuration_update": ("reasoning", "text"),
    "compaction": ("encrypted_content",),
    "compaction_trigger": ("type",),
}
ALLOWABLE = (*EFFECTS, HOSTED)


def parse_allowed(names: tuple[str, ...]) -> frozenset[str]:
    """Raises SettingError for a name that is not one of ALLOWABLE."""
    if unknown := sorted(set(names) - set(ALLOWABLE)):
        raise SettingError(
            f"{SETTING} has {unknown[0]!r}.", f"It may have {', '.join(ALLOWABLE)}, with commas."
        )
    return frozenset(names)


def sets(api: Api, allowed: frozenset[str]) -> Mapping[str, Any]:
    """The fields that are sent whatever the caller says: of the Responses API, that nothing is to
    be kept, which is not what the service does by default."""
    return {STORE: False} if api is RESPONSES and STORE not in allowed else {}


def refuse_effects(body: dict[str, Any], allowed: frozenset[str], api: Api = CHAT) -> None:
    """Raises BadRequest that names the field. What is set anyway is asked for in vain, and passes:
    many clients send `store: true` by default, and OpenAI takes it for false where an organisation
    has agreed on that (platform.openai.com/docs/guides/your-data, 2026-11)."""
    refused = EFFECTS.keys() - allowed - sets(api, allowed).keys()
    for name, effect in EFFECTS.items():
        if name in body and name in refused and not effect.asks_nothing(body[name]):
            raise _refused(f"`{name}`", effect.why, "Leave it out", name, name)
    if api in CONVERSATIONS and STORE not in allowed:
        _refuse_kept_files(body, CONVERSATIONS[api])
    if api is RESPONSES and STORE not in allowed:
        _refuse_what_is_kept(body)
    if api is RESPONSES and HOSTED not in allowed:
        _refuse_what_runs_there(body)


def _refuse_kept_files(body: dict[str, Any], param: str) -> None:
    for part in parts(body.get(param)):
        file = part.get("file")
        if part.get("file_id") or (isinstance(file, dict) and file.get("file_id")):
            why = "it stands for a file that somebody keeps at the service"
            raise _refused("A `file_id`", why, "Send what is in the file", param, STORE)


def _refuse_what_is_kept(body: dict[str, Any]) -> None:
    for name, effect in OF_WHAT_IS_KEPT.items():
        if name in body and not effect.asks_nothing(body[name]):
            fix = "Send the whole conversation in `input`, and wait for the answer"
            raise _refused(f"`{name}`", effect.why, fix, name, STORE)
    if any(map(_is_reference, _items(body))):
        raise _refused(
            "An `item_reference` in `input`, or another item of which there is little but its id",
            "no item is kept that it could mean",
            "Have your client send the items themselves, as it does where it is told that nothing "
            "is stored (`store: false`; in the Vercel AI SDK providerOptions.openai.store; of "
            'reasoning `include: ["reasoning.encrypted_content"]` brings what is to be sent)',
            "input",
            STORE,
        )


def _is_reference(item: dict[str, Any]) -> bool:
    """Also without a type, which references and messages may leave out (openai.types.responses,
    3.54; the Vercel AI SDK): then a role makes the message."""
    kind = _type(item) or (MESSAGE if item.get("role") else ITEM_REFERENCE)
    if kind == ITEM_REFERENCE:
        return bool(_type(item)) or item.get("id") is not None
    saying = SAYING.get(kind) or item.keys() - {"id", "type", "status"}
    return item.get("id") is not None and not any(map(item.get, saying))


def _refuse_what_runs_there(body: dict[str, Any]) -> None:
    if body.get(PROMPT) is not None:
        fix = "Send its text as `instructions`"
        raise _refused(f"`{PROMPT}`", OF_WHAT_IS_KEPT[PROMPT].why, fix, PROMPT, HOSTED)
    for item in _items(body):
        kind = MESSAGE if item.get("type") is None else _type(item)
        if kind not in (*SAYING, ITEM_REFERENCE):
            what, fix = f"The item {shown(kind, 40)!r} in `input`", "Leave it out"
            raise _refused(what, "it is of a tool that runs at the service", fix, "input", HOSTED)
        _refuse_hosted_tools(item.get("tools"), "input")
    _refuse_hosted_tools(body.get("tools"), "tools")


def _refuse_hosted_tools(tools: Any, param: str) -> None:
    """Also those within others, and in the place of a list."""
    for tool in tools if isinstance(tools, list) else [] if tools is None else [tools]:
        if (kind := _type(tool)) not in OF_CALLERS:
            raise _refused(
                f"The tool {shown(kind, 40)!r}",
                "it runs at the service and not at the caller's, for a fee",
                f"Send tools of the types {', '.join(OF_CALLERS)}",
                param,
                HOSTED,
            )
        _refuse_hosted_tools(tool.get("tools"), param)


def _items(body: dict[str, Any]) -> list[dict[str, Any]]:
    given = body.get("input")
    return given if isinstance(given, list) else []


def _type(value: Any) -> str:
    kind = value.get("type") if isinstance(value, dict) else None
    return kind if isinstance(kind, str) else ""


def _refused(what: str, why: str, fix: str, param: str, name: str) -> BadRequest:
    return BadRequest(
        f"{what} is not allowed here: {why}.",
        f"{fix}, or ask whoever runs the app to put {name} into {SETTING}.",
        param=param,
    )
