"""Shows a page in this machine's browser, where somebody could see it.

Whoever calls this prints the address as well: a browser that has started may still show nothing.
"""

import os
import sys
import webbrowser


def can_show() -> bool:
    """Not by SSH, where it would open elsewhere; nor without a screen, where `webbrowser` takes
    browsers for terminals, which would take this one over; nor where a program reads the output."""
    if not sys.stdout.isatty():
        return False
    if os.environ.get("BROWSER"):
        return True
    if "SSH_CONNECTION" in os.environ:
        return False
    if sys.platform in ("win32", "darwin"):
        return True
    return bool(os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY"))


def show(address: str) -> bool:
    """Whether a browser was started."""
    try:
        return can_show() and webbrowser.open(address)
    except (OSError, webbrowser.Error):
        return False
