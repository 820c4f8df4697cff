"""Files that are no run.yaml: refused by their line, in little time, and never tried again."""

from collections.abc import Callable
from functools import partial
from typing import Any

import pytest
import yaml

from shared.errors import DropError
from shared.run.run_yaml import LARGEST
from shared.run.spec import effective
from shared.run.stages import Stage
from tests.support.growth import seconds, too_slow
from tests.support.runs import RunHarness
from tests.support.settings import SETTINGS

LONGEST_MESSAGE = 500  # characters
MOST_SECONDS = 0.05  # of 64,000 bytes


def refused(run_yaml: bytes) -> DropError:
    with pytest.raises(DropError) as error:
        effective(run_yaml, SETTINGS)
    assert len(str(error.value)) <= LONGEST_MESSAGE
    assert str(error.value).isprintable()
    assert error.value.fix
    return error.value


# ---- what is no run.yaml


HOSTILE = {
    b"seed: !!int foo": "line 1: the tag 'tag:yaml.org,2002:int' is not known here",
    b"\n!!python/object:os.system {}": "line 2: the tag",
    b"!x": "the tag '!x' is not known here",
    b"seed: 1\nseed: 2": "line 2: the key 'seed' is there twice, first in line 1",
    b"deployment:\n  sku: a\n  sku: b": "line 3: the key 'sku' is there twice, first in line 2",
    b"<<: {seed: 1}": "<< is not a key",
    b"seed: &a 1": "line 1: aliases",
    b"seed: *a": "line 1: aliases",
    b"&a {seed: 1}": "line 1: aliases",
    b"? [1]\n: 2": "line 1: a key is not a name",
    b"? {a: 1}\n: 2": "line 1: a key is not a name",
    b"1: 2": "line 1: 1 is not a key",
    b".nan: 2": "line 1: .nan is not a key",
    b"~: 2": "line 1: ~ is not a key",
    b'"": 2': "line 1:  is not a key",
    b"true: 2": "line 1: true is not a key",
    b"seed: 1\n---\nseed: 2": "line 2: a second document begins",
    b"deployment: {sku: {a: {b: 1}}}": "line 1: keys are nested too deeply",
    b"- seed": "holds no keys",
    b"text": "holds no keys",
    b"*a": "line 1: aliases",
    b"seed: 1\n\xff": "not YAML in line 2",
    b"seed: 1\x00": "not YAML",
    b'base_model: "\\ud800"': "",
    b'"\\ud800": 1': "",
    b'"a\\nb\\u202e": 1': "line 1: 'a\\nb\\u202e' is not a key",
    b"\x1b[31mseed: 1": "not YAML",
    b"seed: 1\n" * 200: "line 2: the key 'seed' is there twice",
    b"".join(b"a%d: 1\n" % n for n in range(300)): "more than all keys together need",
    b"k" * 1_000 + b": 1": "is not a key",
    b"#" * (LARGEST + 1): "64,001 bytes",
}


