#!/usr/bin/env python3
"""Everything a contributor or a newcomer runs, on any machine that has Python 3.11 to 3.14.

    python3 dev.py demo      drop a dataset, watch it train, chat with the tuned model
    python3 dev.py up        the same stack, left running (--otel: its spans, metrics and logs)
    python3 dev.py setup     what all of them need, and nothing else
    python3 dev.py test      the test suite
    python3 dev.py check     format, lint, types, security rules, infra/ against Microsoft's models
    python3 dev.py docs      the pages that are made from code (--site: all pages as a site)
    python3 dev.py pictures  the pictures of the console, of a stack that runs
    python3 dev.py prices    the table of prices, from a published snapshot (--check: show only)
    python3 dev.py lock      requirements.txt anew, from pyproject.toml (--upgrade: newer versions)
    python3 dev.py bench     benchmarks beside their peers
    python3 dev.py mutants   deliberate faults, each with the tests that must notice it
    python3 dev.py simulate  whole lives of runs in memory, made of seeds: --seeds N

Each has a --help that does nothing else. Standard library only. Installs what is missing into
.venv, writes to .local, and touches nothing else but the
caches of pip and npm. What a command does once it is
set up is in local/, docs/generate/ and tests/; how it is set up, in local/set_up.py.
"""

from __future__ import annotations  # so that an old Python can say that it is too old

import argparse
import inspect
import os
import sys
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

ROOT = Path(__file__).resolve().parent
SAFE = ["function_app.py", "shared", "tunedrop"]  # what bandit reads: what others can reach
# Which tests share a process, and so what they set up, is in tests/conftest.py.
# One more than there are processors, for tests also wait.
PROCESSES = min(4, (os.cpu_count() or 1) + 1)
SIDE_BY_SIDE = ["--numprocesses", str(PROCESSES), "--dist", "loadscope", "--no-loadscope-reorder"]
ALONE = ["--last-failed", "--last-failed-no-failures", "none", "--maxfail", "10"]
TESTS_FAILED = 1  # of pytest's exit codes


# ---- the commands


def demo(arguments: list[str]) -> int:
    from local import options, set_up

    options.demo().parse_args(arguments)  # its --help, before anything is installed
    set_up.set_up(weights=True)
    return run("local.demo", *arguments)


def up(arguments: list[str]) -> int:
    from local import options, set_up

    options.up().parse_args(arguments)
    set_up.set_up(weights=True)
    return run("local.up", *arguments)


def setup(arguments: list[str]) -> int:
    """Set up what the other commands need, and do nothing else: for an image, a container, a cache.

    They do it themselves otherwise. TUNEDROP_TORCH_INDEX names the index that PyTorch is taken
    from, or `pip` for pip's own; otherwise it is, on Linux, that of wheels for the CPU.
    """
    parser = parser_of(setup)
    parser.add_argument("--tests", action="store_true", help="also what the tests and checks need")
    tests = parser.parse_args(arguments).tests
    from local import set_up

    set_up.set_up(tests=tests, weights=True)
    return 0


def test(arguments: list[str]) -> int:
    """Run the tests: all of them, in up to four processes, or those that the arguments name.

    Arguments go to pytest: `dev.py test tests/chat -k limits`. Each process has a stack of its own,
    in a temporary folder and on free ports; what is kept between runs is in .local. What fails
    among all is run once more, alone: it may have waited in vain on a busy machine. Both are
    printed.
    """
    parser = parser_of(test)
    parser.add_argument("arguments", nargs="*", help="of pytest (`dev.py test -- --help` has them)")
    if arguments[:1] == ["--"]:
        arguments = arguments[1:]
    elif {"-h", "--help"} & set(arguments):
        parser.parse_args(["--help"])
    from local import set_up

    set_up.set_up(tests=True)
    os.environ.pop("PYTHONDONTWRITEBYTECODE", None)  # hundreds of processes would compile the same
    if arguments:
        return run("pytest", *arguments)
    code = run("pytest", *SIDE_BY_SIDE)
    return run("pytest", *ALONE) if code == TESTS_FAILED else code


def check(arguments: list[str]) -> int:
    """Check format, lint, types, security rules, the pages made from code (as `dev.py docs` does),
    and infra/ against Microsoft's models.

    Writes nothing without --fix but caches and, for infra/, environments in .local. Takes minutes.
    """
    parser = parser_of(check)
    parser.add_argument("--fix", action="store_true", help="write what can be corrected by itself")
    fix = parser.parse_args(arguments).fix
    from local import set_up

    set_up.set_up(tests=True)
    steps = [
        ["ruff", "format", *([] if fix else ["--check"])],
        ["ruff", "check", *(["--fix"] if fix else [])],
        ["mypy"],
        ["bandit", "-q", "-c", "pyproject.toml", "-r", *SAFE],
        ["docs.generate", *([] if fix else ["--check"])],
        ["pytest", "--quiet", "tests/infra/long"],
    ]
    return max(run(*step) for step in steps)


