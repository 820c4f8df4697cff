# mypy: ignore-errors
"""Run by an environment of its own: instructor in its default mode, and in two others.

Arguments: the emulator's address, its key, the deployment. Prints what came, as JSON. Not a test
itself; test_other_frameworks.py starts it.
"""

import json
import sys

import instructor
from openai import OpenAI
from pydantic import BaseModel

URL, KEY, DEPLOYMENT = sys.argv[1:4]


class Ship(BaseModel):
    name: str
    guns: int


def asked(**mode):
    client = instructor.from_openai(OpenAI(base_url=f"{URL}/openai/v1/", api_key=KEY), **mode)
    return client.chat.completions.create(
        model=DEPLOYMENT,
        response_model=Ship,
        messages=[{"role": "user", "content": "A ship?"}],
        max_tokens=200,
        max_retries=0,
    )


found = {"default": type(asked().guns).__name__}
found["json"] = type(asked(mode=instructor.Mode.JSON_SCHEMA).guns).__name__
print(json.dumps(found))
