"""The whole of Azure that the app needs, on this machine: started together, stopped together.

    storage    Azurite: blobs and queues
    openai     the emulator of Azure OpenAI, data plane and control plane
    functions  the app itself in the Functions host
    events     Event Grid: tells the app what was dropped

The parts end with the process that started them, however that has ended. Knows how they are wired,
not what they do.
"""

import contextlib
import os
import shutil
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlsplit

import psutil

from local import core_tools, private, processes, storage, supervised
from local import ports as ports_of
from local.chosen import Chosen, chosen
from local.errors import StackError, sentence
from local.known import Stack, answers, key_of
from local.options import STATE
from local.processes import Child, Pid
from local.provision import ACCOUNT as ACCOUNT
from local.provision import BASE_DEPLOYMENT, ProvisionError, provision
from local.provision import GROUP as GROUP
from local.provision import SUBSCRIPTION as SUBSCRIPTION

ROOT = Path(__file__).resolve().parent.parent
AZURITE = ROOT / ".venv/azurite/node_modules/azurite"

# In the environment of the host, and the second in that of its webhook's caller.
MASTER_KEY, SYSTEM_KEY, HOST_KEY = (
    f"FUNCTIONS_{name}_KEY" for name in ("MASTER", "SYSTEM", "HOST")
)
HOST_PORT = 7071  # where Azure Functions Core Tools listens as well
SUBSCRIBED = "Subscribed"  # what the events' part says once the app listens to it
START_SECONDS = 600  # so that a part that hangs is reported at all, however slow the machine is


@contextlib.contextmanager
def running(
    state: Path = STATE,
    *,
    fresh: bool = False,
    port: int | None = None,
    model: str = "smollm2",
    otel: bool = False,
    auth: bool = True,
    func: bool = False,
    env_file: Path | None = None,
    tell: Callable[[str], object] = lambda text: None,
) -> Iterator[Stack]:
    """The stack of `state`: the one that runs already, or a new one for as long as the block runs.

    `fresh` forgets every dataset, run and model first. `port` is the app's: 0 for a free one; when
    not given, 7071 or, if that is taken, a free one. With `otel` the app writes its telemetry
    beside the logs. Without `auth` the Functions host asks for no key, which Azure's does. `func`
    is Core Tools in the local host's place, which asks for none either. The app's settings are
    those of the environment and of `env_file`, but for what makes the stack. `tell` is called with
    a sentence at each step. Raises StackError.
    """
    auth = auth and not func
    settings = chosen(os.environ, env_file)
    known = Stack.read(state)
    if known and known.alive:
        if fresh:
            raise StackError("A stack is running here: stop it (Ctrl-C where it runs), then retry.")
        if otel and not known.telemetry:
            raise StackError(_other("--otel", False))
        if bool(known.core_tools) != func:
            raise StackError(_other("--func", bool(known.core_tools)))
        if auth != bool(known.function_key):
            raise StackError(_other("--no-auth", not known.function_key))
        tell(f"using the stack that runs at {known.app_url}, with its settings")
        yield known
        return
    if known:
        processes.stop(list(known.pids.values()))  # left behind by a stack that was killed
    path = core_tools.installed() if func else ""
    starter = _Starter(state, model, otel, auth, path, settings, tell)
    try:
        try:
            if fresh:
                starter.forget()
            stack = starter.start(port)
        except OSError as error:
            raise StackError(sentence(error)) from None
        yield stack
    finally:
        starter.stop()


