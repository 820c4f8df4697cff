# mypy: ignore-errors
"""Run by an old Python environment: the whole way with the last 1.x release of openai.

Arguments as of client_legacy.py. Not a test itself; test_old_clients.py starts it.
"""

import json
import sys
import time
from pathlib import Path

from openai import AzureOpenAI, OpenAI

URL, KEY, _, DATASET = sys.argv[1:5]


def main():
    old = AzureOpenAI(azure_endpoint=URL, api_key=KEY, api_version="2024-10-21")
    new = OpenAI(base_url=f"{URL}/openai/v1/", api_key=KEY)
    statuses = []
    for client in (old, new):
        file = client.files.create(file=Path(DATASET), purpose="fine-tune")
        client.files.wait_for_processing(file.id, poll_interval=0.1)
        job = client.fine_tuning.jobs.create(
            training_file=file.id,
            model="gpt-4.1-nano-2025-04-14",
            hyperparameters={"n_epochs": 1},
            extra_body={"trainingType": "GlobalStandard"},
        )
        while client.fine_tuning.jobs.retrieve(job.id).status in ("pending", "running"):
            time.sleep(0.1)
        statuses.append(client.fine_tuning.jobs.retrieve(job.id).status)
        assert list(client.fine_tuning.jobs.list_events(job.id))
        assert list(client.fine_tuning.jobs.checkpoints.list(job.id))
        chat = client.chat.completions.create(
            model="always",
            messages=[{"role": "user", "content": "Who?"}],
            max_tokens=3,
            stream=True,
            stream_options={"include_usage": True},
        )
        assert list(chat)[-1].usage.completion_tokens <= 3
    print(json.dumps({"statuses": statuses}))


main()
