# mypy: ignore-errors
"""Run by an environment of its own: agents of pydantic-ai, by chat completions and by responses.

Arguments: the emulator's address, its key, the deployment. Prints what came, as JSON. Not a test
itself; test_other_frameworks.py starts it.
"""

import json
import sys

from openai import AsyncOpenAI
from pydantic import BaseModel
from pydantic_ai import Agent
from pydantic_ai.models.openai import OpenAIChatModel, OpenAIResponsesModel
from pydantic_ai.providers.openai import OpenAIProvider

URL, KEY, DEPLOYMENT = sys.argv[1:4]
provider = OpenAIProvider(
    openai_client=AsyncOpenAI(base_url=f"{URL}/openai/v1/", api_key=KEY, max_retries=0)
)
LIMIT = {"max_tokens": 200}
called = []


class Ship(BaseModel):
    name: str
    guns: int


def get_weather(city: str) -> str:
    """The weather of a city."""
    called.append(city)
    return "sunny"


def main():
    found = {}
    for kind in (OpenAIChatModel, OpenAIResponsesModel):
        model = kind(DEPLOYMENT, provider=provider)
        typed = Agent(model, output_type=Ship, model_settings=LIMIT).run_sync("A ship?")
        agent = Agent(model, tools=[get_weather], model_settings=LIMIT)
        spoken = agent.run_sync("What is the weather in Paris?")
        found[kind.__name__] = {
            "guns": type(typed.output.guns).__name__,
            "words": bool(spoken.output),
            "messages": len(spoken.all_messages()),
        }
    print(json.dumps(found | {"called": len(called)}))


main()
