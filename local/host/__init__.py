"""A small Azure Functions host for Python v2 apps, for machines without Core Tools.

It loads an app's `function_app.py`, unchanged, and gives it what `func start` would: HTTP routes,
timers, blob events and the `/admin` API, all in one process on one event loop. What it does not
know: anything about this project's own app, and any language or trigger besides those.
"""
