"""The pipeline: everything that runs in Azure. Every arrow points down (see docs/design.md)."""
