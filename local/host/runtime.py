"""What all parts of a running host share: the app's functions, options, storage and calls."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from local.host.accounts import Accounts
from local.host.index import BlobTrigger, Function, HttpTrigger, TimerTrigger
from local.host.invoke import Invoker
from local.host.keys import FunctionKeys
from local.host.settings import Settings


@dataclass(frozen=True)
class Runtime:
    functions: Sequence[Function]
    settings: Settings
    keys: FunctionKeys
    accounts: Accounts
    invoker: Invoker

    def http(self) -> Iterator[tuple[Function, HttpTrigger]]:
        for item in self.functions:
            if isinstance(item.trigger, HttpTrigger):
                yield item, item.trigger

    def timers(self) -> Iterator[tuple[Function, TimerTrigger]]:
        for item in self.functions:
            if isinstance(item.trigger, TimerTrigger):
                yield item, item.trigger

    def blobs(self) -> Iterator[tuple[Function, BlobTrigger]]:
        for item in self.functions:
            if isinstance(item.trigger, BlobTrigger):
                yield item, item.trigger
