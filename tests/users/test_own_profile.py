"""What people change about themselves, and what they are told of their own sign-ins."""

from datetime import timedelta

import pytest
import time_machine
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from idp.models import IdentityProvider
from tests.browsing import Browser, last_event
from tests.factories import OPERATOR, PASSWORD, make_administrator, make_person
from tests.users.support import VISITOR, as_person, refused
from users.audit import record
from users.errors import NameInvalid, PermissionRefused
from users.models import AuditEvent, State, User
from users.own_profile import ProfileManagedExternally, edit_own_profile
from users.own_sign_ins import recent_sign_ins, sign_in_before
from users.people_errors import PhoneNumberInvalid

pytestmark = pytest.mark.django_db


def test_a_person_changes_her_name_and_phone(ada: User) -> None:
    actor = as_person(ada)
    changed = edit_own_profile(actor=actor, display_name=" Ada  King ", phone_number="+44 20  7946 0958")
    ada.refresh_from_db()
    assert (changed.display_name, changed.phone_number) == ("Ada King", "+44 20 7946 0958")
    assert (ada.display_name, ada.phone_number) == ("Ada King", "+44 20 7946 0958")
    event = last_event(action="users.own_profile.changed")
    assert (event.actor_id, event.target_id) == (ada.pk, str(ada.pk))
    assert event.details == {
        "display_name": {"from": "Ada Lovelace", "to": "Ada King"},
        "phone_number": {"from": "", "to": "+44 20 7946 0958"},
    }
    edit_own_profile(actor=actor, display_name="Ada King", phone_number="+44 20 7946 0958")
    assert AuditEvent.objects.filter(action="users.own_profile.changed").count() == 1


def test_the_new_name_is_found(ada: User) -> None:
    edit_own_profile(actor=as_person(ada), display_name="Countess of Somewhere", phone_number="")
    ada.refresh_from_db()
    assert "countess" in ada.name_key


def test_what_cannot_be_kept_is_refused(ada: User) -> None:
    actor = as_person(ada)
    refused(NameInvalid, edit_own_profile, actor=actor, display_name="two\nlines", phone_number="")
    refused(PhoneNumberInvalid, edit_own_profile, actor=actor, display_name="Ada", phone_number="call me")
    assert last_event(action="users.own_profile.changed").error_code == "users.phone_number_invalid"
    ada.refresh_from_db()
    assert ada.display_name == "Ada Lovelace"


def test_nobody_without_a_person_has_a_profile() -> None:
    for actor in (OPERATOR, VISITOR):
        refused(PermissionRefused, edit_own_profile, actor=actor, display_name="Ada", phone_number="")


def test_what_a_provider_keeps_is_not_changed_here(ada: User, provider: IdentityProvider) -> None:
    error = refused(ProfileManagedExternally, edit_own_profile, actor=as_person(ada), display_name="A", phone_number="")
    assert error.code == "users.profile_managed_externally" and "Contoso Entra" in error.message
    assert last_event(action="users.own_profile.changed").error_code == error.code
    # Administrators are never federated.
    administrator = make_administrator()
    assert edit_own_profile(actor=as_person(administrator), display_name="G", phone_number="").display_name == "G"


# --- sign-ins -------------------------------------------------------------------------------------------------------


def test_sign_ins_that_worked_and_those_that_were_refused() -> None:
    ada = make_person("ada@contoso.example", password=PASSWORD)
    other = make_person("grace@contoso.example", password=PASSWORD)
    firefox = Browser(headers={"user-agent": "Mozilla/5.0 (X11; Linux) Firefox/140.0"}, REMOTE_ADDR="203.0.113.7")
    firefox.sign_in_with_password(ada)
    Browser(REMOTE_ADDR="203.0.113.9").post("/login/password/", {"email": "ADA@contoso.example", "password": "guess"})
    Browser(REMOTE_ADDR="203.0.113.9").post("/admin/login/", {"email": ada.company_email, "password": PASSWORD})
    Browser().sign_in_with_password(other)
    refusal, guess, success = recent_sign_ins(ada)
    assert (success.succeeded, success.address, success.browser, success.reason) == (
        True,
        "203.0.113.7",
        "Firefox on Linux",
        "",
    )
    assert (guess.succeeded, guess.address, guess.portal, guess.times) == (False, "203.0.113.9", "User Portal", 1)
    assert guess.reason == "That email and password did not work here."
    assert guess.reference == AuditEvent.objects.filter(error_code="portal.sign_in_failed").earliest("id").request_id
    assert refusal.portal == "Admin Portal" and not refusal.succeeded


def test_a_flood_of_guesses_is_one_line() -> None:
    ada = make_person("ada@contoso.example", password=PASSWORD)
    for _ in range(15):
        Browser().sign_in_with_password(ada, "guess")
    assert sum(line.times for line in recent_sign_ins(ada)) == 15
    assert max(line.times for line in recent_sign_ins(ada)) > 1


def test_what_was_typed_need_not_be_an_email() -> None:
    make_person("ada@contoso.example", password=PASSWORD)
    for email in ("", "nobody@contoso.example", "ad\u212a@contoso.example", "a" * 300, "a\x00@contoso.example"):
        answer = Browser().post("/login/password/", {"email": email, "password": "guess"})
        assert answer.status_code in {401, 422}
    assert not AuditEvent.objects.filter(action="portal.sign_in.failed").exclude(target_id="").exists()


def test_a_providers_answer_about_somebody_known(ada: User, provider: IdentityProvider) -> None:
    Browser().federated_sign_in()
    User.objects.filter(pk=ada.pk).update(state=State.SUSPENDED)
    Browser(REMOTE_ADDR="203.0.113.9").federated_sign_in()
    refusal, success = recent_sign_ins(ada)
    assert success.succeeded and not refusal.succeeded and refusal.address == "203.0.113.9"
    assert last_event(error_code="federation.person_suspended").target_label == "Ada Lovelace"


def test_the_newest_twenty_by_way_of_indexes(ada: User) -> None:
    for number in range(25):
        record("portal.sign_in.succeeded", actor=as_person(ada), target=ada, details={"browser": str(number)})
        record("users.session.ended", actor=as_person(ada))
        record("portal.sign_in.failed", actor=as_person(ada), error=NameInvalid())
    with CaptureQueriesContext(connection) as captured:
        found = recent_sign_ins(ada)
    assert [line.browser for line in found if line.succeeded] == [str(number) for number in range(24, 14, -1)]
    assert len(found) == 20 and len(captured) == 2
    assert all("LIMIT 20" in query["sql"] for query in captured.captured_queries)


def test_the_one_before(ada: User) -> None:
    now = timezone.now()
    assert sign_in_before(ada, now) is None
    for hours, outcome in ((3, "succeeded"), (2, "succeeded"), (1, "failed")):
        with time_machine.travel(now - timedelta(hours=hours), tick=False):
            error = NameInvalid() if outcome == "failed" else None
            record(f"portal.sign_in.{outcome}", actor=as_person(ada), target=ada, error=error)
    before = sign_in_before(ada, now)
    assert before is not None and now - before.at == timedelta(hours=2)
