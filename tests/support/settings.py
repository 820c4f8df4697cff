"""Settings of an app that asks nobody."""

from shared.settings import Settings

SETTINGS = Settings.load(
    {
        "AZURE_OPENAI_ENDPOINT": "https://example.openai.azure.com",
        "AZURE_SUBSCRIPTION_ID": "s",
        "AZURE_RESOURCE_GROUP": "g",
        "AZURE_OPENAI_ACCOUNT": "a",
    }
)
