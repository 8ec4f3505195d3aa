"""Sign-ins that meet each other, and sign-ins that meet an administrator, in real threads and connections."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from threading import Lock
from typing import Any
from uuid import uuid4

import pytest
from django.db import connection
from django.http import HttpResponse

from idp import activation, credentials, services
from idp.models import FederatedIdentity, IdentityProvider, SpentState
from tests.browsing import Browser, assert_refused, error_code
from tests.entra_tenant import PracticeTenant
from tests.factories import OPERATOR, make_person, make_provider, provider_input
from tests.idp.conformance.support import all_at_once, in_another_thread, refuses, succeeds, twin_of, warm_up
from users.models import AuditEvent, User, UserSession
from users.services import suspend_person

pytestmark = pytest.mark.django_db(transaction=True)

ADA, GRACE = "ada@contoso.example", "grace@contoso.example"
Act = Callable[[PracticeTenant, IdentityProvider], object]


@pytest.mark.conformance("first-link-two-first-sign-ins-at-once")
def test_twenty_first_sign_ins_of_one_person_make_one_link(
    tenant: PracticeTenant, provider: IdentityProvider, ada: User
) -> None:
    responses = all_at_once(lambda browser: browser.federated_sign_in(ADA), [Browser() for _ in range(20)])
    assert [response.status_code for response in responses] == [303] * 20
    assert FederatedIdentity.objects.get().person == ada
    assert AuditEvent.objects.filter(action="idp.identity.linked").count() == 1
    assert UserSession.objects.filter(person=ada).count() == 20


@pytest.mark.conformance("first-link-email-shared-by-two-people")
def test_two_accounts_that_claim_one_email_make_one_link(
    tenant: PracticeTenant, provider: IdentityProvider, ada: User
) -> None:
    """Four browsers of two accounts: all of the faster account come in, none of the other."""
    with tenant.lying(claims={"email": ADA, "upn": ADA}):
        accounts = [ADA, GRACE] * 4
        responses = all_at_once(lambda account: Browser().federated_sign_in(account), accounts)
    outcomes = {(account, response.status_code) for account, response in zip(accounts, responses, strict=True)}
    winner = ADA if FederatedIdentity.objects.get().subject.endswith(tenant.person(ADA).oid) else GRACE
    loser = GRACE if winner == ADA else ADA
    assert outcomes == {(winner, 303), (loser, 403)}
    assert {error_code(r) for r in responses if r.status_code == 403} == {"federation.person_linked_elsewhere"}


def twenty_colleagues(tenant: PracticeTenant) -> list[str]:
    """Add accounts to the tenant, and people with the same emails here; return the emails."""
    template = tenant.person(ADA)
    assert template is not None
    emails = [f"colleague-{number}@contoso.example" for number in range(20)]
    for email in emails:
        tenant.people.append(replace(template, name=email, email=email, upn=email, oid=str(uuid4())))
        make_person(email)
    return emails


def test_twenty_people_sign_in_at_once(tenant: PracticeTenant, provider: IdentityProvider) -> None:
    emails = twenty_colleagues(tenant)
    responses = all_at_once(lambda email: Browser().federated_sign_in(email), emails)
    assert [response.status_code for response in responses] == [303] * 20
    linked = FederatedIdentity.objects.values_list("person__company_email", "email")
    assert sorted(linked) == sorted((email, email) for email in emails)
    assert UserSession.objects.filter(person__isnull=False).count() == 20
    assert tenant.count("keys") == 1


def test_twenty_replays_of_one_answer_sign_in_once(
    tenant: PracticeTenant, provider: IdentityProvider, ada: User, browser_client: Browser
) -> None:
    location = browser_client.at_provider(browser_client.begin())
    tenant.reset_log()
    responses = all_at_once(lambda twin: twin.come_back(location), [twin_of(browser_client) for _ in range(20)])
    refused = [error_code(response) for response in responses if response.status_code != 303]
    assert refused == ["federation.state_used"] * 19
    assert (tenant.count("token"), SpentState.objects.count()) == (1, 1)
    assert UserSession.objects.filter(person=ada).count() == FederatedIdentity.objects.count() == 1


@pytest.mark.parametrize("drop_old", [True, False])
def test_the_keys_are_rotated_in_the_middle_of_twenty_sign_ins(
    drop_old: bool, tenant: PracticeTenant, provider: IdentityProvider, ada: User
) -> None:
    """Ten tokens are signed by the old key and ten by the new one; one fetch brings the latter to everybody."""
    warm_up(tenant)
    count, rotation = iter(range(20)), Lock()

    def rotate_half_way(honest: dict[str, Any]) -> object:
        with rotation:
            if next(count) == 10:
                tenant.rotate_keys(drop_old=drop_old)
        return honest["sub"]

    with tenant.lying(claims={"sub": rotate_half_way}):
        responses = all_at_once(lambda browser: browser.federated_sign_in(ADA), [Browser() for _ in range(20)])
    assert next(count, None) is None
    assert tenant.count("keys") == 1
    codes = [error_code(response) for response in responses if response.status_code != 303]
    # Where the old key is withdrawn at once, who was signed with it and comes after the fetch has to start again.
    assert set(codes) <= ({"idp.token.key_unknown"} if drop_old else set())
    assert len(codes) <= 10
    assert UserSession.objects.filter(person=ada).count() == 21 - len(codes)


def _deactivate(tenant: PracticeTenant, provider: IdentityProvider) -> None:
    activation.deactivate_provider(actor=OPERATOR, provider=provider)


def _delete(tenant: PracticeTenant, provider: IdentityProvider) -> None:
    services.delete_provider(actor=OPERATOR, provider=provider, confirm_name=provider.name)


def _edit(tenant: PracticeTenant, provider: IdentityProvider) -> None:
    given = provider_input(tenant, email_domains=["fabrikam.example"])
    services.update_provider(actor=OPERATOR, provider=provider, given=given, understood=True)


def _replace_the_secret(tenant: PracticeTenant, provider: IdentityProvider) -> None:
    credentials.set_client_secret(actor=OPERATOR, provider=provider, client_secret=tenant.add_secret())


def _restart(tenant: PracticeTenant, provider: IdentityProvider) -> None:
    activation.deactivate_provider(actor=OPERATOR, provider=provider)
    activation.activate_provider(actor=OPERATOR, provider=provider, understood=True, fingerprint=None)


ACTS = pytest.mark.parametrize(
    ("act", "code"),
    [
        pytest.param(_deactivate, "federation.provider_unavailable", id="deactivated"),
        pytest.param(_delete, "federation.provider_unavailable", id="deleted"),
        pytest.param(_edit, "federation.provider_changed", id="edited"),
        pytest.param(_restart, "federation.provider_changed", id="deactivated-and-activated"),
    ],
)


@ACTS
def test_the_provider_changes_between_the_beginning_and_the_answer(
    act: Act, code: str, tenant: PracticeTenant, provider: IdentityProvider, ada: User, browser_client: Browser
) -> None:
    location = browser_client.at_provider(browser_client.begin())
    act(tenant, provider)
    tenant.reset_log()
    refuses(browser_client.come_back(location), browser_client, code)
    assert tenant.upstream_count() == 0


def _rename(tenant: PracticeTenant, provider: IdentityProvider) -> None:
    given = provider_input(tenant, name="Renamed", client_secret=None)
    services.update_provider(actor=OPERATOR, provider=provider, given=given)


@pytest.mark.parametrize("act", [_replace_the_secret, _rename])
def test_a_change_that_decides_nothing_about_who_comes_in_sends_nobody_back(
    act: Act, tenant: PracticeTenant, provider: IdentityProvider, ada: User, browser_client: Browser
) -> None:
    location = browser_client.at_provider(browser_client.begin())
    act(tenant, provider)
    succeeds(browser_client.come_back(location), browser_client)


@ACTS
def test_the_provider_changes_while_twenty_sign_ins_are_under_way(
    act: Act, code: str, tenant: PracticeTenant, provider: IdentityProvider
) -> None:
    """The change comes when half of the tokens are made: nobody meets a defect, and nobody comes in after it."""
    emails = twenty_colleagues(tenant)
    browsers = {email: Browser() for email in emails}
    locations = {email: browser.at_provider(browser.begin(email)) for email, browser in browsers.items()}
    count, half_way = iter(range(20)), Lock()

    def meanwhile(honest: dict[str, Any]) -> object:
        with half_way:
            if next(count) == 10:
                in_another_thread(lambda: act(tenant, provider))
        return honest["sub"]

    with tenant.lying(claims={"sub": meanwhile}):
        responses = all_at_once(lambda email: browsers[email].come_back(locations[email]), emails)
    refused = {email for email, answer in zip(emails, responses, strict=True) if answer.status_code != 303}
    codes = {error_code(answer) for answer in responses if answer.status_code != 303}
    # Who comes between the end and the new beginning of a restart meets a provider that is not active.
    assert codes - ({"federation.provider_unavailable"} if act is _restart else set()) == {code}
    assert 10 <= len(refused) <= 20
    assert not any(browsers[email].is_signed_in for email in refused)
    assert not FederatedIdentity.objects.filter(person__company_email__in=refused).exists()
    if act in {_deactivate, _delete}:
        # Their sessions end with it, also those that were opened in the same moment.
        assert not any(browser.is_signed_in for browser in browsers.values())


@ACTS
def test_the_provider_changes_while_it_answers(
    act: Act, code: str, tenant: PracticeTenant, provider: IdentityProvider, ada: User, browser_client: Browser
) -> None:
    """The change comes from another connection while the code is being exchanged, before the token is made."""

    def meanwhile(honest: dict[str, Any]) -> object:
        in_another_thread(lambda: act(tenant, provider))
        return honest["sub"]

    location = browser_client.at_provider(browser_client.begin())
    with tenant.lying(claims={"sub": meanwhile}):
        refuses(browser_client.come_back(location), browser_client, code)


def test_the_person_is_suspended_while_the_provider_answers(
    tenant: PracticeTenant, provider: IdentityProvider, ada: User
) -> None:
    def meanwhile(honest: dict[str, Any]) -> object:
        in_another_thread(lambda: suspend_person(actor=OPERATOR, person=ada))
        return honest["sub"]

    browser = warm_up(tenant)
    with tenant.lying(claims={"sub": meanwhile}):
        assert_refused(browser.federated_sign_in(), "federation.person_suspended")
    assert not browser.is_signed_in


@pytest.mark.parametrize("act", [_deactivate, _delete, _restart, _edit])
def test_a_provider_that_ends_in_the_last_moment_leaves_no_session(
    act: Act, tenant: PracticeTenant, provider: IdentityProvider, ada: User, browser_client: Browser
) -> None:
    """After the person was found, and before the session is stored with its provider."""
    warm_up(tenant)
    with after_the_person_was_found(lambda: act(tenant, provider)):
        browser_client.federated_sign_in()
    assert not browser_client.is_signed_in


def test_a_person_who_is_suspended_in_the_last_moment_is_not_signed_in(
    tenant: PracticeTenant, provider: IdentityProvider, ada: User, browser_client: Browser
) -> None:
    warm_up(tenant)
    with after_the_person_was_found(lambda: suspend_person(actor=OPERATOR, person=ada)):
        browser_client.federated_sign_in()
    assert not browser_client.is_signed_in


@contextmanager
def after_the_person_was_found(act: Callable[[], object]) -> Iterator[None]:
    """Do something from another connection right after this one has read the link, outside its transactions."""
    done: list[object] = []

    def watch(execute: Callable[..., object], sql: str, *rest: Any) -> object:
        result = execute(sql, *rest)
        if not done and "FROM idp_federatedidentity" in sql.replace('"', ""):
            done.append(sql)
            in_another_thread(act)
        return result

    with connection.execute_wrapper(watch):
        yield
    assert done


def test_sign_ins_while_an_administrator_deactivates_end_clearly(
    tenant: PracticeTenant, provider: IdentityProvider, ada: User
) -> None:
    """Nobody meets a defect, and nobody stays signed in through a provider that is not in use."""
    browsers = [Browser() for _ in range(8)]

    locations = {id(browser): browser.at_provider(browser.begin()) for browser in browsers}

    def come_back(browser: Browser | None) -> HttpResponse:
        if browser is None:
            _deactivate(tenant, provider)
            return HttpResponse(status=303)
        return browser.come_back(locations[id(browser)])

    responses = all_at_once(come_back, [*browsers, None])
    assert {response.status_code for response in responses} <= {303, 403, 404}
    assert not any(browser.is_signed_in for browser in browsers)


def test_sign_ins_at_two_providers_with_the_same_subject_are_two_people(
    tenant: PracticeTenant, plain_tenant: PracticeTenant, provider: IdentityProvider, ada: User, browser_client: Browser
) -> None:
    """A subject means nothing without its issuer: another provider cannot sign in as one that was linked before."""
    warm_up(tenant)
    subject = FederatedIdentity.objects.get().subject
    activation.deactivate_provider(actor=OPERATOR, provider=provider)
    make_provider(plain_tenant, name="The other one")
    with plain_tenant.lying(claims={"sub": subject, "email": "nobody@contoso.example"}):
        assert_refused(browser_client.federated_sign_in(GRACE), "federation.no_match")
    assert not browser_client.is_signed_in


def test_a_provider_with_the_issuer_of_a_deleted_one_makes_links_of_its_own(
    tenant: PracticeTenant, provider: IdentityProvider, ada: User, browser_client: Browser
) -> None:
    warm_up(tenant)
    _delete(tenant, provider)
    assert not FederatedIdentity.objects.exists()
    again = make_provider(tenant)
    assert browser_client.federated_sign_in().status_code == 303
    assert FederatedIdentity.objects.get().provider == again
