"""Disks as they go wrong: full ones and read-only ones, where this system lets a test have them."""

import os
import resource
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest


@contextmanager
def full(folder: Path) -> Iterator[Path]:
    """A folder that takes names and no byte."""
    with _mounted(folder, "size=16k"):
        with (folder / "filling").open("wb", buffering=0) as file:
            try:
                while file.write(b"\0" * 4096):
                    continue
            except OSError:
                pass
        yield folder


@contextmanager
def read_only(folder: Path) -> Iterator[Path]:
    """For root, who may write anywhere, a mount; for others, rights do."""
    if os.geteuid() == 0:
        with _mounted(folder, "ro"):
            yield folder
    else:
        folder.mkdir(mode=0o500)
        yield folder


@contextmanager
def odd(kind: str, path: Path) -> Iterator[Path]:
    """A folder for a stack that is none, or one that takes nothing."""
    if kind == "a file":
        path.touch()
        yield path
    elif kind == "below a file":
        path.touch()
        yield path / "state"
    elif kind == "a dangling link":
        path.symlink_to(path / "nowhere")
        yield path
    elif kind == "a circle of links":
        path.symlink_to(path)
        yield path
    elif kind == "a name too long":
        yield path / ("ü" * 200)
    elif kind == "a path too long":
        yield path.joinpath(*["long" * 50] * 30)
    elif kind == "read-only":
        with read_only(path) as folder:
            yield folder / "state"
    elif kind == "full":
        with full(path) as folder:
            yield folder
    else:
        path.mkdir()
        (path / kind).mkdir()
        (path / kind / "it").touch()
        yield path


@contextmanager
def _mounted(folder: Path, options: str) -> Iterator[None]:
    folder.mkdir()
    command = ["mount", "-t", "tmpfs", "-o", options, "tmpfs", str(folder)]
    if os.geteuid() != 0 or subprocess.run(command, capture_output=True).returncode != 0:
        pytest.skip("a file system can be mounted by root only")
    try:
        yield
    finally:
        subprocess.run(["umount", "--lazy", str(folder)], check=True)


def limit_files(size: int) -> None:
    """No file of this process gets larger, as on a full disk. For a process that ends soon."""
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, size))
