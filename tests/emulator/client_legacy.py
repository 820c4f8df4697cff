# mypy: ignore-errors
"""Run by an old Python environment: what Microsoft's fine-tuning lab does with openai 0.28.1.

Arguments: the emulator's address, its key, a token for ARM, a file with a dataset. The last line
of its output is JSON. Not a test itself; test_old_clients.py starts it.
"""

import json
import sys
import time

import openai
import requests

URL, KEY, TOKEN, DATASET = sys.argv[1:5]
openai.api_type = "azure"
openai.api_base = URL
openai.api_key = KEY
openai.api_version = "2023-12-01-preview"


def until(look, wanted):
    for _ in range(600):
        if (found := look()) in wanted:
            return found
        time.sleep(0.1)
    raise SystemExit(f"still {found}")


def main():
    with open(DATASET, "rb") as dataset:  # noqa: PTH123 - as the lab does it
        file = openai.File.create(
            file=dataset, purpose="fine-tune", user_provided_filename="training_set.jsonl"
        )
    until(lambda: openai.File.retrieve(file["id"])["status"], ["processed"])
    job = openai.FineTuningJob.create(
        training_file=file["id"],
        model="gpt-4.1-nano-2025-04-14",
        hyperparameters={"n_epochs": 1},
    )
    until(lambda: openai.FineTuningJob.retrieve(job["id"])["status"], ["succeeded"])
    model = openai.FineTuningJob.retrieve(job["id"])["fine_tuned_model"]
    try:  # this client leaves Azure's prefix and version out of the address of events
        openai.FineTuningJob.list_events(id=job["id"], limit=2)
        events = "listed"
    except openai.error.InvalidRequestError as error:
        events = str(error)

    path = (
        f"{URL}/subscriptions/sub/resourceGroups/rg/providers/Microsoft.CognitiveServices"
        "/accounts/account/deployments/legacy"
    )
    body = {
        "sku": {"name": "standard", "capacity": 1},
        "properties": {"model": {"format": "OpenAI", "name": model, "version": "1"}},
    }
    answer = requests.put(
        path,
        params={"api-version": "2023-05-01"},
        headers={"Authorization": f"Bearer {TOKEN}", "Content-Type": "application/json"},
        data=json.dumps(body),
    )

    def chat():
        try:
            return openai.ChatCompletion.create(
                engine="legacy", messages=[{"role": "user", "content": "Who?"}], max_tokens=3
            )["model"]
        except openai.error.InvalidRequestError as error:
            return error.code

    until(chat, [model])
    result = {"deployment": answer.status_code, "model": model, "events": events}
    print(json.dumps(result))


main()
