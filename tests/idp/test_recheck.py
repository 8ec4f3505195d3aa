"""Checking sessions again by refresh token: who is asked when, and what each answer does to the session."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import timedelta

import pytest
import time_machine
from django.db import connection
from django.http import HttpResponse
from django.utils import timezone

from idp import upstream
from idp.models import IdentityProvider, UpstreamGrant
from idp.services import ProviderInput, set_recheck, update_provider
from tests.browsing import Browser, last_event, parameters
from tests.commands.running import run
from tests.entra_tenant import Fault, PracticeTenant
from tests.factories import OPERATOR, make_person, make_provider, provider_input
from tests.idp.conformance.support import all_at_once, twin_of
from tests.users.support import as_person, refused
from users.errors import DirectoryError, PermissionRefused
from users.models import AuditEvent, User, UserSession
from users.services import suspend_person

MINUTES = 10


@pytest.fixture
def checked(provider: IdentityProvider) -> IdentityProvider:
    """The practice tenant, with sessions that are checked every ten minutes."""
    return set_recheck(actor=OPERATOR, provider=provider, minutes=MINUTES)


@pytest.fixture
def signed_in(checked: IdentityProvider, tenant: PracticeTenant, ada: User, browser_client: Browser) -> Browser:
    """A browser in which Ada is signed in, at a provider that goes by our clock."""
    assert browser_client.federated_sign_in().status_code == 303
    tenant.clock = lambda: timezone.now().timestamp()
    tenant.reset_log()
    return browser_client


@contextmanager
def later(minutes: float) -> Iterator[None]:
    with time_machine.travel(timezone.now() + timedelta(minutes=minutes)):
        yield


def refreshes(tenant: PracticeTenant) -> list[str]:
    """Return the refresh tokens that were redeemed."""
    asked = [each.params for each in tenant.requests if each.kind == "token"]
    return [params["refresh_token"] for params in asked if params["grant_type"] == "refresh_token"]


def ended(browser: Browser, code: str) -> HttpResponse:
    """Check that the provider's answer ended the session: the way out, the sentence, the audit row, nothing left."""
    answer = browser.get("/profile/")
    assert (answer.status_code, answer["Location"]) == (302, "/login/")
    event = last_event(action="idp.session.checked")
    assert (event.error_code, event.outcome, event.details["sessions_ended"]) == (code, "refused", 1)
    page = browser.get("/login/")
    text = page.content.decode()
    assert "You were signed out." in text and event.request_id in text
    assert not browser.is_signed_in
    assert not UpstreamGrant.objects.exists()
    return page


def test_off_nothing_is_asked_and_nothing_kept(
    tenant: PracticeTenant, provider: IdentityProvider, ada: User, browser_client: Browser
) -> None:
    location = browser_client.begin()
    assert parameters(location)["scope"] == "openid profile email"
    browser_client.come_back(browser_client.at_provider(location))
    assert browser_client.is_signed_in and not UpstreamGrant.objects.exists()
    with later(50):
        assert browser_client.is_signed_in
    assert refreshes(tenant) == []


@pytest.mark.spec("OIDC Core", "11")
def test_a_refresh_token_is_asked_for_and_kept_where_nobody_reads_it(
    tenant: PracticeTenant, checked: IdentityProvider, ada: User, browser_client: Browser
) -> None:
    location = browser_client.begin()
    assert parameters(location)["scope"] == "openid profile email offline_access"
    browser_client.come_back(browser_client.at_provider(location))
    grant = UpstreamGrant.objects.get()
    token = grant.refresh_token.reveal()
    assert token.startswith("1.R")
    everything = [
        list(UserSession.objects.values()),
        list(AuditEvent.objects.values()),
        [row.get_decoded() for row in UserSession.objects.all()],
        repr(grant),
        grant.original,
        browser_client.get("/security/").content.decode(),
    ]
    assert token not in str(everything)
    with connection.cursor() as cursor:
        cursor.execute("SELECT refresh_token FROM idp_upstreamgrant")
        assert token not in str(cursor.fetchall())


