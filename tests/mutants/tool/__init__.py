"""mutmut over the pure modules: `dev.py mutants --tool`.

modules.toml says which modules, each with its narrow tests; equivalent.toml which changes nothing
can notice, each with the reason; figures.json how many more are known to survive. One beyond them
fails the run.
"""
