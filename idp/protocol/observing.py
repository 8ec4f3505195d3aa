"""Telling somebody outside how long a provider took. Protocol code knows no metrics: it is handed whom to tell."""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from users.errors import DirectoryError

# What a request is for.
DISCOVERY, JWKS, TOKEN, OTHER = "discovery", "jwks", "token", "other"


@dataclass
class Exchange:
    """One request to a provider.

    Attributes:
        endpoint: what it was for: DISCOVERY, JWKS, TOKEN or OTHER.
        outcome: the class of the answer's status, such as `2xx`, or the code of the error that came in its place.
    """

    endpoint: str
    outcome: str = ""
    seconds: float = 0.0

    def answered(self, status: int) -> None:
        """Note the status of the answer."""
        self.outcome = f"{status // 100}xx"


Observer = Callable[[Exchange], None]


def nobody(exchange: Exchange) -> None:
    """Do nothing: where nobody wants to know."""


@contextmanager
def observed(observer: Observer, endpoint: str) -> Iterator[Exchange]:
    """Time what happens in the block and tell the observer, however it ends."""
    exchange, started = Exchange(endpoint), time.monotonic()
    try:
        yield exchange
    except DirectoryError as error:
        exchange.outcome = error.code
        raise
    finally:
        exchange.seconds = time.monotonic() - started
        observer(exchange)
