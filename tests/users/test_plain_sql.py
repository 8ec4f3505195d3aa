"""Rows inserted as plain SQL are the rows that the ORM would insert, and one that is there stays as it is."""

import uuid
from datetime import UTC, datetime

import pytest
from django.contrib.sessions.backends.base import CreateError
from django.db import IntegrityError, connection, transaction

from tests.factories import make_person
from users.audit import operator, record
from users.models import AuditEvent, Outcome, UserSession
from users.plain_sql import insert, insert_if_new
from users.sessions import SessionStore

pytestmark = pytest.mark.django_db

NOON = datetime(2026, 11, 23, 12, tzinfo=UTC)


def test_a_row_comes_back_as_it_went_in() -> None:
    session = UserSession(
        session_key="k" * 40,
        session_data="data",
        expire_date=NOON,
        person=make_person("ada@contoso.example"),
        realm="user",
        provider_id=uuid.uuid4(),
        upstream_sid="sid",
        client_ip="2001:db8::1",
        user_agent="Mozilla %s 'quoted'",
        signed_in_at=NOON,
    )
    insert(session)
    stored = UserSession.objects.get(pk=session.pk)
    fields = [field.attname for field in UserSession._meta.concrete_fields]
    assert [getattr(stored, name) for name in fields] == [getattr(session, name) for name in fields]


def test_the_database_counts_and_json_stays_json() -> None:
    details = {"list": [1, "two", None], "text": "ä"}
    for _ in range(2):
        insert(AuditEvent(action="users.test", outcome=Outcome.SUCCESS, actor_label="a", details=details))
    newer, older = AuditEvent.objects.filter(action="users.test")
    assert newer.pk > older.pk
    assert newer.details == details


def test_a_row_that_is_there_stays_as_it_is() -> None:
    assert insert_if_new(UserSession(session_key="taken", session_data="first", expire_date=NOON))
    assert not insert_if_new(UserSession(session_key="taken", session_data="second", expire_date=NOON))
    with pytest.raises(IntegrityError), transaction.atomic():
        insert(UserSession(session_key="taken", session_data="third", expire_date=NOON))
    assert UserSession.objects.get(pk="taken").session_data == "first"


def test_an_audit_row_that_the_database_refuses_is_no_silent_loss() -> None:
    with connection.cursor() as cursor:
        cursor.execute("CREATE UNIQUE INDEX one_row_of_each_action ON users_auditevent (action)")
    record("users.test", actor=operator())
    with pytest.raises(IntegrityError), transaction.atomic():
        record("users.test", actor=operator())


def test_a_session_key_that_is_taken_is_not_taken_over() -> None:
    first = SessionStore()
    first["whose"] = "first"
    first.create()
    second = SessionStore(first.session_key)
    with pytest.raises(CreateError):
        second.save(must_create=True)
    assert SessionStore(first.session_key)["whose"] == "first"
