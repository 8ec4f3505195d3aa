"""Acts with large consequences ask once more who sits there: one table of them, and the page that asks."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta

import pytest
import time_machine
from django.http import HttpResponse
from django.utils import timezone

from idp.models import IdentityProvider
from portal.admin_portal import urls as admin_urls
from tests.browsing import Browser, assert_refused, error_code, last_event, parameters
from tests.entra_tenant import PracticeTenant
from tests.factories import PASSWORD, make_administrator, make_provider
from tests.portal.test_permission_matrix import knock, visitor
from users.models import AdminRole, User

pytestmark = pytest.mark.django_db

# What is guarded, and to which page a form leads back that came too late: its own address where there is no other.
GUARDED = {
    "add_identity_provider": "",
    "edit_identity_provider": "",
    "activate_identity_provider": "",
    "deactivate_identity_provider": "",
    "delete_identity_provider": "",
    "discard_identity_provider": "identity_provider",
    "identity_provider_credentials": "",
    "add_next_secret": "identity_provider_credentials",
    "promote_next_secret": "identity_provider_credentials",
    "discard_next_secret": "identity_provider_credentials",
    "new_certificate": "identity_provider_credentials",
    "promote_certificate": "identity_provider_credentials",
    "discard_certificate": "identity_provider_credentials",
    "pre_link": "",
    "resolve_pending_link": "",
    "dismiss_pending_link": "identity_provider_links",
    "restore_pending_link": "identity_provider_links",
    "unlink": "",
    "forget_links": "",
    "map_links": "",
    "authenticator_app": "",
    "remove_authenticator_app": "second_factor",
    "add_passkey": "",
    "remove_passkey": "second_factor",
    "recovery_codes": "",
    "set_second_factor_rule": "organization",
    "reset_person_factor": "person_sign_in",
    "invite_administrator": "",
    "invite_administrator_again": "administrator",
    "send_administrator_reset": "administrator",
    "administrator_role": "",
    "set_administrator_role": "administrator_role",
    "administrator_removal": "",
    "remove_administrator": "administrator_removal",
}
# Forms of the provider area that change nothing: they ask the provider, and note the answer.
CHANGES_NOTHING = {
    "test_new_identity_provider",
    "test_edited_identity_provider",
    "test_identity_provider",
    "rehearse_identity_provider",
}
CONFIRM = "/admin/confirm/"


def stored(provider: IdentityProvider) -> dict[str, object]:
    """Return what any change of a provider changes."""
    return IdentityProvider.objects.values("revision", "status", "updated_at").get(pk=provider.pk)


@contextmanager
def after(minutes: float) -> Iterator[None]:
    """Be so much later, in a session that was used meanwhile."""
    with time_machine.travel(timezone.now() + timedelta(minutes=minutes), tick=False):
        yield


@pytest.fixture
def draft(tenant: PracticeTenant) -> IdentityProvider:
    """A provider that every address can be about."""
    return make_provider(tenant, active=False)


def test_the_table_has_everything_that_is_guarded() -> None:
    marked = {
        pattern.name: pattern.callback.form_page.removeprefix("admin_portal:")
        for pattern in admin_urls.urlpatterns
        if hasattr(pattern.callback, "needs_fresh_authentication")
    }
    assert marked == GUARDED


def test_everything_that_changes_a_provider_is_in_the_table(draft: IdentityProvider) -> None:
    browser = visitor("billing")
    area = [pattern.name for pattern in admin_urls.urlpatterns if "identity-providers/" in str(pattern.pattern)]
    takes_forms = {name for name in area if knock(browser, "POST", name, draft).status_code != 405}
    assert takes_forms - CHANGES_NOTHING == {name for name in GUARDED if name in area} - {
        "identity_provider_credentials"
    }


@pytest.mark.parametrize("name", GUARDED)
def test_a_session_that_is_not_fresh_does_not_get_through(name: str, draft: IdentityProvider) -> None:
    browser = visitor("billing")
    before = stored(draft)
    with after(10.1):
        for method in ("GET", "POST"):
            answer = knock(browser, method, name, draft)
            if answer.status_code == 405:
                continue
            assert answer.status_code == 302 and answer["Location"].startswith(f"{CONFIRM}?next="), method
            query = parameters(answer["Location"])
            assert query.get("again") == ("1" if method == "POST" else None)
            if method == "POST":
                assert last_event(action="portal.request.refused").error_code == "portal.confirmation_needed"
                browser.post(CONFIRM, {"password": PASSWORD})
                assert browser.get(query["next"]).status_code in {200, 302}, "the form's page opens"
    assert stored(draft) == before


@pytest.mark.parametrize("role", [AdminRole.ADMINISTRATOR, AdminRole.READ_ONLY])
def test_readers_are_not_asked_where_there_is_no_form(role: AdminRole, draft: IdentityProvider) -> None:
    browser = visitor(role.value)
    with after(30):
        assert knock(browser, "GET", "identity_provider_credentials", draft).status_code == 200


def test_what_she_may_not_do_she_is_not_asked_for(draft: IdentityProvider) -> None:
    browser = visitor("help_desk")
    with after(30):
        assert knock(browser, "POST", "delete_identity_provider", draft).status_code == 403


def test_the_password_brings_her_back(admin_browser: Browser, administrator: User, draft: IdentityProvider) -> None:
    edit = f"/admin/directory-integrations/identity-providers/{draft.pk}/edit/"
    with after(11):
        location = admin_browser.get(edit)["Location"]
        page = admin_browser.get(location).content.decode()
        assert "Confirm that it is you" in page and f'name="next" value="{edit}"' in page
        answer = admin_browser.post(CONFIRM, {"password": PASSWORD, "next": edit})
        assert answer["Location"] == edit and admin_browser.get(edit).status_code == 200
        event = last_event(action="portal.confirmation.succeeded")
        assert (event.actor_id, event.details["method"]) == (administrator.pk, "password")
    with after(20.9):
        assert admin_browser.get(edit).status_code == 200
    with after(21.1):
        assert admin_browser.get(edit).status_code == 302


def test_a_form_that_came_too_late_says_to_press_again(admin_browser: Browser, draft: IdentityProvider) -> None:
    show = f"/admin/directory-integrations/identity-providers/{draft.pk}/"
    with after(11):
        location = admin_browser.post(f"{show}discard/")["Location"]
        assert "Nothing was done yet" in admin_browser.get(location).content.decode()
        answer = admin_browser.post(CONFIRM, {"password": PASSWORD, **parameters(location)})
        assert answer["Location"] == show
        assert "press again" in admin_browser.get(show).content.decode()
        assert admin_browser.post(f"{show}discard/").status_code == 302
    assert not IdentityProvider.objects.filter(pk=draft.pk).exists()


@pytest.mark.parametrize("elsewhere", ["https://evil.example/", "//evil.example", "/profile/", "/admin/../x", ""])
def test_it_leads_nowhere_else(elsewhere: str, admin_browser: Browser) -> None:
    answer = admin_browser.post(CONFIRM, {"password": PASSWORD, "next": elsewhere})
    assert answer["Location"] == "/admin/"


def guess(browser: Browser, times: int) -> HttpResponse:
    for _ in range(times):
        answer = browser.post(CONFIRM, {"password": "not the password"})
    return answer


def test_a_wrong_password_does_not_confirm(admin_browser: Browser, draft: IdentityProvider) -> None:
    with after(11):
        refused = guess(admin_browser, 1)
        event = last_event(action="portal.confirmation.failed")
        assert (refused.status_code, event.error_code) == (401, "portal.confirmation_failed")
        assert "That password did not work." in refused.content.decode()
        assert knock(admin_browser, "GET", "edit_identity_provider", draft).status_code == 302


def test_failures_count_for_the_lock_out(admin_browser: Browser, administrator: User) -> None:
    assert guess(admin_browser, 4).status_code == 401
    assert guess(admin_browser, 1).status_code == 429
    locked = admin_browser.post(CONFIRM, {"password": PASSWORD})
    assert_refused(locked, "portal.sign_in_locked", action="portal.confirmation.failed")
    assert error_code(Browser().sign_in_as_administrator(administrator)) == "portal.sign_in_locked"
    with after(16):
        assert admin_browser.post(CONFIRM, {"password": PASSWORD}).status_code == 302


def test_somebody_elses_password_does_not_do(admin_browser: Browser) -> None:
    other = make_administrator()
    admin_browser.post(CONFIRM, {"password": "another", "email": other.company_email, "username": other.company_email})
    assert last_event(action="portal.confirmation.failed").error_code == "portal.confirmation_failed"
