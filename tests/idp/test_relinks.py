"""Forgetting and mapping links, after a registration, a tenant or the subjects were replaced."""

from uuid import uuid4

import pytest
from django.http import HttpResponse
from django.utils import timezone

from idp.errors import ChangedMeanwhile, ImpactChanged, ImpactNotConfirmed
from idp.link_errors import LinkFileRefused
from idp.models import FederatedIdentity, IdentityProvider
from idp.pre_linking import pre_link_people
from idp.relink_impact import forget_impact
from idp.relinking import forget_links, map_links
from tests.browsing import Browser, assert_refused, last_event
from tests.entra_tenant import PracticeTenant
from tests.factories import OPERATOR, make_administrator, make_person, make_provider
from tests.idp.conformance.support import all_at_once, warm_up
from tests.idp.links import ADA, GRACE, OID, moved, people, pre_link, refusal_of
from users.models import AuditEvent, State, User, UserSession

pytestmark = pytest.mark.django_db(transaction=True)


def test_forgetting_shows_whom_the_ladder_finds_again(tenant: PracticeTenant, administrator: User) -> None:
    provider = make_provider(tenant, email_domains=["contoso.example"])
    found, outside = make_person(ADA), make_person("out@fabrikam.example", display_name="Out Sider")
    staged = make_person(state=State.STAGED)
    known, present = make_person("known@fabrikam.example", external_id=OID), make_person()
    promoted = make_administrator()
    for person in (found, outside, staged, known, present):
        pre_link(provider, person, str(uuid4()))
    FederatedIdentity.objects.create(person=promoted, provider=provider, issuer="https://former.example", subject="1")
    moved(provider, found, outside, staged, known, present)
    pre_link(provider, present, str(uuid4()))
    impact = forget_impact(provider, every=False)
    assert impact.numbers() == {
        "links_forgotten": 6,
        "linked_now": 1,
        "by_external_id": 1,
        "by_email": 1,
        "not_found": 1,
        "not_active": 1,
        "administrators": 1,
        "sessions_ended": 0,
    }
    (not_found,) = [line for line in impact.lines if line.key == "not_found"]
    assert (not_found.examples, not_found.tone) == (("Out Sider",), "danger")
    assert forget_impact(provider, every=True).numbers()["links_forgotten"] == 7


def test_without_domains_everybody_can_be_found_by_email(provider: IdentityProvider) -> None:
    pre_link(provider, make_person("x@anywhere.example"))
    numbers = forget_impact(provider, every=True).numbers()
    assert (numbers["by_email"], numbers["not_found"]) == (1, 0)


def test_a_scheduled_state_whose_moment_has_come_counts_when_links_are_forgotten(provider: IdentityProvider) -> None:
    leaver = make_person("x@anywhere.example")
    pre_link(provider, leaver)
    User.objects.filter(pk=leaver.pk).update(scheduled_state=State.SUSPENDED, scheduled_at=timezone.now())
    numbers = forget_impact(provider, every=True).numbers()
    assert (numbers["by_email"], numbers["not_active"]) == (0, 1)


def test_forgotten_links_are_made_anew_at_the_next_sign_in(
    tenant: PracticeTenant, provider: IdentityProvider, ada: User
) -> None:
    """A plain client was replaced: the same issuer, another subject for everybody."""
    browser = warm_up(tenant)
    FederatedIdentity.objects.update(subject=f"{tenant.tenant_id}.{uuid4()}")
    assert_refused(Browser().federated_sign_in(ADA), "federation.person_linked_elsewhere")
    with pytest.raises(ImpactNotConfirmed):
        forget_links(actor=OPERATOR, provider=provider, every=True, understood=False)
    stale = forget_impact(provider, every=True).fingerprint
    pre_link(provider, make_person())
    with pytest.raises(ImpactChanged):
        forget_links(actor=OPERATOR, provider=provider, every=True, understood=True, fingerprint=stale)
    impact = forget_links(actor=OPERATOR, provider=provider, every=True, understood=True)
    assert impact.numbers()["links_forgotten"] == 2
    assert not browser.is_signed_in
    assert browser.federated_sign_in(ADA).status_code == 303
    event = last_event(action="idp.identities.forgotten", outcome="success")
    assert (event.details["links_forgotten"], event.details["sessions_ended"]) == (2, 1)
    assert last_event(action="idp.identity.unlinked", target_id=str(ada.pk)).details["rule"] == "relink"


def test_links_to_the_present_issuer_and_their_sessions_stay(
    tenant: PracticeTenant, provider: IdentityProvider, ada: User
) -> None:
    browser = warm_up(tenant)
    other = make_person()
    pre_link(provider, other, str(uuid4()))
    moved(provider, other)
    assert (
        forget_links(actor=OPERATOR, provider=provider, every=False, understood=True).numbers()["links_forgotten"] == 1
    )
    assert (FederatedIdentity.objects.get().person, browser.is_signed_in) == (ada, True)


