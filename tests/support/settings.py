"""Settings of an app that reaches nothing: for rules, and for runs in memory."""

from shared.settings import Settings

ENVIRON = {
    "AZURE_OPENAI_ENDPOINT": "https://example.openai.azure.com",
    "AZURE_SUBSCRIPTION_ID": "s",
    "AZURE_RESOURCE_GROUP": "g",
    "AZURE_OPENAI_ACCOUNT": "a",
}
SETTINGS = Settings.load(ENVIRON)
# Of runs moved by hand: a drop is complete at once, and each tick sweeps.
BY_HAND = {"TUNEDROP_QUIET_SECONDS": "0.1", "TUNEDROP_SWEEP_SECONDS": "0"}
IN_MEMORY = Settings.load({**ENVIRON, **BY_HAND, "TUNEDROP_BACKOFF_SECONDS": "0.05"})
