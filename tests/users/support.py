"""What the tests of people share."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier
from typing import Any

import pytest
from django.db import connection

from users.audit import Actor
from users.errors import DirectoryError
from users.models import AuditEvent, User


def as_person(person: User, client_ip: str = "203.0.113.9") -> Actor:
    """Return the actor that a signed-in person is."""
    return Actor(person=person, label=person.label, client_ip=client_ip, request_id="AAAA-BBBB-CCCC")


VISITOR = Actor(person=None, label="visitor", client_ip="203.0.113.9", request_id="DDDD-EEEE-FFFF")


def refused(error: type[DirectoryError], act: Callable[..., Any], **arguments: Any) -> DirectoryError:
    """Run an act that must be refused with exactly this error, and return it."""
    with pytest.raises(error) as raised:
        act(**arguments)
    assert type(raised.value) is error
    return raised.value


def at_once(*acts: Callable[[], Any]) -> list[Any]:
    """Run acts at the same moment, each in a thread and a connection of its own; return results or refusals."""
    barrier = Barrier(len(acts))

    def run(act: Callable[[], Any]) -> Any:
        try:
            connection.ensure_connection()
            barrier.wait(timeout=20)
            return act()
        except DirectoryError as error:
            return error
        finally:
            connection.close()

    with ThreadPoolExecutor(len(acts)) as pool:
        return [future.result(timeout=60) for future in [pool.submit(run, act) for act in acts]]


def audit_rows(**filters: Any) -> list[tuple[str, str, str]]:
    """Return action, outcome and error code of the audit rows that fit, oldest first."""
    rows = AuditEvent.objects.filter(**filters).order_by("id")
    return list(rows.values_list("action", "outcome", "error_code"))
