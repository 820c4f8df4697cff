"""Fields of a chat request with an effect beyond its answer: refused, unless a setting allows them.

Everything else is passed on, for it comes back as text and counts as tokens. These make the service
keep what was said, call an address with the app's own identity, or charge by another price.
"""

from dataclasses import dataclass
from typing import Any

from shared.chat.parsing import BadRequest
from shared.errors import SettingError

SETTING = "TUNEDROP_CHAT_ALLOW"


@dataclass(frozen=True, slots=True)
class Effect:
    """`harmless`: which values of the field ask for nothing. `why`: what the others do."""

    why: str
    harmless: tuple[Any, ...] = (None,)

    def asks_nothing(self, value: Any) -> bool:
        """Also by its type: 0 is not false."""
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
}


def parse_allowed(names: tuple[str, ...]) -> frozenset[str]:
    """Raises SettingError for a name that is not one of EFFECTS."""
    if unknown := sorted(set(names) - set(EFFECTS)):
        raise SettingError(
            f"{SETTING} has {unknown[0]!r}.", f"It may have {', '.join(EFFECTS)}, with commas."
        )
    return frozenset(names)


def refuse_effects(body: dict[str, Any], allowed: frozenset[str]) -> None:
    """Raises BadRequest that names the field."""
    for name, effect in EFFECTS.items():
        if name in body and name not in allowed and not effect.asks_nothing(body[name]):
            raise BadRequest(
                f"`{name}` is not allowed here: {effect.why}.",
                f"Leave it out, or ask whoever runs the app to put {name} into {SETTING}.",
                param=name,
            )
