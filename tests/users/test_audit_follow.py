"""Following the log: every row once, also where a transaction ends after a later one."""

import time
from threading import Event

import pytest
from django.db import connection, transaction

from tests.factories import OPERATOR
from tests.users.support import at_once
from users import audit_follow
from users.audit import record
from users.audit_filter import AuditFilter
from users.audit_follow import Follower

pytestmark = pytest.mark.django_db(transaction=True)


def new(follower: Follower) -> list[str]:
    return [event.action for event in follower.look()]


def test_new_rows_are_seen_once_and_old_ones_never() -> None:
    record("old", actor=OPERATOR)
    follower = Follower.from_now(AuditFilter())
    assert new(follower) == []
    record("one", actor=OPERATOR), record("two", actor=OPERATOR)
    assert new(follower) == ["one", "two"]
    record("three", actor=OPERATOR)
    assert new(follower) == ["three"] and new(follower) == []


def test_the_filter_holds() -> None:
    follower = Follower.from_now(AuditFilter(action="idp"))
    record("users.x", actor=OPERATOR), record("idp.y", actor=OPERATOR)
    assert new(follower) == ["idp.y"] and new(follower) == []


def test_a_row_that_is_rolled_back_is_never_seen() -> None:
    follower = Follower.from_now(AuditFilter())
    with pytest.raises(ZeroDivisionError), transaction.atomic():
        record("undone", actor=OPERATOR)
        raise ZeroDivisionError
    record("done", actor=OPERATOR)
    assert new(follower) == ["done"] and new(follower) == []


@pytest.mark.parametrize("grace", [0.0, 60.0])
def test_a_row_of_a_transaction_that_ends_later_is_not_missed(grace: float, monkeypatch: pytest.MonkeyPatch) -> None:
    """On PostgreSQL "slow" has the lower number and appears after "quick". SQLite lets the second writer wait."""
    monkeypatch.setattr(audit_follow, "GRACE_SECONDS", grace)
    follower = Follower.from_now(AuditFilter())
    written, seen = Event(), Event()
    together = connection.vendor == "postgresql"

    def slow() -> None:
        with transaction.atomic():
            record("slow", actor=OPERATOR)
            written.set()
            if together:
                assert seen.wait(20)

    def quick() -> list[str]:
        assert written.wait(20)
        record("quick", actor=OPERATOR)
        looked = [name for _ in range(4) for name in new(follower)]
        seen.set()
        return looked

    _, first = at_once(slow, quick)
    if together:
        assert first == ["quick"]
    rest = [name for _ in range(4) for name in new(follower)]
    assert sorted(first + rest) == ["quick", "slow"]


def test_what_is_settled_is_forgotten(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(audit_follow, "GRACE_SECONDS", 0.0)
    follower = Follower.from_now(AuditFilter())
    seen = []
    for number in range(20):
        record(f"n.{number}", actor=OPERATOR)
        seen += new(follower)
    # Transactions of others, in whatever database of the server, hold the floor down until they end.
    ends_at = time.monotonic() + 60
    while follower._seen and time.monotonic() < ends_at:
        assert new(follower) == []
    assert seen == [f"n.{number}" for number in range(20)]
    assert not follower._seen and not follower._marks
