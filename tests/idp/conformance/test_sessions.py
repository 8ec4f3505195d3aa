"""What a federated sign-in opens, what it does not open, and when it ends."""

import pytest
from django.conf import settings as django_settings

from idp.models import IdentityProvider
from tests.browsing import Browser, assert_refused
from tests.entra_tenant import PracticeTenant
from tests.factories import OPERATOR
from tests.idp.conformance.support import assert_nobody_came_in, warm_up
from users.models import AdminRole, State, User, UserSession
from users.services import suspend_person

ADMIN_COOKIE = django_settings.ADMIN_COOKIE_NAMES[django_settings.SESSION_COOKIE_NAME]


@pytest.mark.conformance("session-key-cycled-at-every-sign-in", "session-key-cycled-at-re-authentication")
@pytest.mark.spec("OWASP ASVS", "3.2.1")
def test_the_session_key_is_changed_at_every_sign_in(
    tenant: PracticeTenant, provider: IdentityProvider, ada: User, browser_client: Browser
) -> None:
    keys = []
    for _ in range(3):
        location = browser_client.at_provider(browser_client.begin())
        keys += [browser_client.session_cookie]
        browser_client.come_back(location)
        keys += [browser_client.session_cookie]
    # A re-authentication begins in the session that there is, and ends in a new one.
    assert keys[1:5:2] == keys[2:5:2]
    assert len(set(keys)) == 4
    assert UserSession.objects.count() == 1


@pytest.mark.spec("OWASP ASVS", "3.2.1")
def test_a_planted_session_is_worth_nothing_after_the_sign_in(
    tenant: PracticeTenant, provider: IdentityProvider, ada: User, browser_client: Browser
) -> None:
    location = browser_client.at_provider(browser_client.begin())
    planted = browser_client.session_cookie
    browser_client.come_back(location)
    thief = Browser()
    thief.cookies[django_settings.SESSION_COOKIE_NAME] = planted
    assert (browser_client.is_signed_in, thief.is_signed_in) == (True, False)


@pytest.mark.spec("OWASP ASVS", "3.2.1")
def test_re_authentication_by_another_person_leaves_nothing_of_the_first(
    tenant: PracticeTenant, provider: IdentityProvider, ada: User, browser_client: Browser
) -> None:
    User.objects.create(company_email="grace@contoso.example", user_name="grace", state=State.ACTIVE)
    browser_client.federated_sign_in()
    browser_client.federated_sign_in("grace@contoso.example")
    home = browser_client.get("/").content.decode()
    assert "Ada" not in home
    assert [session.person.user_name for session in UserSession.objects.all()] == ["grace"]


def _suspend(person: User) -> None:
    suspend_person(actor=OPERATOR, person=person)


def _suspend_behind_the_back(person: User) -> None:
    User.objects.filter(pk=person.pk).update(state=State.SUSPENDED)


def _stage_behind_the_back(person: User) -> None:
    User.objects.filter(pk=person.pk).update(state=State.STAGED)


@pytest.mark.conformance("session-of-a-deactivated-person-ends-at-the-next-request")
@pytest.mark.parametrize("act", [_suspend, _suspend_behind_the_back, _stage_behind_the_back])
def test_a_suspended_person_loses_the_session_at_the_next_request(
    act, tenant: PracticeTenant, provider: IdentityProvider, ada: User
) -> None:
    browser = warm_up(tenant)
    assert browser.is_signed_in
    act(ada)
    assert not browser.is_signed_in


@pytest.mark.conformance("session-federated-never-opens-the-admin-portal")
@pytest.mark.parametrize("role", [None, *AdminRole])
def test_a_federated_session_never_opens_the_admin_portal(
    role: AdminRole | None, tenant: PracticeTenant, provider: IdentityProvider, ada: User
) -> None:
    """Not under its own cookie, not under the other portal's, and not when the person has become an administrator."""
    browser = warm_up(tenant)
    User.objects.filter(pk=ada.pk).update(admin_role=role)
    browser.cookies[ADMIN_COOKIE] = browser.session_cookie
    assert browser.is_signed_in == (role is None)
    for path in ("/admin/", "/admin/users/", "/admin/identity-providers/"):
        assert browser.get(path).status_code in {302, 404}
    assert not browser.is_administering


def test_a_linked_person_who_became_an_administrator_is_refused_by_the_provider_door(
    tenant: PracticeTenant, provider: IdentityProvider, ada: User
) -> None:
    browser = warm_up(tenant)
    User.objects.filter(pk=ada.pk).update(admin_role=AdminRole.ADMINISTRATOR)
    assert_refused(browser.federated_sign_in(next_path="/admin/"), "federation.person_is_administrator")
    assert not browser.is_administering
    assert not UserSession.objects.filter(realm="admin").exists()


def test_an_admin_session_does_not_open_the_user_portal(provider: IdentityProvider, admin_browser: Browser) -> None:
    admin_browser.cookies[django_settings.SESSION_COOKIE_NAME] = admin_browser.cookies[ADMIN_COOKIE].value
    assert (admin_browser.is_administering, admin_browser.is_signed_in) == (True, False)


@pytest.mark.conformance("session-authenticate-not-reached-by-another-form")
@pytest.mark.parametrize("path", ["/login/password/", "/admin/login/", "/login/"])
def test_no_other_form_reaches_the_federated_backend(
    path: str, tenant: PracticeTenant, provider: IdentityProvider, ada: User, browser_client: Browser
) -> None:
    """mozilla-django-oidc's backend takes code and state from any request that Django's `authenticate()` sees."""
    location = browser_client.at_provider(browser_client.begin())
    tenant.reset_log()
    form = {"email": "ada@contoso.example", "password": "x", "nonce": "n", "code_verifier": "v", "next": "/"}
    browser_client.post(f"{path}?{location.partition('?')[2]}", {**form, "code": "c", "state": "s"})
    assert tenant.upstream_count() == 0
    assert_nobody_came_in(browser_client)
