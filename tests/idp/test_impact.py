"""The impact of activating, deactivating and deleting: numbers and names, and stale confirmations."""

from datetime import timedelta

import pytest
from django.utils import timezone

from idp import activation, credentials, services
from idp.errors import ImpactChanged, ImpactNotConfirmed, NameConfirmationWrong
from idp.impact import Act, ProviderImpact, impact_of
from idp.models import IdentityProvider
from tests.browsing import Browser, last_event
from tests.entra_tenant import PracticeTenant
from tests.factories import OPERATOR, PASSWORD, make_administrator, make_person, make_provider
from users.models import State, User


def numbers(act: Act, provider: IdentityProvider) -> dict[str, int]:
    """Return the impact's counts."""
    return impact_of(act, provider).numbers()


def test_activation_counts_people_by_what_becomes_of_them(tenant: PracticeTenant, administrator: User) -> None:
    make_person("in@contoso.example")
    outside = make_person("out@fabrikam.example")
    make_person("staged@contoso.example", state=State.STAGED)
    make_person("gone@contoso.example", state=State.SUSPENDED)
    provider = make_provider(tenant, active=False, email_domains=["Contoso.example"])
    assert numbers(Act.ACTIVATE, provider) == {
        "people_sent": 2,
        "already_linked": 0,
        "outside_domains": 1,
        "staged": 1,
        "suspended": 1,
        "sessions_ended": 0,
        "administrators_kept": 1,
    }
    line = next(line for line in impact_of(Act.ACTIVATE, provider).lines if line.key == "outside_domains")
    assert (line.examples, line.tone) == ((outside.label,), "danger")


def test_a_scheduled_state_whose_moment_has_come_counts(tenant: PracticeTenant, administrator: User) -> None:
    leaver = make_person("leaver@contoso.example")
    an_hour_ago = timezone.now() - timedelta(hours=1)
    User.objects.filter(pk=leaver.pk).update(scheduled_state=State.SUSPENDED, scheduled_at=an_hour_ago)
    counted = numbers(Act.ACTIVATE, make_provider(tenant, active=False))
    assert (counted["people_sent"], counted["suspended"]) == (0, 1)
    assert last_event(action="users.person.suspended").target_id == str(leaver.pk)


def test_a_domain_does_not_cover_one_that_only_ends_like_it(tenant: PracticeTenant, administrator: User) -> None:
    make_person("mallory@evilcontoso.example")
    provider = make_provider(tenant, active=False, email_domains=["contoso.example"])
    assert numbers(Act.ACTIVATE, provider)["outside_domains"] == 1


def test_activation_ends_local_sessions_of_people_but_not_of_administrators(
    tenant: PracticeTenant, administrator: User
) -> None:
    person = make_person(password=PASSWORD)
    local, admin = Browser(), Browser()
    local.sign_in_with_password(person)
    admin.sign_in_as_administrator(administrator)
    provider = make_provider(tenant, active=False)
    assert numbers(Act.ACTIVATE, provider)["sessions_ended"] == 1
    activation.activate_provider(actor=OPERATOR, provider=provider, understood=True, fingerprint=None)
    assert not local.is_signed_in
    assert admin.is_administering
    assert last_event(action="idp.provider.activated").details["sessions_ended"] == 1


def test_deactivation_names_who_has_no_password(provider: IdentityProvider, ada: User, browser_client: Browser) -> None:
    browser_client.federated_sign_in()
    expected = {"locked_out": 1, "back_to_password": 0, "sessions_ended": 1}
    assert numbers(Act.DEACTIVATE, provider) == expected
    activation.deactivate_provider(actor=OPERATOR, provider=provider)
    assert not browser_client.is_signed_in


def test_people_with_a_password_come_in_again_after_deactivation(
    tenant: PracticeTenant, administrator: User, browser_client: Browser
) -> None:
    person = make_person(password=PASSWORD)
    provider = make_provider(tenant)
    assert numbers(Act.DEACTIVATE, provider)["back_to_password"] == 1
    activation.deactivate_provider(actor=OPERATOR, provider=provider)
    browser_client.sign_in_with_password(person)
    assert browser_client.is_signed_in


