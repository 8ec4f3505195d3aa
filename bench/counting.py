"""Database queries, transactions, and what is open while the provider is asked: from a contestant in this process.

`python -m bench.counting` with a job as JSON on standard input.
"""

import json
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import urllib3

from bench.in_process import InProcess
from bench.people import PEOPLE
from bench.phases import PHASES

# After `bench.in_process`, which sets Django up.
from django.db import connection  # isort: skip

WARM_UP = 2 * len(PEOPLE)
CONTROL = ("BEGIN", "COMMIT", "ROLLBACK", "SAVEPOINT", "RELEASE")
WRITES = ("INSERT", "UPDATE", "DELETE")
UPSTREAM = "-- request to the provider"


def run(job: dict[str, Any]) -> dict[str, Any]:
    """Return what one warm sign-in sends to the database, by phase, with the upstream requests in between."""
    browsers = InProcess(job["origin"], job["start"], job["provider_origin"], job["ca_file"])
    for _ in range(WARM_UP):
        browsers.sign_in()
    statements: dict[str, list[str]] = {}

    @contextmanager
    def watched(phase: str) -> Iterator[None]:
        # Django forgets the log when the next request begins, so that it holds this request's statements alone.
        connection.force_debug_cursor = True
        yield
        statements[phase] = [entry["sql"] or "" for entry in connection.queries_log]
        connection.force_debug_cursor = False

    with _noting_upstream():
        browsers.sign_in(watched)
    return {phase: counts_of(statements[phase]) for phase in PHASES}


def counts_of(statements: list[str]) -> dict[str, Any]:
    """Return the numbers of queries and transactions, and of upstream requests made while one was open.

    A write outside BEGIN and COMMIT is a transaction of its own; a read outside is none.
    """
    is_open, counts = False, {"queries": 0, "transactions": 0, "upstream": 0, "upstream_in_transaction": 0}
    for statement in statements:
        counts["transactions"] += statement.startswith("BEGIN") or (not is_open and statement.startswith(WRITES))
        if statement == UPSTREAM:
            counts["upstream"] += 1
            counts["upstream_in_transaction"] += is_open
        elif not statement.startswith(CONTROL):
            counts["queries"] += 1
        if statement.startswith(("BEGIN", "COMMIT")) or statement == "ROLLBACK":
            is_open = statement.startswith("BEGIN")
    return {**counts, "statements": statements}


@contextmanager
def _noting_upstream() -> Iterator[None]:
    """Note every outgoing request in the log of statements: all contestants send theirs through urllib3."""
    original = urllib3.connectionpool.HTTPConnectionPool.urlopen

    def urlopen(self: Any, *args: Any, **options: Any) -> Any:
        connection.queries_log.append({"sql": UPSTREAM, "time": "0"})
        return original(self, *args, **options)

    urllib3.connectionpool.HTTPConnectionPool.urlopen = urlopen  # type: ignore[method-assign]
    try:
        yield
    finally:
        urllib3.connectionpool.HTTPConnectionPool.urlopen = original  # type: ignore[method-assign]


if __name__ == "__main__":
    json.dump(run(json.load(sys.stdin)), sys.stdout)
