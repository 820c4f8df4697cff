"""A small Azure Functions host for Python v2 apps, for machines without Core Tools.

It loads an app's `function_app.py`, unchanged, and gives it what `func start` would: HTTP routes,
timers, blob events and the `/admin` API, all in one process on one event loop. It takes what the
programming model offers for these triggers: functions with and without `async`, `context`,
InputStream and SDK clients, the FastAPI extension and the classic HttpRequest. It does not take
route constraints (`{id:int}`), and knows no other trigger, no other language and nothing of this
project's own app.
"""
