"""SETTINGS > Organization: the limits of sessions and the retention of the audit log."""

import pytest

from tests.browsing import Browser, last_event
from tests.factories import make_administrator
from tests.users.support import as_person, refused
from users.errors import PermissionRefused
from users.models import AdminRole, AuditEvent, Organization, User
from users.organization import current, set_limits
from users.organization_errors import LimitOutOfRange

pytestmark = pytest.mark.django_db

URL = "/admin/settings/organization/"
SAVE = f"{URL}limits/"


def limits(idle: object = 60, absolute: object = 8, retention: object = 365) -> dict[str, object]:
    return {"session_idle_minutes": idle, "session_absolute_hours": absolute, "audit_retention_days": retention}


def test_until_somebody_changes_them_the_defaults_hold(admin_browser: Browser) -> None:
    assert not Organization.objects.exists()
    page = admin_browser.get(URL).content.decode()
    assert all(f'value="{value}"' in page for value in limits().values())
    assert not Organization.objects.exists()


def test_they_are_saved_and_audited(administrator: User, admin_browser: Browser) -> None:
    answer = admin_browser.post(SAVE, limits(idle=30, retention=90))
    assert (answer.status_code, answer["Location"]) == (302, URL)
    assert "The organization settings were saved." in admin_browser.get(URL).content.decode()
    now = current()
    assert (now.session_idle_minutes, now.session_absolute_hours, now.audit_retention_days) == (30, 8, 90)
    event = last_event(action="users.organization.limits_set")
    assert event.actor_id == administrator.pk
    assert event.details["session_idle_minutes"] == {"from": 60, "to": 30}
    assert event.details["audit_retention_days"] == {"from": 365, "to": 90}
    admin_browser.post(SAVE, limits(idle=30, retention=90))
    assert AuditEvent.objects.filter(action="users.organization.limits_set").count() == 1


@pytest.mark.parametrize(
    ("given", "field"),
    [
        (limits(idle=4), "session_idle_minutes"),
        (limits(idle=10_081), "session_idle_minutes"),
        (limits(idle="x"), "session_idle_minutes"),
        (limits(idle=""), "session_idle_minutes"),
        (limits(absolute=0), "session_absolute_hours"),
        (limits(absolute=721), "session_absolute_hours"),
        (limits(retention=29), "audit_retention_days"),
        (limits(retention=10**30), "audit_retention_days"),
    ],
)
def test_limits_that_make_no_sense_are_refused_beside_the_field(
    given: dict[str, object], field: str, admin_browser: Browser
) -> None:
    answer = admin_browser.post(SAVE, given)
    page = answer.content.decode()
    assert answer.status_code == 422 and f'href="#id_{field}"' in page and "Use a whole number from" in page
    assert not Organization.objects.exists()


@pytest.mark.parametrize(("name", "value"), [("session_idle_minutes", 4), ("audit_retention_days", 10**9)])
def test_the_service_refuses_them_too(name: str, value: int, administrator: User) -> None:
    error = refused(LimitOutOfRange, set_limits, actor=as_person(administrator), **{name: value})
    assert (error.code, error.field) == ("users.limit_out_of_range", name)
    assert last_event(action="users.organization.limits_set").error_code == error.code
    assert not Organization.objects.exists()


def test_who_may_only_read_sees_no_form() -> None:
    reader = Browser()
    reader.sign_in_as_administrator(make_administrator(AdminRole.READ_ONLY))
    page = reader.get(URL).content.decode()
    assert "60 minutes" in page and "8 hours" in page and "365 days" in page
    assert SAVE not in page
    actor = as_person(make_administrator(AdminRole.ADMINISTRATOR))
    refused(PermissionRefused, set_limits, actor=actor, session_idle_minutes=30)


def test_an_administrators_own_session_can_be_what_ends(administrator: User, admin_browser: Browser) -> None:
    from_before = current()
    assert from_before.session_absolute_hours == 8
    answer = admin_browser.post(SAVE, limits(idle=5, absolute=1))
    assert answer.status_code == 302 and admin_browser.is_administering
