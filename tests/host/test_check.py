"""`--check`, and mistakes before the host starts: sentences, never tracebacks."""

import json
import socket
import sys
from pathlib import Path

import pytest

from tests.host.conftest import APPS, CHECKOUT, check


def write_app(folder: Path, code: str) -> Path:
    (folder / "host.json").write_text('{"version": "2.0"}')
    (folder / "function_app.py").write_text(code)
    return folder


@pytest.mark.contract("app-index")
def test_a_good_app_is_listed() -> None:
    done = check(APPS / "streaming")
    assert done.returncode == 0, done.stderr
    assert "thing         httpTrigger   [GET] things/{id}" in done.stdout.splitlines()


@pytest.mark.contract("app-refused", "app-streaming-setting", "route-twice", "route-reserved")
def test_every_mistake_has_its_sentence() -> None:
    done = check(APPS / "broken", PYTHON_ENABLE_INIT_INDEXING="")
    assert done.returncode == 1
    for line, message in zip(
        done.stderr.splitlines(),
        [
            "'takes_name': these parameters are declared in Python but not in the decorators",
            "'taken': the specified route conflicts with one or more built in routes",
            "'never': the schedule '61 * * * * *' is not an NCRONTAB expression",
            "'old': the type of the httpTrigger binding 'req' does not match",
            "'either': the return annotation",
            "'queued': the binding type 'queueTrigger' is not supported",
            "'numbered': the route segment '{id:int}' cannot be read",
            "'same_again': the route specified conflicts with the route defined by function 'same'",
            "PYTHON_ENABLE_INIT_INDEXING=1 is required" if sys.version_info < (3, 13) else "",
        ],
        strict=sys.version_info < (3, 13),
    ):
        assert message in line


@pytest.mark.contract("app-refused")
@pytest.mark.parametrize(
    ("code", "message"),
    [
        ("import not_there", "function_app.py:1: No module named 'not_there'. Install"),
        ("import os\nos.environ['NOT_SET']", "function_app.py:2: KeyError: 'NOT_SET'"),
        ("app = (", "SyntaxError"),
        ("app = None", "Could not find a top level FunctionApp instance"),
        (
            "import azure.functions as f\na = f.FunctionApp()\nb = f.FunctionApp()",
            "More than one FunctionApp instance",
        ),
    ],
)
def test_an_app_that_cannot_be_loaded(tmp_path: Path, code: str, message: str) -> None:
    done = check(write_app(tmp_path, code))
    assert done.returncode == 1
    assert message in done.stderr


@pytest.mark.parametrize(
    ("declared", "cure"),
    [
        (
            "@app.route('a')\ndef f(req: func.HttpRequest) -> str: ...",
            "write the Request of azuref",
        ),
        ("@app.route('a')\ndef f(req): ...", "write the Request of azuref"),
        (
            "@app.blob_trigger('b', 'c/{n}', 'C', func.BlobSource.EVENT_GRID)\n"
            "def f(b: func.InputStream): ...",
            "write a client of azuref",
        ),
        ("@app.schedule('t', '* * * * * *')\ndef f(t: str): ...", "azure.functions.TimerRequest"),
    ],
)
def test_what_this_host_does_not_take_is_refused_with_what_it_takes(
    tmp_path: Path, declared: str, cure: str
) -> None:
    head = "import azure.functions as func\napp = func.FunctionApp()\n"
    done = check(write_app(tmp_path, f"{head}{declared}\n"))
    assert done.returncode == 1
    assert cure in done.stderr


@pytest.mark.contract("storage-needed")
def test_missing_settings_are_named(tmp_path: Path) -> None:
    done = check(APPS / "streaming", AzureWebJobsStorage="", DataStorage="")
    assert done.returncode == 1
    assert "Missing value for AzureWebJobsStorage" in done.stderr
    assert "Function 'dropped': There is no setting named 'DataStorage'" in done.stderr
    assert "There is no host.json" in check(tmp_path).stderr


def test_a_port_in_use_is_one_sentence() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        done = check(APPS / "streaming", "--port", str(port), "--no-auth")
    assert done.returncode == 1
    assert done.stderr.startswith(f"error: Port {port} is unavailable.")


@pytest.mark.contract("local-settings", "settings-in-names")
def test_local_settings_fill_in_what_the_environment_lacks(tmp_path: Path) -> None:
    app = write_app(
        tmp_path,
        "import os\nimport azure.functions as func\n"
        "from azurefunctions.extensions.http.fastapi import Request, Response\n"
        "app = func.FunctionApp()\n"
        "@app.route(os.environ['FIRST'] + '/%SECOND%')\n"
        "def hello(req: Request) -> Response: ...\n",
    )
    values = {"FIRST": "from-file", "SECOND": "file-too"}
    settings = tmp_path / "local.settings.json"
    settings.write_text(json.dumps({"IsEncrypted": False, "Values": values}))
    done = check(app, SECOND="environment-wins")
    assert "from-file/environment-wins" in done.stdout
    assert "Skipping 'SECOND' from local settings" in done.stderr
    settings.write_text(json.dumps({"Values": values}))
    assert '"IsEncrypted": false' in check(app).stderr


def test_a_setting_chooses_how_this_app_hears_of_drops() -> None:
    """Events unless it says otherwise: Flex Consumption takes nothing else."""
    for source, told in (("", "EventGrid"), ("logsandcontainerscan", "LogsAndContainerScan")):
        settings = {"TunedropStorage": "UseDevelopmentStorage=true", "TUNEDROP_BLOB_SOURCE": source}
        done = check(CHECKOUT, **settings)
        assert f"blobTrigger   datasets/{{name}} ({told})" in done.stdout, done.stderr
    assert "Known are EventGrid, LogsAndC" in check(CHECKOUT, TUNEDROP_BLOB_SOURCE="poll").stderr
