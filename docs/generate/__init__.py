"""The pages of docs/ that are made from the code. Each module has `page() -> str`.

Nothing of this ships: the app knows nothing of its pages.
"""