def test_a_session_is_checked_after_the_interval_and_not_before(tenant: PracticeTenant, signed_in: Browser) -> None:
    for minutes, so_far in ((1, 0), (9, 0), (11, 1), (12, 1), (20, 1), (22, 2)):
        with later(minutes):
            assert signed_in.is_signed_in
        assert len(refreshes(tenant)) == so_far
    grant = UpstreamGrant.objects.get()
    assert grant.last_checked_at is not None


@pytest.mark.spec("RFC 6749", "6")
def test_a_new_refresh_token_replaces_the_former_one(tenant: PracticeTenant, signed_in: Browser) -> None:
    first = UpstreamGrant.objects.get().refresh_token.reveal()
    with later(11):
        assert signed_in.is_signed_in
    second = UpstreamGrant.objects.get().refresh_token.reveal()
    with later(22), tenant.lying(drop_token=("refresh_token",)):
        assert signed_in.is_signed_in
    assert refreshes(tenant) == [first, second] and first != second
    assert UpstreamGrant.objects.get().refresh_token.reveal() == second


@pytest.mark.spec("OIDC Core", "12.2")
@pytest.mark.parametrize("lie", [{"drop_token": ("id_token",)}, {"header": {"kid": "not-published-yet"}}])
def test_an_answer_without_an_id_token_or_in_the_middle_of_a_rotation_is_good(
    lie: dict, tenant: PracticeTenant, signed_in: Browser
) -> None:
    with later(11), tenant.lying(**lie):
        assert signed_in.is_signed_in


@pytest.mark.spec("OIDC Core", "12.2")
def test_the_nonce_of_the_sign_in_may_be_repeated_and_no_other(tenant: PracticeTenant, signed_in: Browser) -> None:
    nonce = UpstreamGrant.objects.get().original["nonce"]
    with later(11), tenant.lying(claims={"nonce": nonce}):
        assert signed_in.is_signed_in
    with later(22), tenant.lying(claims={"nonce": "another"}):
        ended(signed_in, "idp.token.nonce")


@pytest.mark.spec("RFC 6749", "5.2")
def test_what_the_provider_has_revoked_ends(tenant: PracticeTenant, ada: User, signed_in: Browser) -> None:
    tenant.grants.revoke_refresh_tokens()
    with later(11):
        page = ended(signed_in, "idp.token_endpoint.grant_ended")
    assert "AADSTS" not in page.content.decode()
    event = last_event(action="idp.session.checked")
    assert (event.actor_id, event.target_label) == (ada.pk, "Contoso Entra")


def test_only_the_session_that_was_asked_about_ends(tenant: PracticeTenant, signed_in: Browser) -> None:
    make_person("grace@contoso.example")
    grace = Browser()
    grace.federated_sign_in("grace@contoso.example")
    first = UserSession.objects.get(person__company_email="ada@contoso.example")
    tenant.grants.revoke_refresh_tokens()
    with later(11):
        assert not signed_in.is_signed_in
        assert UserSession.objects.filter(person__isnull=False).count() == 1
        assert not UserSession.objects.filter(pk=first.pk).exists()


TROUBLES = [Fault.DOWN, Fault.HTML, Fault.REDIRECT_307, Fault.RESET_MID_BODY, Fault.EMPTY, Fault.STATUS]


@pytest.mark.parametrize("fault", TROUBLES, ids=[fault.name for fault in TROUBLES])
def test_a_provider_in_trouble_signs_nobody_out(fault: Fault, tenant: PracticeTenant, signed_in: Browser) -> None:
    tenant.fault("token", fault, status=503)
    with later(11):
        assert signed_in.is_signed_in and signed_in.is_signed_in
        assert len(refreshes(tenant)) == 1  # asked again in a minute, not at every page
        event = last_event(action="idp.session.check_failed")
        assert event.outcome == "refused" and event.target_label == "Contoso Entra"
    tenant.clear_faults()
    with later(12.5):
        assert signed_in.is_signed_in
    assert len(refreshes(tenant)) == 2


