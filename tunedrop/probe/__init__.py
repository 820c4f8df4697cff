"""`tunedrop probe`: how an Azure OpenAI resource answers, beside what the emulator says."""
