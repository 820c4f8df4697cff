"""Azure on a laptop: storage, Azure OpenAI and the Functions host, and the stack that runs them."""
