"""From a host to addresses that may be called: looked up once, within the deadline, and checked (SSRF, rebinding)."""

import queue
import threading
from collections.abc import Callable
from typing import Any

from idp.protocol import errors
from idp.protocol.addresses import is_allowed
from idp.protocol.budget import BUDGET
from idp.protocol.http_types import HttpPolicy
from idp.protocol.urls import UrlParts, is_insecure_origin

# Takes host and port, answers as getaddrinfo does.
LookUp = Callable[[str, int], list[tuple[Any, ...]]]
# An address family, and an address as a socket takes it.
Address = tuple[int, tuple[Any, ...]]


class CheckedResolver:
    """Knows where requests may go."""

    def __init__(self, policy: HttpPolicy, look_up: LookUp) -> None:
        self._policy = policy
        self._look_up = look_up
        self._private_hosts = frozenset(host.lower().rstrip(".") for host in policy.private_hosts)

    def addresses(self, parts: UrlParts) -> list[Address]:
        """The addresses of a host, all of which may be called."""
        addresses = self._resolve(parts)
        if not is_insecure_origin(parts, self._policy.insecure_origins):
            private = parts.host in self._private_hosts
            found = [str(address[0]) for _, address in addresses]
            refused = [address for address in found if not is_allowed(address, private=private)]
            # One bad address refuses the name: an honest public provider has none.
            if refused:
                raise errors.AddressBlocked(host=parts.host, address=refused[0], found=found, refused=refused)
        return addresses

    def _resolve(self, parts: UrlParts) -> list[Address]:
        answers: queue.SimpleQueue[list[tuple[Any, ...]]] = queue.SimpleQueue()

        def look_up() -> None:
            try:
                answers.put(self._look_up(parts.host, parts.port))
            except (OSError, UnicodeError):
                answers.put([])

        # getaddrinfo takes no timeout and may block for half a minute: it blocks a thread of its own.
        threading.Thread(target=look_up, name="gatehouse-resolver", daemon=True).start()
        try:
            found = answers.get(timeout=BUDGET.seconds(self._policy.connect_timeout))
        except queue.Empty:
            raise errors.HttpTimeout(host=parts.host) from None
        if not found:
            raise errors.NameNotResolved(host=parts.host)
        return [(entry[0], entry[4]) for entry in found]
