"""`dev.py up`: the stack, left running until Ctrl-C, with what a person needs to use it."""

import argparse
import signal
import sys
import time
from pathlib import Path

from local.stack import STATE, StackError, running


def main() -> int:
    parser = argparse.ArgumentParser(prog="dev.py up", description=__doc__)
    parser.add_argument("--port", type=int, help="port of the app (default 7071, or a free one)")
    parser.add_argument("--fresh", action="store_true", help="forget every dataset, run and model")
    parser.add_argument("--otel", action="store_true", help="write spans, metrics and logs")
    parser.add_argument("--state", type=Path, default=STATE, help=argparse.SUPPRESS)
    parser.add_argument("--model", default="smollm2", help=argparse.SUPPRESS)
    options = parser.parse_args()
    signal.signal(signal.SIGTERM, stop_on_signal)
    try:
        with running(
            options.state,
            fresh=options.fresh,
            port=options.port,
            model=options.model,
            otel=options.otel,
            tell=lambda text: print(f"· {text}", flush=True),
        ) as stack:
            print(how_to_use(stack.app_url, stack.chat_url, stack.app_key), flush=True)
            if stack.telemetry:
                print(f"  telemetry {stack.telemetry}: spans, metrics and logs .jsonl", flush=True)
            while stack.owner.process():
                if stack.dead:
                    raise StackError(
                        f"The part '{stack.dead[0]}' has ended, so the others are stopped too; see "
                        f"{options.state / 'logs' / stack.dead[0]}.log. The same command goes on."
                    )
                time.sleep(1)
    except StackError as error:
        print(f"dev.py: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        pass
    return 0


def stop_on_signal(number: int, frame: object) -> None:
    """A polite kill ends like Ctrl-C: everything that was started is stopped."""
    raise KeyboardInterrupt


def how_to_use(app_url: str, chat_url: str, key: str) -> str:
    return f"""
  console   {app_url}/api/console
  chat      curl {chat_url} \\
              -H "Authorization: Bearer {key}" -H "Content-Type: application/json" \\
              -d '{{"model": "captain", "messages": [{{"role": "user", "content": "Hello!"}}]}}'
  openai    OpenAI(base_url="{app_url}/api/v1", api_key="{key}")
  runs      {app_url}/api/runs
  drop      .venv/bin/python -m tunedrop push examples/captain --watch
            or any tool for Azure Storage, into the container datasets, as
            <model>/training_set.jsonl: the connection string is "storage" in .local/stack.json
"""


if __name__ == "__main__":
    sys.exit(main())
