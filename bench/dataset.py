"""The dataset check beside others: the same file, one core, a fresh process for each run.

`python3 dev.py bench dataset`. together's checker comes from
PyPI, into an environment of its own, and is left out where that fails. MB are millions of the
file's bytes.
"""

import json
import os
import platform
import resource
import subprocess
import sys
import tempfile
import time
import venv
from importlib.metadata import version
from pathlib import Path
from typing import Any

from bench import options
from bench.checkers import profile
from bench.checkers.contenders import RUNS, TOGETHER
from bench.checkers.files import write

ROOT = Path(__file__).resolve().parents[1]
COMPARED_MB = 64
CURVE_MB = (1, 10, 64, 256, 512)
ROUNDS = 5
CLOCK_ROUNDS = 2  # of the largest file
STRUCTURE = "ours, structure only"  # beside together's, on its file
NOTEBOOK = "notebook: json.loads, tiktoken twice"
PICTURE = ROOT / "docs/dataset-check-time.svg"


# ---- one run


def run(name: str, path: Path, python: str = sys.executable, cores: str = "") -> dict[str, float]:
    command = [python, "-m", "bench.checkers.contenders", name, str(path), cores]
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


# ---- the whole


def main() -> int:
    wanted = options.parser("dataset").parse_args()
    cores = pin_to_one_core()
    if wanted.profile:
        return _draw()
    with tempfile.TemporaryDirectory(prefix="tunedrop-bench-") as folder:
        result = measure(Path(folder), cores)
    for row in [*result["compared"], *result["curve"], *result["two_cores"]["rows"]]:
        print(
            f"{row['name']:<48} {row['mb']:>6} MB {row['mb_per_second']:>7} MB/s "
            f"{row['peak_mb']:>5} MB of memory"
        )
    options.tell("dataset", result, wanted.save)
    return 0


def _draw() -> int:
    with tempfile.TemporaryDirectory(prefix="tunedrop-bench-") as folder:
        path = Path(folder) / "profiled.jsonl"
        write(path, COMPARED_MB)
        found = {name: profile.seconds(path, deep) for name, deep in profile.WAYS.items()}
    PICTURE.write_text(profile.drawn(found), encoding="utf-8")
    print(json.dumps(found, indent=2), f"written: {PICTURE.relative_to(ROOT)}", sep="\n")
    return 0


def measure(folder: Path, cores: set[int]) -> dict[str, Any]:
    load = [round(load, 2) for load in os.getloadavg()]
    compared = _compared(folder)
    waited = _waited(folder / "compared.jsonl", cores)
    curve = []
    for size in CURVE_MB:
        path = folder / f"{size}.jsonl"
        write(path, size, seed=size)
        rounds = ROUNDS if size < 200 else 1
        runs = [run("ours, everything", path) for _ in range(rounds)]
        curve.append(best("ours, everything", path, runs))
        if size == CURVE_MB[-1]:
            two_cores = _two_cores(path, runs, cores)
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
        "waited": waited,
        "curve": curve,
        "two_cores": two_cores,
        "only_tools": best("ours, everything", tools, only_tools),
        "command_line_10_mb": _command_line(folder),
    }


def _waited(path: Path, cores: set[int]) -> dict[str, Any]:
    """How long people wait for each where it may use all cores, by the clock; the notebook's way
    uses one."""
    names = [name for name in RUNS if name.startswith("ours") and name != STRUCTURE]
    runs: dict[str, list[float]] = {name: [] for name in [*names, NOTEBOOK]}
    for _ in range(ROUNDS):
        for name, seconds in runs.items():
            seconds.append(run(name, path, cores=",".join(map(str, cores)))["seconds"])
    least = {name: round(min(seconds), 3) for name, seconds in runs.items()}
    return {
        "seconds_on_the_clock": least,
        "times": {name: round(least[NOTEBOOK] / least[name], 1) for name in names},
    }


def _two_cores(path: Path, alone: list[dict[str, float]], cores: set[int]) -> dict[str, Any]:
    """The largest file by the clock, on one core and on all that there are. The seconds of the
    processor and the rate are of the first process alone; the memory is of both."""
    runs: dict[str, list[dict[str, float]]] = {"one core": [*alone], "two cores": []}
    for _ in range(CLOCK_ROUNDS):
        runs["two cores"].append(run("ours, everything", path, cores=",".join(map(str, cores))))
        runs["one core"].append(run("ours, everything", path))
    rows = [{**best("ours, everything", path, found), "name": name} for name, found in runs.items()]
    one, two = (row["seconds_on_the_clock"] for row in rows)
    return {"cores": len(cores), "rows": rows, "share": round(two / one, 2)}


def _compared(folder: Path) -> list[dict[str, Any]]:
    """All of them in turns, so that a busy moment of the machine meets each alike."""
    path, without_tools = folder / "compared.jsonl", folder / "without-tools.jsonl"
    write(path, COMPARED_MB)
    write(without_tools, COMPARED_MB, tools=0)  # together refuses tools
    python = _together(folder)
    runs: dict[str, list[dict[str, float]]] = {}
    for _ in range(ROUNDS):
        for name in RUNS:
            if name == STRUCTURE:
                runs.setdefault(name, []).append(run(name, without_tools))
            elif not name.startswith("together"):
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
    ours = [name for name in speed if name.startswith("ours")]
    return {
        f"{mine} / {other}": round(speed[mine] / speed[other], 1)
        for other in speed
        for mine in ours
        if other not in ours
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
            cwd=ROOT,
            capture_output=True,
            check=True,
            env=_environment(),
        )
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
        clock.append(time.perf_counter() - began)
        cpu.append(after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime)
    return {"seconds": round(min(cpu), 2), "seconds_on_the_clock": round(min(clock), 2)}


def _environment() -> dict[str, str]:
    """As it is where people work: Python keeps what it has compiled."""
    return {k: v for k, v in os.environ.items() if k != "PYTHONDONTWRITEBYTECODE"}


def pin_to_one_core() -> set[int]:
    """What is started later inherits it. Not every system can. The cores that there were."""
    if not hasattr(os, "sched_setaffinity"):
        return set()
    before = os.sched_getaffinity(0)
    os.sched_setaffinity(0, {max(before)})
    return before


def _processor() -> str:
    info = Path("/proc/cpuinfo")
    lines = info.read_text().splitlines() if info.exists() else []
    names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else platform.processor()


if __name__ == "__main__":
    sys.exit(main())
