"""`dev.py up`: the stack, left running until Ctrl-C, with what a person needs to use it."""

import sys
import time

from local.errors import StackError
from local.known import Stack
from local.options import ENV_FILE, up
from local.stack import ended, running


def main() -> int:
    options = up().parse_args()
    try:
        with running(
            options.state,
            fresh=options.fresh,
            port=options.port,
            model=options.model,
            otel=options.otel,
            auth=options.auth,
            func=options.func,
            env_file=ENV_FILE,
            tell=lambda text: print(f"· {text}", flush=True),
        ) as stack:
            print(how_to_use(stack), flush=True)
            if stack.telemetry:
                print(f"  telemetry {stack.telemetry}: spans, metrics and logs .jsonl", flush=True)
            while stack.owner.process():
                if stack.dead:
                    raise ended(stack.dead[0], options.state)
                time.sleep(1)
    except StackError as error:
        print(f"dev.py: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        pass
    return 0


def how_to_use(stack: Stack) -> str:
    """Links that sign in, and what to paste. Whoever reads it sees a key of this laptop's app."""
    app, key = stack.app_url, stack.app_key
    return f"""
  console   {app}/api/console#/?key={key}
  chat      {app}/api/console#/playground?key={key}
            (these two links sign in)
  emulator  {stack.openai_url}/_emulator
            what Azure OpenAI has here: jobs, deployments, every call; its clock, its faults
  curl      curl {stack.chat_url} \\
              -H "Authorization: Bearer {key}" -H "Content-Type: application/json" \\
              -d '{{"model": "captain", "messages": [{{"role": "user", "content": "Hello!"}}]}}'
  openai    OpenAI(base_url="{app}/api/v1", api_key="{key}")
  runs      tunedrop runs                               (with .venv active: see README.md)
  drop      tunedrop push examples/captain --watch      (with .venv active: see README.md)
            or any tool for Azure Storage, into the container datasets, as
            <model>/training_set.jsonl: the connection string is "storage" in .local/stack.json
  storage   Azurite saves its lists every few seconds: what was dropped just before a kill or a
            power cut may be gone. Ctrl-C loses nothing.
"""


if __name__ == "__main__":
    sys.exit(main())