def test_a_provider_that_is_silent_holds_up_one_page_a_minute(
    tenant: PracticeTenant, signed_in: Browser, monkeypatch: pytest.MonkeyPatch
) -> None:
    short = replace(upstream.policy(), read_timeout=0.3, total_timeout=0.6)
    monkeypatch.setattr("idp.upstream.policy", lambda: short)
    make_person("grace@contoso.example")
    grace = Browser()
    grace.federated_sign_in("grace@contoso.example")
    tenant.reset_log()
    tenant.fault("token", Fault.HANG)
    with later(12):
        assert [browser.is_signed_in for browser in (signed_in, grace, signed_in, grace)] == [True] * 4
    assert tenant.count("token") == 1
    assert AuditEvent.objects.filter(action="idp.session.check_failed").count() == 1


@pytest.mark.parametrize("number", [90033, 50196])
def test_an_oauth_error_that_says_nothing_about_the_grant_signs_nobody_out(
    number: int, tenant: PracticeTenant, signed_in: Browser
) -> None:
    with later(11), tenant.lying(token_error=number):
        assert signed_in.is_signed_in
    assert AuditEvent.objects.filter(action="idp.session.check_failed").count() == 1


def test_wrong_credentials_of_ours_sign_nobody_out(tenant: PracticeTenant, signed_in: Browser) -> None:
    tenant.expire_secret()
    with later(11):
        assert signed_in.is_signed_in
    event = last_event(action="idp.session.check_failed")
    assert event.error_code == "idp.token_endpoint.refused" and event.details["aadsts"] == 7000222
    with later(13):
        assert signed_in.is_signed_in
    # Told once, not every minute for every session.
    assert AuditEvent.objects.filter(action="idp.session.check_failed").count() == 1
    with later(25):
        assert signed_in.is_signed_in
    assert AuditEvent.objects.filter(action="idp.session.check_failed").count() == 2


@pytest.mark.django_db(transaction=True)
def test_of_many_tabs_one_asks(tenant: PracticeTenant, signed_in: Browser) -> None:
    tabs = [twin_of(signed_in) for _ in range(8)]
    UpstreamGrant.objects.update(next_check_at=timezone.now() - timedelta(seconds=1))
    answers = all_at_once(lambda tab: tab.get("/"), tabs)
    assert [answer.status_code for answer in answers] == [200] * 8
    assert len(refreshes(tenant)) == 1


def test_a_provider_that_gives_no_refresh_token_signs_in_all_the_same(
    tenant: PracticeTenant, checked: IdentityProvider, ada: User, admin_browser: Browser
) -> None:
    person = Browser()
    with tenant.lying(drop_token=("refresh_token",)):
        assert person.federated_sign_in().status_code == 303
    assert last_event(action="idp.session.not_checkable").target_label == "Contoso Entra"
    page = admin_browser.get(f"/admin/directory-integrations/identity-providers/{checked.pk}/").content.decode()
    assert "0 of 1 live session can be checked" in page and "offline_access" in page
    with later(30):
        assert person.is_signed_in


def _sign_out(browser: Browser, person: User) -> None:
    browser.post("/logout/")


def _suspend(browser: Browser, person: User) -> None:
    suspend_person(actor=OPERATOR, person=person)


def _sign_in_again(browser: Browser, person: User) -> None:
    browser.federated_sign_in()


@pytest.mark.parametrize(("act", "left"), [(_sign_out, 0), (_suspend, 0), (_sign_in_again, 1)])
def test_a_refresh_token_goes_with_its_session(act, left: int, ada: User, signed_in: Browser) -> None:
    former = UpstreamGrant.objects.get().pk
    act(signed_in, ada)
    assert UpstreamGrant.objects.count() == left
    assert not UpstreamGrant.objects.filter(pk=former).exists()


