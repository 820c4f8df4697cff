"""An emulator of one Azure OpenAI resource, with a real (small) fine-tune behind it.

It stands on its own: it imports nothing of the product, so that a wrong idea of Azure in the
product cannot hide in its own test double. Comments name the source of each modelled quirk by its
key (S-AUTH, S-V1, S-ARM, S-FT, S-SKILL, ...); "[inferred]" marks what no source confirms.
"""
