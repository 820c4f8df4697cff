"""Models: the names that people chat with, their versions and the deployments that serve them."""
