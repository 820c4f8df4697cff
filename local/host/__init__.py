"""A small Azure Functions host for Python v2 apps, for machines without Core Tools.

It loads an app's `function_app.py`, unchanged, and gives it what the host in Azure would: HTTP
routes, timers, blobs by events or by looking for them, keys and the `/admin` API, all in one
process on one event loop. Of the programming model it takes what this project's app is made of:
functions with and without `async`, the FastAPI extension's requests and answers, the storage SDK's
clients. It does not take classic requests, streams of blobs or route constraints (`{id:int}`), and
knows no other trigger and nothing of the app itself.
"""
