"""OpenAI's Agents SDK in its defaults, which call the Responses API: agents_sdk.py ADDRESS KEY"""

import asyncio
import json
import sys
from typing import Any

from agents import (  # type: ignore[import-not-found]  # only where this runs
    Agent,
    Runner,
    function_tool,
    set_default_openai_client,
    set_tracing_disabled,
)
from openai import AsyncOpenAI


@function_tool  # type: ignore[untyped-decorator]
def weather(city: str) -> str:
    """The weather of a city."""
    return f"dry in {city}"


async def main(address: str, key: str) -> dict[str, Any]:
    set_tracing_disabled(True)
    set_default_openai_client(AsyncOpenAI(base_url=f"{address}/v1", api_key=key))
    plain = Agent(name="plain", instructions="Be brief.", model="captain")
    first = await Runner.run(plain, "Hi")
    streamed = Runner.run_streamed(plain, "Hi")
    said = ""
    async for event in streamed.stream_events():
        if event.type == "raw_response_event" and event.data.type == "response.output_text.delta":
            said += event.data.delta
    agent = Agent(name="agent", instructions="Look.", model="captain@2", tools=[weather])
    looked = await Runner.run(agent, "Is it wet in Oslo?")
    again = await Runner.run(plain, [*first.to_input_list(), {"role": "user", "content": "More"}])
    return {
        "first": first.final_output,
        "stream": said,
        "agent": looked.final_output,
        "again": again.final_output,
    }


print(json.dumps(asyncio.run(main(*sys.argv[1:]))))
