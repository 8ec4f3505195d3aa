"""Sign-ins that meet each other, and sign-ins that meet an administrator, in real threads and connections."""

from collections.abc import Callable
from typing import Any

import pytest
from django.contrib.auth.signals import user_logged_in
from django.http import HttpResponse

from idp import activation, credentials, services
from idp.models import FederatedIdentity, IdentityProvider
from tests.browsing import Browser, assert_refused, error_code
from tests.entra_tenant import PracticeTenant
from tests.factories import OPERATOR, make_provider, provider_input
from tests.idp.conformance.support import all_at_once, in_another_thread, refuses, succeeds, warm_up
from users.models import AuditEvent, State, User, UserSession
from users.services import suspend_person

pytestmark = pytest.mark.django_db(transaction=True)

ADA, GRACE = "ada@contoso.example", "grace@contoso.example"
Act = Callable[[PracticeTenant, IdentityProvider], object]


def test_twenty_first_sign_ins_of_one_person_make_one_link(
    tenant: PracticeTenant, provider: IdentityProvider, ada: User
) -> None:
    responses = all_at_once(lambda browser: browser.federated_sign_in(ADA), [Browser() for _ in range(20)])
    assert [response.status_code for response in responses] == [303] * 20
    assert FederatedIdentity.objects.get().person == ada
    assert AuditEvent.objects.filter(action="idp.identity.linked").count() == 1
    assert UserSession.objects.filter(person=ada).count() == 20


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


def test_many_people_sign_in_at_once(tenant: PracticeTenant, provider: IdentityProvider) -> None:
    people = [person for person in tenant.people if person.gatehouse == "active" and person.acct == 0]
    for person in people:
        User.objects.create(company_email=person.directory_email, user_name=person.user_name, state=State.ACTIVE)
    responses = all_at_once(lambda person: Browser().federated_sign_in(person.directory_email), people)
    assert {response.status_code for response in responses} == {303}
    assert FederatedIdentity.objects.count() == UserSession.objects.filter(person__isnull=False).count() == len(people)


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


@pytest.mark.parametrize("act", [_deactivate, _delete])
def test_a_provider_that_ends_in_the_last_moment_leaves_no_session(
    act: Act, tenant: PracticeTenant, provider: IdentityProvider, ada: User, browser_client: Browser
) -> None:
    """After the token was accepted, and before the session is stored with its provider."""

    def meanwhile(**_: object) -> None:
        in_another_thread(lambda: act(tenant, provider))

    user_logged_in.connect(meanwhile)
    try:
        browser_client.federated_sign_in()
    finally:
        user_logged_in.disconnect(meanwhile)
    assert not browser_client.is_signed_in


def test_a_person_who_is_suspended_in_the_last_moment_is_not_signed_in(
    tenant: PracticeTenant, provider: IdentityProvider, ada: User, browser_client: Browser
) -> None:
    def meanwhile(**_: object) -> None:
        in_another_thread(lambda: suspend_person(actor=OPERATOR, person=ada))

    user_logged_in.connect(meanwhile)
    try:
        browser_client.federated_sign_in()
    finally:
        user_logged_in.disconnect(meanwhile)
    assert not browser_client.is_signed_in


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
