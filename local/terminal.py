"""Runs a module in the environment, with the terminal of dev.py. Standard library only."""

import os
import signal

from local import set_up, supervised


def run(*arguments: str) -> int:
    """`python -m ARGUMENTS`, to its end; its exit code.

    It gets the signals that this process gets and ends when this process is gone: nothing is left
    behind. Raises KeyboardInterrupt if a signal has ended it.
    """
    process = supervised.start_in_terminal(arguments, str(set_up.PYTHON), cwd=set_up.ROOT)
    passed: list[int] = []

    def pass_on(number: int, frame: object) -> None:
        passed.append(number)
        if os.name != "nt":  # there, all processes of a console get them
            process.send_signal(number)

    numbers = [n for n in supervised.INTERRUPTS if signal.getsignal(n) is not signal.SIG_IGN]
    before = {number: signal.signal(number, pass_on) for number in numbers}
    try:
        code = process.wait()
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
    if passed and code:
        raise KeyboardInterrupt
    return code if code >= 0 else 128 - code