def test_deletion_counts_the_links_that_are_lost(
    provider: IdentityProvider, ada: User, browser_client: Browser
) -> None:
    browser_client.federated_sign_in()
    expected = {"links_lost": 1, "policies_lost": 1, "locked_out": 1, "back_to_password": 0, "sessions_ended": 1}
    assert numbers(Act.DELETE, provider) == expected
    assert impact_of(Act.DELETE, provider).lines[0].examples == ("Ada Lovelace",)


def test_a_draft_locks_nobody_out_when_it_is_deleted(tenant: PracticeTenant, administrator: User, ada: User) -> None:
    provider = make_provider(tenant, active=False)
    assert numbers(Act.DELETE, provider)["locked_out"] == 0


def test_a_stale_confirmation_changes_nothing(tenant: PracticeTenant, administrator: User) -> None:
    provider = make_provider(tenant, active=False)
    seen = impact_of(Act.ACTIVATE, provider).fingerprint
    make_person()
    with pytest.raises(ImpactChanged):
        activation.activate_provider(actor=OPERATOR, provider=provider, understood=True, fingerprint=seen)
    provider.refresh_from_db()
    assert not provider.is_active
    assert last_event(action="idp.provider.activated").error_code == "idp.impact_changed"


def test_a_changed_provider_makes_a_confirmation_stale(tenant: PracticeTenant, administrator: User) -> None:
    provider = make_provider(tenant, active=False)
    seen = impact_of(Act.ACTIVATE, provider).fingerprint
    credentials.set_client_secret(actor=OPERATOR, provider=provider, client_secret=tenant.add_secret())
    with pytest.raises(ImpactChanged):
        activation.activate_provider(actor=OPERATOR, provider=provider, understood=True, fingerprint=seen)


def test_sessions_that_come_and_go_do_not_make_a_confirmation_stale(
    tenant: PracticeTenant, administrator: User, browser_client: Browser
) -> None:
    provider = make_provider(tenant, active=False)
    person = make_person(password=PASSWORD)
    seen = impact_of(Act.ACTIVATE, provider).fingerprint
    browser_client.sign_in_with_password(person)
    activation.activate_provider(actor=OPERATOR, provider=provider, understood=True, fingerprint=seen)
    assert not browser_client.is_signed_in


def test_nothing_is_activated_without_understanding(tenant: PracticeTenant, administrator: User) -> None:
    provider = make_provider(tenant, active=False)
    with pytest.raises(ImpactNotConfirmed):
        activation.activate_provider(actor=OPERATOR, provider=provider, understood=False, fingerprint=None)


def test_nothing_is_deleted_under_another_name(tenant: PracticeTenant, administrator: User) -> None:
    provider = make_provider(tenant, active=False)
    with pytest.raises(NameConfirmationWrong):
        services.delete_provider(actor=OPERATOR, provider=provider, confirm_name="contoso entra")
    assert IdentityProvider.objects.exists()


def test_an_impact_knows_how_many_names_it_leaves_out(tenant: PracticeTenant, administrator: User) -> None:
    for _ in range(7):
        make_person()
    make_administrator()
    impact: ProviderImpact = impact_of(Act.ACTIVATE, make_provider(tenant, active=False))
    sent = next(line for line in impact.lines if line.key == "people_sent")
    assert (sent.count, len(sent.examples), sent.more) == (7, 5, 2)


def test_people_whom_an_external_id_can_find_are_not_counted_as_unmatched(
    tenant: PracticeTenant, administrator: User
) -> None:
    make_person("out@fabrikam.example", external_id=tenant.person("ada@contoso.example").oid)
    provider = make_provider(tenant, active=False, email_domains=["contoso.example"])
    assert numbers(Act.ACTIVATE, provider)["outside_domains"] == 0