@dataclass
class _Starter:
    state: Path
    model: str
    otel: bool
    auth: bool
    func: str  # the path of Core Tools, where they run the app
    chosen: Chosen
    tell: Callable[[str], object]
    children: list[Child] = field(default_factory=list)

    def forget(self) -> None:
        """Every dataset, run and model. Raises OSError."""
        for part in ("storage", "openai", "events.json"):
            _remove(self.state / part)

    def start(self, port: int | None) -> Stack:
        """Raises StackError and OSError."""
        for remark in self.chosen.remarks:
            self.tell(remark)
        private.make_folder(self.state)
        app_port = chosen_port(port, self.tell)
        kept = ports_of.kept(self.state)
        openai_url = f"http://127.0.0.1:{kept['openai']}"
        ports = storage.Ports(kept["blob"], kept["queue"], kept["table"])
        app_url = f"http://127.0.0.1:{app_port}"
        self.stack = Stack(
            app_url=app_url,
            chat_url=f"{app_url}/api/v1/chat/completions",
            console_url=f"{app_url}/api/console",
            openai_url=openai_url,
            storage=storage.connection_string(ports),
            app_key=key_of(self.state, "app-key"),
            base_deployment=BASE_DEPLOYMENT,
            owner=Pid.of(os.getpid()),
            function_key=key_of(self.state, "function-key") if self.auth else "",
            master_key=key_of(self.state, "master-key") if self.auth else "",
            telemetry=str(self.state / "logs") if self.otel else "",
            core_tools=self.func,
        )
        self._settings()  # one that the app would refuse is told before anything is started
        self._storage(ports)
        self._openai(openai_url)
        self._wait("openai", lambda: self._answers(f"{openai_url}/_emulator/health"))
        self._wait("storage", lambda: storage.ready(ports))
        self._provision()
        self._functions(app_port)
        self._wait("functions", lambda: self._answers(f"{app_url}/api/health"))
        self._events()
        self._wait("events", lambda: SUBSCRIBED in self.children[-1].said())
        self.tell(f"the stack is up at {app_url}")
        return self.stack

    def stop(self) -> None:
        """The last started goes first: nothing is told of events by a storage that is gone."""
        for child in reversed(self.children):
            if child.process.poll() is None:
                processes.stop([Pid.of(child.process.pid)])
            child.process.wait()
        known = Stack.read(self.state)
        if known is None or known.owner.pid == os.getpid():  # not one that was started since
            with contextlib.suppress(OSError):  # where it could not be written, there is none
                (self.state / "stack.json").unlink()

    # ---- the parts

    def _storage(self, ports: "storage.Ports") -> None:
        node = os.environ.get("TUNEDROP_NODE") or shutil.which("node")
        if not node or not AZURITE.exists():
            raise StackError("Storage is not installed: run `python3 dev.py demo`, which does it.")
        command = storage.azurite_command(node, AZURITE, self.state / "storage", ports)
        self._child("storage", command, {})

    def _openai(self, url: str) -> None:
        self.tell("starting storage and the Azure OpenAI emulator")
        port = url.rpartition(":")[2]
        command = ["local.emulator", "--port", port, "--state", str(self.state / "openai")]
        command += ["--model", self.model, "--weights", str(STATE / "weights")]
        command += ports_of.forwarded(int(port), os.environ)
        if self.model == "tiny":  # for tests, most of which ask no model: it is loaded when needed
            command += ["--lazy"]
        self._child("openai", supervised.module(*command), {})

    def _functions(self, port: int) -> None:
        self.tell(f"starting the app{f' with {self.func}' if self.func else ''}")
        command = ["local.core_tools" if self.func else "local.host"]
        command += ["--app", str(ROOT), "--port", str(port)]
        if not self.func:
            command += ports_of.forwarded(port, os.environ)
            command += [] if self.auth else ["--no-auth"]
        self._child("functions", supervised.module(*command), self._settings() | self._keys())

    def _events(self) -> None:
        function = "Host.Functions.dataset_uploaded"
        webhook = f"{self.stack.app_url}/runtime/webhooks/blobs?functionName={function}"
        command = ["local.events", "--container", "datasets", "--webhook", webhook]
        command += ["--state", str(self.state / "events.json")]
        self._child("events", supervised.module(*command), self._settings())

    def _provision(self) -> None:
        try:
            provision(self.stack.storage, self.stack.openai_url)
        except ProvisionError as error:
            self._report_ended()  # and then it has said why
            raise StackError(f"{error} (see {self.state / 'logs'})") from None

    def _settings(self) -> dict[str, str]:
        stack = self.stack
        settings = self.chosen.settings(
            stack.storage, stack.openai_url, stack.app_key, stack.telemetry
        )
        return settings | ({SYSTEM_KEY: key_of(self.state, "system-key")} if self.auth else {})

    def _keys(self) -> dict[str, str]:
        keys = {MASTER_KEY: self.stack.master_key, HOST_KEY: self.stack.function_key}
        return keys if self.auth else {}

    # ---- helpers

    def _child(self, name: str, command: list[str], env: dict[str, str]) -> None:
        log = self.state / "logs" / f"{name}.log"
        child = processes.start(name, command, env, ROOT, log)
        self.children.append(child)
        self.stack.pids[name] = Pid.of(child.process.pid)
        self.stack.write(self.state)  # at once: a killed stack must be findable

    def _wait(self, name: str, ready: Callable[[], bool]) -> None:
        """Until the part answers, however slow the machine is; one that has ended is reported."""
        deadline = time.monotonic() + START_SECONDS
        while not ready():
            self._report_ended()
            if time.monotonic() > deadline:
                raise StackError(
                    f"The part '{name}' did not answer within {START_SECONDS} s; "
                    f"see {self.state / 'logs' / (name + '.log')}."
                )
            time.sleep(0.1)

    def _report_ended(self) -> None:
        for child in self.children:
            if child.process.poll() is not None:
                raise StackError(
                    f"The part '{child.name}' stopped while it was starting. It said: "
                    f'"{child.last_words()}" (all of it is in {child.log}).'
                )

    def _answers(self, url: str) -> bool:
        return self._listens(url) and answers(url)

    def _listens(self, url: str) -> bool:
        """Whether a part of this stack is what answers there, and not another stack's."""
        port = urlsplit(url).port
        with contextlib.suppress(psutil.Error):  # one may end at any moment
            mine = [psutil.Process(child.process.pid) for child in self._alive()]
            family = [process for one in mine for process in (one, *one.children(recursive=True))]
            return any(
                listening.status == psutil.CONN_LISTEN and listening.laddr.port == port
                for process in family
                for listening in process.net_connections(kind="tcp")
            )
        return False

    def _alive(self) -> list[Child]:
        return [child for child in self.children if child.process.poll() is None]


def _other(option: str, runs_with: bool) -> str:
    how = "with" if runs_with else "without"
    return f"A stack runs here {how} {option}: stop it (Ctrl-C there), then retry."


def ended(part: str, state: Path) -> StackError:
    """What there is to say of a part that has ended while the stack ran."""
    log = state / "logs" / f"{part}.log"
    with contextlib.suppress(OSError):
        said = processes.last_words(log.read_text(encoding="utf-8", errors="replace"))
        return StackError(
            f"The part '{part}' has ended, so the others are stopped too. It said: \"{said}\" "
            f"(all of it is in {log}). The same command goes on."
        )
    return StackError(f"The part '{part}' has ended, and its log {log} cannot be read.")


def chosen_port(asked: int | None, tell: Callable[[str], object]) -> int:
    """The one that was asked for; without one, the usual one or, if it is taken, any."""
    port = processes.free_port(HOST_PORT if asked is None else asked)
    if asked and port != asked:
        raise StackError(
            f"Port {asked} is in use: give another one with --port, or leave --port out "
            "and a free one is taken."
        )
    if asked is None and port != HOST_PORT:
        tell(f"port {HOST_PORT} is in use, so the app listens on {port}")
    return port


def _remove(path: Path) -> None:
    if path.is_dir():
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)
