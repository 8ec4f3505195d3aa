"""What the HTTP client is told, and what it hands out."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class HttpPolicy:
    """What a client may call, and how long and how much it waits for.

    Attributes:
        insecure_origins: exact origins that are exempt from https and from the address check (practice and tests).
        private_hosts: hosts that may resolve to private addresses, over https still.
        ca_file: trust only these certificate authorities, in place of the system's.
    """

    insecure_origins: frozenset[str] = frozenset()
    private_hosts: frozenset[str] = frozenset()
    ca_file: str | None = None
    connect_timeout: float = 3.0
    read_timeout: float = 5.0
    total_timeout: float = 8.0
    max_bytes: int = 262144


@dataclass(frozen=True)
class JsonResponse:
    """An answer with a JSON object, whatever its status; header names are lower-cased."""

    status: int
    body: dict[str, Any]
    headers: Mapping[str, str]
    elapsed_ms: int
