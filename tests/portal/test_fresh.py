"""Acts with large consequences ask once more who sits there: one table of them, and the page that asks."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta

import pytest
import time_machine
from cryptography.fernet import Fernet
from django.conf import LazySettings
from django.core.files.uploadedfile import SimpleUploadedFile
from django.http import HttpResponse
from django.urls import reverse
from django.utils import timezone

from idp.models import IdentityProvider
from portal import late_forms
from portal.admin_portal import urls as admin_urls
from tests.browsing import Browser, assert_refused, error_code, last_event, parameters
from tests.entra_tenant import PracticeTenant
from tests.factories import PASSWORD, make_administrator, make_person, make_provider
from tests.portal.test_identity_provider_pages import form_of
from tests.portal.test_permission_matrix import knock, visitor
from users.models import ActionLink, AdminRole, User
from users.sessions import SessionStore

pytestmark = pytest.mark.django_db

# What is guarded, and to which page a form leads back that came too late: its own address where there is no other.
GUARDED = {
    "add_identity_provider": "",
    "edit_identity_provider": "",
    "activate_identity_provider": "",
    "deactivate_identity_provider": "",
    "delete_identity_provider": "",
    "archive_identity_provider": "",
    "restore_identity_provider": "identity_provider",
    "confirm_guard": "identity_provider",
    "take_back_guarded": "identity_provider",
    "add_routing_policy": "",
    "edit_routing_policy": "",
    "enable_routing_policy": "routing_policy",
    "disable_routing_policy": "routing_policy",
    "move_routing_policy": "routing_policy",
    "delete_routing_policy": "routing_policy",
    "add_access_policy": "",
    "edit_access_policy": "",
    "enable_access_policy": "access_policy",
    "disable_access_policy": "access_policy",
    "move_access_policy": "access_policy",
    "delete_access_policy": "access_policy",
    "set_default_access": "access_policies",
    "map_claim": "identity_provider_claims",
    "unmap_claim": "identity_provider_claims",
    "add_claim_group": "identity_provider_claims",
    "remove_claim_group": "identity_provider_claims",
    "set_jit": "identity_provider_claims",
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
    "set_limits": "organization",
    # These only where the person is an administrator.
    "edit_person": "",
    "suspend_person": "",
    "activate_person": "",
    "delete_person": "",
    "send_person_password_reset": "person_sign_in",
}
ABOUT_ADMINISTRATORS = {
    "edit_person",
    "suspend_person",
    "activate_person",
    "delete_person",
    "send_person_password_reset",
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


@pytest.mark.parametrize("name", sorted(set(GUARDED) - ABOUT_ADMINISTRATORS))
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
            assert (late_forms.FIELD in query) is (method == "POST")
            if method == "POST":
                assert last_event(action="portal.request.refused").error_code == "portal.confirmation_needed"
                browser.post(CONFIRM, {"password": PASSWORD})
                assert browser.get(query["next"]).status_code in {200, 302}, "the form's page opens"
    assert stored(draft) == before


def knock_about(browser: Browser, method: str, name: str, person: User) -> HttpResponse:
    """Return the answer of an address that is about this person."""
    return browser.generic(method, reverse(f"admin_portal:{name}", args=[person.pk]))  # type: ignore[return-value]


@pytest.mark.parametrize("name", sorted(ABOUT_ADMINISTRATORS))
def test_administrators_are_not_touched_by_a_session_that_is_not_fresh(name: str, admin_browser: Browser) -> None:
    colleague, person = make_administrator(), make_person(password=PASSWORD)
    before = User.objects.values().get(pk=colleague.pk)
    with after(10.1):
        for method in ("GET", "POST"):
            answer = knock_about(admin_browser, method, name, colleague)
            if answer.status_code == 405:
                continue
            assert answer.status_code == 302 and answer["Location"].startswith(f"{CONFIRM}?next="), method
        others = knock_about(admin_browser, "POST", name, person)
        assert not others.headers.get("Location", "").startswith(CONFIRM), "of people without a role nobody is asked"
    assert User.objects.values().get(pk=colleague.pk) == before
    assert not ActionLink.objects.filter(person=colleague).exists()


def test_a_new_email_is_no_way_around_it(admin_browser: Browser, administrator: User) -> None:
    """Her own email, changed in a stale session, would be where the link for a new password goes."""
    form = {"company_email": "eve@evil.example", "user_name": administrator.user_name}
    with after(10.1):
        answer = admin_browser.post(f"/admin/user-management/users/{administrator.pk}/edit/", form)
        assert answer["Location"].startswith(CONFIRM)
    administrator.refresh_from_db()
    assert administrator.company_email != "eve@evil.example"


@pytest.mark.parametrize("name", sorted(ABOUT_ADMINISTRATORS))
def test_who_may_not_touch_administrators_is_not_asked(name: str) -> None:
    browser = visitor(AdminRole.ADMINISTRATOR.value)
    colleague = make_administrator()
    with after(10.1):
        assert knock_about(browser, "POST", name, colleague).status_code == 403


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


def confirm_late(browser: Browser, location: str, **further: str) -> HttpResponse:
    """Confirm on the page that a form which came too late led to."""
    assert f"{late_forms.FIELD}=" in location and "what you typed is kept" in browser.get(location).content.decode()
    return browser.post(CONFIRM, {"password": PASSWORD, **parameters(location), **further})


def resent(browser: Browser, answer: HttpResponse, confirmed: str) -> HttpResponse:
    """Do what a browser does after a 307: post once more what it has just posted, elsewhere."""
    assert answer.status_code == 307
    name = parameters(confirmed)[late_forms.FIELD]
    return browser.post(answer["Location"], {"password": PASSWORD, late_forms.FIELD: name})


def test_a_form_that_came_too_late_goes_on_by_itself(admin_browser: Browser, draft: IdentityProvider) -> None:
    discard = f"/admin/directory-integrations/identity-providers/{draft.pk}/discard/"
    with after(11):
        location = admin_browser.post(discard)["Location"]
        assert IdentityProvider.objects.filter(pk=draft.pk).exists()
        answer = confirm_late(admin_browser, location)
        assert answer["Location"] == discard
        assert resent(admin_browser, answer, location).status_code == 302
    assert not IdentityProvider.objects.filter(pk=draft.pk).exists()


def test_what_was_typed_is_kept_unreadable_and_sent_on_whole(admin_browser: Browser, tenant: PracticeTenant) -> None:
    add = "/admin/directory-integrations/identity-providers/add/entra/"
    secret = tenant.client_secret
    form = form_of(tenant, name="Contöso & Söhne")
    with after(11):
        location = admin_browser.post(add, form)["Location"]
        kept = SessionStore(admin_browser.cookies["gatehouse_admin_session"].value).load()[late_forms.FIELD]
        assert secret not in str(kept) and secret not in location
        answer = resent(admin_browser, confirm_late(admin_browser, location), location)
        assert answer.status_code == 302, answer.content.decode()
    provider = IdentityProvider.objects.get(name="Contöso & Söhne")
    assert provider.client_secret is not None and provider.client_secret.reveal() == secret


def test_a_kept_form_goes_on_once(admin_browser: Browser) -> None:
    limits = "/admin/settings/organization/limits/"
    with after(11):
        location = admin_browser.post(limits, {"session_idle_minutes": "45"})["Location"]
        answer = confirm_late(admin_browser, location)
        assert resent(admin_browser, answer, location).status_code == 422, "the form itself, which is incomplete"
        again = resent(admin_browser, answer, location)
        assert (again.status_code, again["Location"]) == (302, "/admin/settings/organization/"), "loaded again"


def test_a_kept_form_is_forgotten_after_ten_minutes(admin_browser: Browser, draft: IdentityProvider) -> None:
    show = f"/admin/directory-integrations/identity-providers/{draft.pk}/"
    with after(11):
        location = admin_browser.post(f"{show}discard/")["Location"]
    with after(21.1):
        answer = confirm_late(admin_browser, location)
        assert answer["Location"] == show
        assert "press again" in admin_browser.get(show).content.decode()
    assert IdentityProvider.objects.filter(pk=draft.pk).exists()


def test_a_kept_form_whose_encryption_key_is_gone_does_nothing(
    admin_browser: Browser, draft: IdentityProvider, settings: LazySettings
) -> None:
    show = f"/admin/directory-integrations/identity-providers/{draft.pk}/"
    with after(11):
        location = admin_browser.post(f"{show}discard/")["Location"]
        settings.ENCRYPTION_KEYS = [Fernet.generate_key().decode()]
        answer = resent(admin_browser, confirm_late(admin_browser, location), location)
        assert (answer.status_code, answer["Location"]) == (302, show), "loaded again, to be pressed again"
    assert IdentityProvider.objects.filter(pk=draft.pk).exists()


def test_a_kept_form_goes_on_in_its_own_session_only(admin_browser: Browser, draft: IdentityProvider) -> None:
    show = f"/admin/directory-integrations/identity-providers/{draft.pk}/"
    with after(11):
        location = admin_browser.post(f"{show}discard/")["Location"]
        name = parameters(location)[late_forms.FIELD]
        other = visitor("billing")
        other.post(CONFIRM, {"password": PASSWORD})
        assert other.post(f"{show}discard/", {late_forms.FIELD: name})["Location"] == show
        assert IdentityProvider.objects.filter(pk=draft.pk).exists()
        # Nor unconfirmed, nor at another address.
        assert admin_browser.post(f"{show}discard/", {late_forms.FIELD: name})["Location"] == show
        admin_browser.post(CONFIRM, {"password": PASSWORD})
        assert admin_browser.post(f"{show}edit/", {late_forms.FIELD: name})["Location"] == f"{show}edit/"
    assert IdentityProvider.objects.filter(pk=draft.pk).exists()


def test_a_file_is_not_kept(admin_browser: Browser, draft: IdentityProvider) -> None:
    pre_link = f"/admin/directory-integrations/identity-providers/{draft.pk}/links/pre-link/"
    with after(11):
        location = admin_browser.post(pre_link, {"file": SimpleUploadedFile("links.csv", b"a,b")})["Location"]
        assert parameters(location) == {"next": pre_link, "again": "1"}
        assert "press its button again there" in admin_browser.get(location).content.decode()
        answer = admin_browser.post(CONFIRM, {"password": PASSWORD, **parameters(location)})
        assert answer["Location"] == pre_link
        assert "press again" in admin_browser.get(pre_link).content.decode()


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