def docs(arguments: list[str]) -> int:
    """Make the pages in docs/ that are made from code, each by its module in docs/generate/.

    With --site: all pages as a site in .local/site, to be read without a network. Installs
    mkdocs-material, of the extra `site`.
    """
    parser = parser_of(docs)
    parser.add_argument("--check", action="store_true", help="write nothing; exit 1 if one is old")
    parser.add_argument("--site", action="store_true", help="make a site of all pages")
    site = parser.parse_args(arguments).site
    from local import set_up

    set_up.set_up()
    if site:
        set_up.pip("install", *set_up.pyproject()["project"]["optional-dependencies"]["site"])
        return run("docs.site")
    return run("docs.generate", *arguments)


def pictures(arguments: list[str]) -> int:
    """Take the pictures of the console in docs/pictures/, of a stack that runs the demo.

    Uses the stack that runs here, or one for as long as it takes; needs Chromium or Chrome.
    """
    parser_of(pictures).parse_args(arguments)
    from local import set_up

    set_up.set_up(tests=True)
    return run("docs.pictures")


def prices(arguments: list[str]) -> int:
    """Make shared/catalog/prices.py anew and show the difference.

    Made from the snapshot of Azure's retail prices in the package azure-genai-prices, whose version
    pyproject.toml names: for newer prices, name a newer one there first.
    """
    parser = parser_of(prices)
    parser.add_argument("--check", action="store_true", help="write nothing; exit 1 if it is old")
    parser.parse_args(arguments)
    from local import set_up

    set_up.set_up(tests=True)
    return run("docs.price_table", *arguments)


def lock(arguments: list[str]) -> int:
    """Write requirements.txt, which Azure installs: all versions, each with its hashes.

    Made from pyproject.toml: the extra `app`, and `dependencies` but for what a terminal needs.
    """
    parser = parser_of(lock)
    parser.add_argument("--upgrade", action="store_true", help="take newer versions where allowed")
    parser.parse_args(arguments)
    from local import private, set_up

    set_up.set_up(tests=True)
    listed = private.make_folder(set_up.LOCAL) / "shipped.in"
    private.write_text(listed, "\n".join(set_up.shipped()) + "\n")
    compiling = ["uv", "pip", "compile", "--quiet", "--no-annotate", "--generate-hashes"]
    everywhere = ["--universal", "--python-version", "3.11", *arguments]
    named = ["--custom-compile-command", "python3 dev.py lock", str(listed.relative_to(ROOT))]
    return run(*compiling, *everywhere, *named, "--output-file", "requirements.txt")


def bench(arguments: list[str]) -> int:
    """Run benchmarks, each beside its peers, and print their figures.

    `dev.py bench NAME --help` says what one takes. Nothing is written without --save, which puts
    the figures in bench/results/NAME.json. Without a name all of them run, one after the other.
    """
    from bench.options import BENCHES, parser

    own = parser_of(bench)
    own.add_argument("name", nargs="?", choices=BENCHES, help="which one; all of them, without")
    own.add_argument("--save", action="store_true", help="write the figures")
    if arguments and arguments[0] in BENCHES:
        parser(arguments[0]).parse_args(arguments[1:])
        names, options = arguments[:1], arguments[1:]
    else:
        own.parse_args(arguments)
        names, options = list(BENCHES), arguments
    from local import set_up

    set_up.set_up(tests=True)
    return max(run(f"bench.{name}", *options) for name in names)


def mutants(arguments: list[str]) -> int:
    from local import set_up
    from tests.mutants import options

    tool = options.parser().parse_args(arguments).tool
    set_up.set_up(tests=True, mutation=tool)
    return run("tests.mutants", *arguments)


def simulate(arguments: list[str]) -> int:
    from local import set_up
    from tests.simulation import options

    options.simulate().parse_args(arguments)
    set_up.set_up(tests=True)
    return run("tests.simulation", *arguments)


COMMANDS: dict[str, Callable[[list[str]], int]] = {
    command.__name__: command
    for command in (
        demo,
        up,
        setup,
        test,
        check,
        docs,
        pictures,
        prices,
        lock,
        bench,
        mutants,
        simulate,
    )
}


def parser_of(command: Callable[[list[str]], int]) -> argparse.ArgumentParser:
    return argparse.ArgumentParser(
        prog=f"dev.py {command.__name__}",
        description=inspect.getdoc(command),
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )


# ---- running things


def run(*arguments: str) -> int:
    from local import terminal

    return terminal.run(*arguments)


def main() -> int:
    if not (3, 11) <= sys.version_info < (3, 15):
        print("Tunedrop needs Python 3.11 to 3.14; this is", sys.version.split()[0])
        return 2
    from local import errors, steps, supervised

    name, *arguments = sys.argv[1:] or ["help"]
    if name not in COMMANDS:
        print(__doc__)
        return 0 if name in ("help", "-h", "--help") else 2
    supervised.interrupt_on_signals()
    try:
        return COMMANDS[name](arguments)
    except steps.SetUpError as error:
        print(f"dev.py: {error}", file=sys.stderr)
        return 1
    except OSError as error:  # a full disk, no rights
        print(f"dev.py: {errors.sentence(error)}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        with suppress(OSError):  # the terminal may be gone
            print("\nstopped; run the same command to go on from here", file=sys.stderr)
        return 130


if __name__ == "__main__":
    sys.exit(main())
