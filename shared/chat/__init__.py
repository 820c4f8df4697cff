"""Chat: one endpoint in OpenAI's wire format in front of every model."""
