"""An emulator of one Azure OpenAI resource, with a real (small) fine-tune behind it.

Its folders, from the top; each may import those below it, and `core` and `language` import neither
each other nor anything above:

    __main__        the command: arguments, port, signals
    app             puts the parts together
    data_plane      files, uploads, jobs, models, chat and what else is asked of a model, and the
                    worker that trains
    control_plane   deployments, the account, the catalog of base models
    middleware      in front of both planes: origin, journal, authentication, api-version, faults
    controls        /_emulator: clock, faults, settings, journal, reset, and a page
    core            what all of them use: store, clock, settings, faults, journal, errors
    language        the small model: its weights, how it answers, how it is trained

`data_plane` may import `control_plane`; `middleware` and `controls` import `core` only.

The package imports nothing of the project around it, so that a wrong idea of Azure in a client
cannot be repeated in its test double. Comments name the source of each modelled quirk by its key
(S-AUTH, S-V1, S-ARM, S-FT, S-SKILL, ...); "[inferred]" marks what no source confirms.
"""

__version__ = "0.1.0"

DEFAULT_KEY = "local-emulator-key"