@pytest.mark.parametrize("loader", ["CSafeLoader", "SafeLoader"])
@pytest.mark.parametrize("run_yaml", HOSTILE, ids=lambda text: repr(text[:24]))
def test_what_is_no_run_yaml_is_refused_with_its_line(
    run_yaml: bytes, loader: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(yaml, "CSafeLoader", getattr(yaml, loader))
    assert HOSTILE[run_yaml] in refused(run_yaml).message


@pytest.mark.parametrize("run_yaml", [b"", b" \n\n", b"# later", b"---\n...\n", b"{}", b"~"])
def test_a_file_that_says_nothing_asks_for_nothing(run_yaml: bytes) -> None:
    assert effective(run_yaml, SETTINGS) == effective(None, SETTINGS)


def test_three_problems_are_told_and_the_rest_counted() -> None:
    error = refused(b"".join(b"wrong_key_%d: 1\n" % n for n in range(20)))
    assert error.message.count("is not a key") == 3
    assert error.message.endswith("And 17 more.")


# ---- what it takes


SHAPES: dict[str, Callable[[int], bytes]] = {
    "brackets": lambda n: b"seed: " + b"[" * n,
    "closed brackets": lambda n: b"seed: " + b"[" * (n // 2) + b"]" * (n // 2),
    "braces": lambda n: b"{" * n,
    "keys in braces": lambda n: b"{a: " * (n // 4),
    "dashes": lambda n: b"- " * (n // 2),
    "indented": lambda n: b"\n".join(b" " * i + b"a:" for i in range(int((2 * n) ** 0.5))),
    "double quotes": lambda n: b'seed: "' + b"x" * n + b'"',
    "not closed": lambda n: b'seed: "' + b"x" * n,
    "single quotes": lambda n: b"seed: '" + b"''" * (n // 2) + b"'",
    "escapes": lambda n: b'seed: "' + b"\\u0041" * (n // 6) + b'"',
    "anchors": lambda n: b"&a " * (n // 3),
    "a long anchor": lambda n: b"seed: &" + b"x" * n,
    "tags": lambda n: b"! " * (n // 2),
    "a long tag": lambda n: b"!" + b"x" * n,
    "question marks": lambda n: b"? " * (n // 2),
    "colons": lambda n: b": " * (n // 2),
    "comments": lambda n: b"#\n" * (n // 2),
    "a long comment": lambda n: b"#" * n,
    "unicode": lambda n: b"seed: " + "é".encode() * (n // 2),
    "a block": lambda n: b"seed: |\n" + b" x\n" * (n // 3),
    "a folded block": lambda n: b"seed: >\n" + b" x\n\n" * (n // 4),
    "a plain text": lambda n: b"seed: " + b"x " * (n // 2),
    "a text of many lines": lambda n: b"seed: " + b"x\n " * (n // 3),
    "keys": lambda n: b"".join(b"a%d: 1\n" % i for i in range(n // 9)),
    "a long key": lambda n: b"x" * n + b": 1",
    "a long quoted key": lambda n: b'"' + b"x" * n + b'": 1',
    "digits": lambda n: b"seed: " + b"9" * n,
    "blank lines": lambda n: b"\n" * n,
    "blanks": lambda n: b" " * n,
    "returns": lambda n: b"\r" * n,
    "documents": lambda n: b"---\n" * (n // 4),
    "directives": lambda n: b"%YAML 1.1\n" * (n // 10),
    "zeros": lambda n: b"\0" * n,
}


def tried(run_yaml: bytes) -> None:
    try:
        effective(run_yaml, SETTINGS)
    except DropError as error:
        assert len(str(error)) <= LONGEST_MESSAGE
        assert str(error).isprintable()


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("loader", ["CSafeLoader", "SafeLoader"])
def test_nothing_takes_long_and_nothing_grows_with_its_square(
    shape: str, loader: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Also where PyYAML comes without libyaml: there it may take some times as long."""
    monkeypatch.setattr(yaml, "CSafeLoader", getattr(yaml, loader))
    made = SHAPES[shape]
    for size in (2_000, 15_000):
        small, large = made(size)[:size], made(4 * size)[: 4 * size]
        assert too_slow(partial(tried, small), partial(tried, large), 0.001) is None
    largest = made(LARGEST)[:LARGEST]
    assert seconds(partial(tried, largest)) < (MOST_SECONDS if loader[0] == "C" else 0.5)


async def test_a_run_yaml_that_is_too_large_is_not_read(
    harness: RunHarness, monkeypatch: pytest.MonkeyPatch
) -> None:
    await harness.drop(b"#" * (LARGEST + 1), "run.yaml")
    await harness.drop_without_event()
    datasets, names = harness.ctx.clients.datasets, list[str]()
    stream = datasets.stream

    def streamed(name: str, etag: str) -> Any:
        names.append(name)
        return stream(name, etag)

    monkeypatch.setattr(datasets, "stream", streamed)
    await harness.tick()
    assert await harness.runs() == []
    assert harness.path("run.yaml") not in names
    explained = await harness.ctx.clients.datasets.read(harness.path("run.yaml.problem.txt"))
    assert explained
    assert b"64,001 bytes" in explained.data


@pytest.mark.parametrize(
    "run_yaml", [b"seed: !!int foo", b"seed: 2026-13-45", b"seed: " + b"9" * 5_000]
)
async def test_a_hostile_run_yaml_is_a_refused_drop_that_nobody_tries_again(
    harness: RunHarness, run_yaml: bytes
) -> None:
    await harness.drop(run_yaml, "run.yaml")
    await harness.drop_without_event()
    for _ in range(3):
        await harness.tick()
        await harness.pause(60)
    assert await harness.runs() == []
    path = harness.path("run.yaml.problem.txt")
    explained = await harness.ctx.clients.datasets.info(path)
    assert explained
    await harness.tick()
    again = await harness.ctx.clients.datasets.info(path)
    assert again == explained
    await harness.drop(b"seed: 1", "run.yaml")
    assert (await harness.received()).stage is Stage.RECEIVED
