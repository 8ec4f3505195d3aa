"""Whose answer a rehearsal waits for: once, of this administrator, in this browser, from this provider."""

import pytest
from django.conf import settings
from django.http import HttpResponse

from idp import rehearsals
from idp.models import FederatedIdentity, IdentityProvider, Rehearsal, SpentState
from tests.browsing import Browser, assert_refused, error_code, last_event, parameters
from tests.entra_tenant import PracticeTenant
from tests.factories import OPERATOR, PASSWORD, make_administrator, make_person, make_provider
from tests.idp.rehearsing import ADA, begin
from users.audit import Actor
from users.errors import DirectoryError
from users.models import AdminRole, State, User, UserSession


def refused(response: HttpResponse, code: str) -> None:
    """Check that an answer was refused with a page and an audit row, and that nothing was noted."""
    assert_refused(response, code, action="idp.provider.rehearsed")
    assert not Rehearsal.objects.filter(finished_at__isnull=False).exists()


def test_an_answer_works_once(draft: IdentityProvider, admin_browser: Browser, ada: User) -> None:
    where = admin_browser.at_provider(begin(admin_browser, draft))
    assert admin_browser.come_back(where).status_code == 303
    again = admin_browser.come_back(where)
    assert_refused(again, "federation.state_used", action="idp.provider.rehearsed")
    assert Rehearsal.objects.count() == SpentState.objects.count() == 1


def test_two_answers_at_once_are_one(draft: IdentityProvider, admin_browser: Browser, ada: User) -> None:
    where = admin_browser.at_provider(begin(admin_browser, draft))
    session = UserSession.objects.get(realm="admin").session_data
    assert admin_browser.come_back(where).status_code == 303
    # The other answer read the session before the first one wrote it: the database decides.
    UserSession.objects.filter(realm="admin").update(session_data=session)
    assert_refused(admin_browser.come_back(where), "federation.state_used", action="idp.provider.rehearsed")


def test_without_the_admin_portals_session_the_answer_is_nobodys(
    draft: IdentityProvider, admin_browser: Browser
) -> None:
    where = admin_browser.at_provider(begin(admin_browser, draft))
    refused(Browser().come_back(where), "idp.rehearsal_session_missing")
    admin_browser.post("/admin/logout/")
    refused(admin_browser.come_back(where), "idp.rehearsal_session_missing")


def test_a_session_of_the_user_portal_is_no_administrators(
    draft: IdentityProvider, admin_browser: Browser, browser_client: Browser
) -> None:
    where = admin_browser.at_provider(begin(admin_browser, draft))
    person = Browser()
    person.sign_in_with_password(make_person(password=PASSWORD))
    person.cookies[settings.ADMIN_COOKIE_NAMES[settings.SESSION_COOKIE_NAME]] = person.session_cookie
    refused(person.come_back(where), "idp.rehearsal_session_missing")


def test_another_administrators_rehearsal_is_not_hers(draft: IdentityProvider, admin_browser: Browser) -> None:
    where = admin_browser.at_provider(begin(admin_browser, draft))
    other = Browser()
    other.sign_in_as_administrator(make_administrator())
    refused(other.come_back(where), "federation.state_unknown")
    assert admin_browser.come_back(where).status_code == 303


def test_who_has_lost_the_role_meanwhile_is_refused(
    draft: IdentityProvider, admin_browser: Browser, administrator: User
) -> None:
    where = admin_browser.at_provider(begin(admin_browser, draft))
    User.objects.filter(pk=administrator.pk).update(admin_role=AdminRole.READ_ONLY)
    refused(admin_browser.come_back(where), "users.permission_refused")


def test_who_was_suspended_meanwhile_is_refused(
    draft: IdentityProvider, admin_browser: Browser, administrator: User
) -> None:
    where = admin_browser.at_provider(begin(admin_browser, draft))
    User.objects.filter(pk=administrator.pk).update(state=State.SUSPENDED)
    refused(admin_browser.come_back(where), "idp.rehearsal_session_missing")