def test_links_are_mapped_by_old_object_id_also_where_two_people_swap(
    tenant: PracticeTenant, provider: IdentityProvider, ada: User
) -> None:
    browser, grace = warm_up(tenant), make_person(GRACE)
    oids = tenant.person(ADA).oid, tenant.person(GRACE).oid
    pre_link(provider, grace, oids[1])
    before = {link.person_id: link.pk for link in FederatedIdentity.objects.all()}
    lines = f"{oids[0]},{oids[1]}\n{oids[1]},{oids[0]}"
    impact = map_links(actor=OPERATOR, provider=provider, lines=lines, dry_run=True)
    assert impact.numbers() == {"links_moved": 2, "unchanged": 0, "sessions_ended": 1}
    assert FederatedIdentity.objects.get(person=ada).subject.endswith(oids[0])
    with pytest.raises(ImpactNotConfirmed):
        map_links(actor=OPERATOR, provider=provider, lines=lines)
    with pytest.raises(ImpactChanged):
        map_links(actor=OPERATOR, provider=provider, lines=lines, understood=True, fingerprint="x")
    map_links(actor=OPERATOR, provider=provider, lines=lines, understood=True, fingerprint=impact.fingerprint)
    link = FederatedIdentity.objects.get(person=ada)
    assert (link.subject, link.rule, link.email) == (f"{tenant.tenant_id}.{oids[1]}", "relink", ADA)
    assert {link.person_id: link.pk for link in FederatedIdentity.objects.all()} == before
    assert not browser.is_signed_in
    event = last_event(action="idp.identity.linked", target_id=str(ada.pk))
    assert (event.details["rule"], event.details["former_subject"]) == ("relink", f"{tenant.tenant_id}.{oids[0]}")
    assert last_event(action="idp.identities.mapped", outcome="success").details["links_moved"] == 2
    with tenant.lying(claims={"email": "other@contoso.example", "upn": "other@contoso.example"}):
        assert Browser().federated_sign_in(GRACE).status_code == 303


@pytest.mark.parametrize("header", ["", "company_email,new_object_id\n", "Old_Object_ID,New_Object_ID\n"])
def test_links_of_a_former_tenant_are_mapped_to_the_present_issuer(
    header: str, tenant: PracticeTenant, provider: IdentityProvider, browser_client: Browser
) -> None:
    person = make_person("countess@lovelace.example")
    pre_link(provider, person)
    moved(provider, person)
    old = FederatedIdentity.objects.get().subject.partition(".")[2]
    first = old if header.startswith("Old") else person.company_email.upper()
    lines = f"{header}{first},{tenant.person(ADA).oid}"
    map_links(actor=OPERATOR, provider=provider, lines=lines, understood=True)
    assert browser_client.federated_sign_in(ADA).status_code == 303
    assert FederatedIdentity.objects.get().issuer == provider.issuer


def test_mapping_twice_changes_nothing_the_second_time(provider: IdentityProvider) -> None:
    person = make_person()
    pre_link(provider, person)
    lines = f"{person.company_email},{OID}"
    impact = map_links(actor=OPERATOR, provider=provider, lines=lines, understood=True)
    assert impact.numbers() == {"links_moved": 0, "unchanged": 1, "sessions_ended": 0}
    assert not AuditEvent.objects.filter(action="idp.identities.mapped").exists()


def test_one_line_that_cannot_be_mapped_stops_all(provider: IdentityProvider, administrator: User) -> None:
    ada, grace, both, unlinked = people(4)
    for person in (ada, grace, both):
        pre_link(provider, person, str(uuid4()))
    moved(provider, both)
    former = FederatedIdentity.objects.get(person=both).subject
    pre_link(provider, both, OID)
    graces = FederatedIdentity.objects.get(person=grace).subject.partition(".")[2]
    old = FederatedIdentity.objects.get(person=ada).subject
    with pytest.raises(LinkFileRefused) as refused:
        lines = f"{old},{graces}\n{uuid4()},{uuid4()}\n{former},{uuid4()}\n{old},{uuid4()}\n"
        map_links(actor=OPERATOR, provider=provider, lines=lines, understood=True)
    assert [str(problem) for problem in refused.value.problems][0] == (
        f"line 1: the new account is linked to {grace.company_email} already"
    )
    told = " ".join(map(str, refused.value.problems))
    assert "line 2: no link has the old account" in told
    assert f"line 3: {both.company_email} is linked to another account of the present issuer already" in told
    assert "line 4: the old account stands in line 1 already" in told
    FederatedIdentity.objects.create(person=administrator, provider=provider, issuer="x", subject="y")
    with pytest.raises(LinkFileRefused) as refused:
        lines = f"{unlinked.company_email},{uuid4()}\n{administrator.company_email},{uuid4()}\n{ada.company_email},nope"
        map_links(actor=OPERATOR, provider=provider, lines=lines, understood=True)
    told = " ".join(map(str, refused.value.problems))
    assert "has no link that could be moved" in told and "is an administrator" in told and "nope is not" in told
    assert FederatedIdentity.objects.get(person=ada).subject == old


def test_another_provider_with_the_same_issuer_may_be_faster(
    tenant: PracticeTenant, provider: IdentityProvider
) -> None:
    """Its links are made under its own lock, so that here only the constraint decides."""
    twin = make_provider(tenant, active=False, name="Twin")
    ada, grace = people(2)
    pre_link(twin, ada)
    assert refusal_of(lambda: pre_link(provider, grace)) == "idp.link.account_linked"
    with pytest.raises((LinkFileRefused, ChangedMeanwhile)):
        pre_link_people(actor=OPERATOR, provider=provider, lines=f"{grace.company_email},{OID}")


def test_links_are_forgotten_while_people_sign_in(
    tenant: PracticeTenant, provider: IdentityProvider, ada: User
) -> None:
    """Nobody meets a defect, and no session is left that rests on no link."""
    browsers = [*(warm_up(tenant) for _ in range(3)), Browser(), Browser()]
    answers = {id(browser): browser.at_provider(browser.begin()) for browser in browsers}

    def work(browser: Browser | None) -> HttpResponse:
        if browser is not None:
            return browser.come_back(answers[id(browser)])
        forget_links(actor=OPERATOR, provider=provider, every=True, understood=True)
        return HttpResponse()

    responses = all_at_once(work, [*browsers, None])
    assert {response.status_code for response in responses} <= {200, 303, 400, 403, 404}
    if not FederatedIdentity.objects.exists():
        assert not UserSession.objects.filter(person=ada).exists()
