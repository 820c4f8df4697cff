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