def test_an_answer_at_another_providers_address_is_a_mix_up(
    draft: IdentityProvider, tenant: PracticeTenant, admin_browser: Browser
) -> None:
    other = make_provider(tenant, active=False, name="Second tenant")
    where = admin_browser.at_provider(begin(admin_browser, draft))
    refused(admin_browser.come_back(where.replace("/entra?", f"/{other.slug}?")), "federation.state_other_provider")
    refused(admin_browser.come_back(where.replace("/entra?", "/nowhere?")), "federation.provider_unavailable")
    assert admin_browser.come_back(where).status_code == 303


@pytest.mark.parametrize("name", ["state", "code", "iss", "error"])
def test_a_parameter_that_comes_twice_is_refused(draft: IdentityProvider, admin_browser: Browser, name: str) -> None:
    where = admin_browser.at_provider(begin(admin_browser, draft))
    refused(admin_browser.come_back(f"{where}&{name}=x&{name}=y"), "federation.parameter_duplicated")


def test_a_posted_answer_says_what_is_wrong_at_the_provider(draft: IdentityProvider, admin_browser: Browser) -> None:
    """Browsers send no cookie of ours along with another site's form."""
    where = admin_browser.at_provider(begin(admin_browser, draft))
    answer = Browser().post("/oauth/callback/entra", parameters(where))
    refused(answer, "federation.response_posted")
    assert admin_browser.post("/oauth/callback/entra", parameters(where)).status_code == 303


def test_a_made_up_state_is_refused(draft: IdentityProvider, admin_browser: Browser) -> None:
    refused(admin_browser.come_back("/oauth/callback/entra?state=rehearsal-x&code=y"), "federation.state_unknown")


def test_a_rehearsals_state_signs_nobody_in(
    provider: IdentityProvider, tenant: PracticeTenant, admin_browser: Browser, ada: User
) -> None:
    """Whoever is lured to finish somebody else's rehearsal gets no session by it."""
    tenant.auto_sign_in = ADA
    where = admin_browser.at_provider(begin(admin_browser, provider))
    victim = Browser()
    refused(victim.come_back(where), "idp.rehearsal_session_missing")
    assert not victim.is_signed_in and not FederatedIdentity.objects.exists()


def test_only_the_five_latest_of_a_browser_are_waited_for(draft: IdentityProvider, admin_browser: Browser) -> None:
    answers = [admin_browser.at_provider(begin(admin_browser, draft)) for _ in range(6)]
    refused(admin_browser.come_back(answers[0]), "federation.state_unknown")
    assert [admin_browser.come_back(where).status_code for where in answers[1:]] == [303] * 5


def test_only_the_twenty_latest_of_a_provider_are_kept(draft: IdentityProvider, administrator: User) -> None:
    actor = Actor(administrator, administrator.label)
    begun = [rehearsals.begin_rehearsal(actor=actor, provider=draft).rehearsal.pk for _ in range(22)]
    assert set(Rehearsal.objects.values_list("pk", flat=True)) == set(begun[2:])


def test_a_rehearsal_that_was_removed_meanwhile_is_not_found(draft: IdentityProvider, admin_browser: Browser) -> None:
    where = admin_browser.at_provider(begin(admin_browser, draft))
    Rehearsal.objects.all().delete()
    assert error_code(admin_browser.come_back(where)) == "idp.rehearsal_not_found"
    assert last_event(action="idp.provider.rehearsed").error_code == "idp.rehearsal_not_found"


def test_a_shell_has_no_browser_to_rehearse_in(draft: IdentityProvider) -> None:
    with pytest.raises(DirectoryError) as caught:
        rehearsals.begin_rehearsal(actor=OPERATOR, provider=draft)
    assert caught.value.code == "idp.rehearsal_session_missing"
