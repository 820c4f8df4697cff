"""Which HTTP sessions are open: one that nobody closes is a leak."""

import gc

from aiohttp import ClientSession


def open_sessions() -> set[int]:
    gc.collect()
    sessions = [item for item in gc.get_objects() if isinstance(item, ClientSession)]
    return {id(session) for session in sessions if not session.closed}