def test_switched_off_the_refresh_tokens_go_and_sessions_stay(
    tenant: PracticeTenant, checked: IdentityProvider, signed_in: Browser
) -> None:
    changed = set_recheck(actor=OPERATOR, provider=checked, minutes=0)
    assert not UpstreamGrant.objects.exists()
    assert changed.version == checked.version and changed.revision == checked.revision + 1
    event = last_event(action="idp.provider.recheck_set")
    assert event.details == {"from": 10, "to": 0}
    with later(20):
        assert signed_in.is_signed_in
    assert refreshes(tenant) == []


def test_a_shorter_interval_holds_for_the_sessions_there_are(
    tenant: PracticeTenant, checked: IdentityProvider, signed_in: Browser
) -> None:
    set_recheck(actor=OPERATOR, provider=checked, minutes=5)
    with later(6):
        assert signed_in.is_signed_in
    assert len(refreshes(tenant)) == 1


def test_the_edit_form_changes_it_without_touching_who_is_let_in(
    tenant: PracticeTenant, checked: IdentityProvider, signed_in: Browser
) -> None:
    given: ProviderInput = provider_input(tenant, client_secret=None, recheck_minutes=5)
    changed = update_provider(actor=OPERATOR, provider=checked, given=given)
    assert (changed.recheck_minutes, changed.version) == (5, checked.version)
    assert last_event(action="idp.provider.updated").details["changed"] == ["recheck_minutes"]
    assert signed_in.is_signed_in


@pytest.mark.parametrize("minutes", [-5, 1, 7, 61, 10**9])
def test_other_intervals_are_refused(minutes: int, provider: IdentityProvider) -> None:
    with pytest.raises(DirectoryError) as error:
        set_recheck(actor=OPERATOR, provider=provider, minutes=minutes)
    assert (error.value.code, error.value.field) == ("idp.recheck_minutes_invalid", "recheck_minutes")


def test_a_provider_without_offline_access_cannot_have_it(plain_tenant: PracticeTenant, administrator: User) -> None:
    with plain_tenant.lying(discovery={"scopes_supported": ["openid", "email"]}):
        connected = make_provider(plain_tenant)
        with pytest.raises(DirectoryError) as error:
            set_recheck(actor=OPERATOR, provider=connected, minutes=10)
    assert error.value.code == "idp.recheck_unsupported"


def test_it_takes_the_permission_over_providers(provider: IdentityProvider, ada: User) -> None:
    refused(PermissionRefused, set_recheck, actor=as_person(ada), provider=provider, minutes=10)


def test_it_is_set_by_command_and_when_a_provider_is_added(tenant: PracticeTenant, administrator: User) -> None:
    options = ["--name=Contoso", f"--url={tenant.idp_url}", f"--client-id={tenant.client_id}", "--client-secret-stdin"]
    added = run("idp", "add", *options, "--recheck-minutes=15", "--json", stdin=tenant.client_secret)
    assert (added.status, added.json["recheck_minutes"]) == (0, 15)
    assert run("idp", "set-recheck", "entra", "0", "--json").json["recheck_minutes"] == 0
    refusal = run("idp", "set-recheck", "entra", "7", "--json")
    assert (refusal.status, refusal.error["code"]) == (2, "idp.recheck_minutes_invalid")


def test_the_form_offers_it_but_not_for_google(provider: IdentityProvider, admin_browser: Browser) -> None:
    base = "/admin/directory-integrations/identity-providers/"
    page = admin_browser.get(f"{base}{provider.pk}/edit/").content.decode()
    assert "Every 15 minutes" in page and 'name="recheck_minutes"' in page
    assert 'name="recheck_minutes"' not in admin_browser.get(f"{base}add/google/").content.decode()


def test_a_provider_that_rotates_refresh_tokens_is_asked_with_the_newest(
    tenant: PracticeTenant, signed_in: Browser
) -> None:
    tenant.rotate_refresh_tokens = True
    for minutes in (11, 22, 33):
        with later(minutes):
            assert signed_in.is_signed_in
    assert len(set(refreshes(tenant))) == 3
