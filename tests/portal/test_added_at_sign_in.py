"""Just-in-time creation: who is added at a first sign-in, how, and who never is."""

from dataclasses import replace
from typing import Any
from uuid import uuid4

import pytest

from idp.claim_rules import JitInput, add_claim_group, map_claim, set_jit
from idp.models import FederatedIdentity, IdentityProvider, PendingLink, RoutingPolicy
from idp.routing_policies import PolicyInput, add_policy
from tests.browsing import Browser, assert_refused, last_event
from tests.entra_tenant import PracticeTenant
from tests.factories import OPERATOR, make_person, make_provider
from tests.idp.conformance.support import all_at_once
from users.groups import add_group
from users.models import AuditEvent, Group, State, User
from users.services import activate_person

CLAUDE = "claude@contoso.example"


def let_in(provider: IdentityProvider, state: str = "active", *groups: Group, domain: str = "contoso.example") -> None:
    given = JitInput(True, [domain], state, groups)
    set_jit(actor=OPERATOR, provider=provider, given=given)


@pytest.fixture
def new_people(db: None) -> Group:
    return add_group(actor=OPERATOR, name="New people")


def test_nobody_is_added_unless_the_switch_says_so(provider: IdentityProvider, browser_client: Browser) -> None:
    assert_refused(browser_client.federated_sign_in(CLAUDE), "federation.no_match")
    set_jit(actor=OPERATOR, provider=provider, given=JitInput(False, ["contoso.example"]))
    assert_refused(browser_client.federated_sign_in(CLAUDE), "federation.no_match")
    assert not User.objects.filter(company_email=CLAUDE).exists()


def test_a_person_is_added_active_with_claims_groups_and_a_link(
    tenant: PracticeTenant, provider: IdentityProvider, new_people: Group, browser_client: Browser
) -> None:
    sales = add_group(actor=OPERATOR, name="Sales")
    let_in(provider, "active", new_people)
    map_claim(actor=OPERATOR, provider=provider, field="title", claim="jobTitle")
    add_claim_group(actor=OPERATOR, provider=provider, claim="roles", value="Sales.Rep", group=sales)
    with tenant.lying(claims={"jobTitle": "Professor", "roles": ["Sales.Rep"]}):
        assert browser_client.federated_sign_in(CLAUDE).status_code == 303
    assert browser_client.is_signed_in
    person = User.objects.get(company_email=CLAUDE)
    account = tenant.person(CLAUDE)
    assert account is not None
    known = (person.user_name, person.display_name, person.given_name, person.family_name, person.title)
    assert known == ("claude", "Claude Shannon", "Claude", "Shannon", "Professor")
    assert (person.state, person.source, person.external_id) == ("active", "federation", account.oid)
    assert person.admin_role is None and not person.has_usable_password()
    given = dict(person.memberships.values_list("group__name", "given_by"))
    assert given == {"New people": None, "Sales": provider.pk}
    assert FederatedIdentity.objects.get(person=person).rule == "created"
    added = last_event(action="users.person.added")
    assert (added.target_id, added.details["source"]) == (str(person.pk), "federation")
    assert added.details["provider"] == "Contoso Entra"
    assert last_event(action="idp.identity.linked").details["rule"] == "created"
    assert last_event(action="portal.sign_in.succeeded").details["method"] == "created"
    assert not AuditEvent.objects.filter(action="idp.identity.attributes_updated").exists()
    browser_client.post("/logout/")
    with tenant.lying(claims={"roles": ["Other"]}):
        browser_client.federated_sign_in(CLAUDE)
    assert last_event(action="portal.sign_in.succeeded").details["method"] == "link"
    assert list(person.groups.values_list("name", flat=True)) == ["New people"]


def test_a_staged_person_is_added_once_and_waits(
    tenant: PracticeTenant, provider: IdentityProvider, browser_client: Browser
) -> None:
    let_in(provider, "staged")
    first = browser_client.federated_sign_in(CLAUDE)
    assert_refused(first, "federation.person_awaits_activation")
    assert "was created just now, and waits" in first.content.decode()
    person = User.objects.get(company_email=CLAUDE)
    refused = last_event(action="portal.sign_in.failed")
    assert refused.target_id == str(person.pk)
    assert not PendingLink.objects.exists()
    assert_refused(browser_client.federated_sign_in(CLAUDE), "federation.person_staged")
    assert User.objects.filter(company_email__startswith="claude").count() == 1
    activate_person(actor=OPERATOR, person=person)
    assert browser_client.federated_sign_in(CLAUDE).status_code == 303


def test_a_user_name_that_somebody_has_gets_a_number(provider: IdentityProvider, browser_client: Browser) -> None:
    make_person("claude@fabrikam.example")
    let_in(provider)
    browser_client.federated_sign_in(CLAUDE)
    assert User.objects.get(company_email=CLAUDE).user_name == "claude-2"


NOBODY: list[tuple[dict[str, Any], str]] = [
    ({"email": "claude@fabrikam.example", "upn": "claude@fabrikam.example"}, "federation.no_match"),
    ({"xms_edov": False}, "federation.email_unverified"),
    ({"acct": 1}, "federation.guest_not_linked"),
    ({"email": "", "upn": ""}, "federation.email_missing"),
    ({"email": "сlaude@contoso.example"}, "federation.email_not_plain"),
    ({"email": "ada@contoso.example", "upn": "grace@contoso.example"}, "federation.match_ambiguous"),
]


@pytest.mark.parametrize(("claims", "code"), NOBODY)
def test_who_is_never_added(
    claims: dict[str, Any],
    code: str,
    tenant: PracticeTenant,
    administrator: User,
    ada: User,
    browser_client: Browser,
) -> None:
    make_person("grace@contoso.example")
    let_in(make_provider(tenant, allow_guests=True))
    people = User.objects.count()
    with tenant.lying(claims=claims):
        assert_refused(browser_client.federated_sign_in(CLAUDE), code)
    assert User.objects.count() == people
    assert PendingLink.objects.get().reason == code


def test_an_administrators_email_adds_nobody(
    tenant: PracticeTenant, provider: IdentityProvider, administrator: User, browser_client: Browser
) -> None:
    let_in(provider)
    with tenant.lying(claims={"email": administrator.company_email, "upn": administrator.company_email}):
        assert_refused(browser_client.federated_sign_in(CLAUDE), "federation.person_is_administrator")


def test_the_upn_counts_where_the_email_is_of_another_domain(
    tenant: PracticeTenant, provider: IdentityProvider, browser_client: Browser
) -> None:
    let_in(provider)
    with tenant.lying(claims={"email": "claude@elsewhere.example", "upn": CLAUDE}):
        assert browser_client.federated_sign_in(CLAUDE).status_code == 303
    assert User.objects.filter(company_email=CLAUDE).exists()


def test_an_email_outside_the_providers_own_domains_is_passed_over(
    tenant: PracticeTenant, provider: IdentityProvider, browser_client: Browser
) -> None:
    """The provider's email domains were narrowed after its new people's were set."""
    given = JitInput(True, ["contoso.example", "fabrikam.example"], "active")
    set_jit(actor=OPERATOR, provider=provider, given=given)
    IdentityProvider.objects.filter(pk=provider.pk).update(email_domains=["contoso.example"], revision=99)
    with tenant.lying(claims={"email": "claude@fabrikam.example", "upn": CLAUDE}):
        assert browser_client.federated_sign_in(CLAUDE).status_code == 303
    assert User.objects.filter(company_email=CLAUDE).exists()
    assert not User.objects.filter(company_email="claude@fabrikam.example").exists()


def test_unclean_names_keep_nobody_out(
    tenant: PracticeTenant, provider: IdentityProvider, browser_client: Browser
) -> None:
    let_in(provider)
    lie = {"name": "Claude\u0007\u202e", "given_name": "C" * 200, "family_name": "Shannon"}
    with tenant.lying(claims=lie):
        assert browser_client.federated_sign_in(CLAUDE).status_code == 303
    person = User.objects.get(company_email=CLAUDE)
    assert (person.given_name, person.family_name, person.display_name) == ("", "Shannon", "Claude")


def test_nobody_is_added_whom_no_routing_policy_would_send_here(
    provider: IdentityProvider, new_people: Group, browser_client: Browser, ada: User
) -> None:
    let_in(provider, "active")
    RoutingPolicy.objects.all().delete()
    given = PolicyInput("New people", groups=[new_people])
    add_policy(actor=OPERATOR, provider=provider, given=given)
    people = User.objects.count()
    location = browser_client.at_provider(browser_client.get("/oauth/login/entra/", {"login_hint": CLAUDE})["Location"])
    assert_refused(browser_client.come_back(location), "federation.newcomer_routed_elsewhere")
    assert User.objects.count() == people
    assert PendingLink.objects.get().reason == "federation.newcomer_routed_elsewhere"
    # In the group that the policy names, she would be sent here.
    let_in(provider, "active", new_people)
    location = browser_client.at_provider(browser_client.get("/oauth/login/entra/", {"login_hint": CLAUDE})["Location"])
    assert browser_client.come_back(location).status_code == 303
    assert browser_client.is_signed_in


@pytest.mark.django_db(transaction=True)
def test_ten_first_sign_ins_at_once_add_one_person_with_one_link(
    tenant: PracticeTenant, provider: IdentityProvider, new_people: Group
) -> None:
    let_in(provider, "active", new_people)
    responses = all_at_once(lambda browser: browser.federated_sign_in(CLAUDE), [Browser() for _ in range(10)])
    assert [response.status_code for response in responses] == [303] * 10
    person = User.objects.get(company_email=CLAUDE)
    assert FederatedIdentity.objects.get().person == person
    assert AuditEvent.objects.filter(action="users.person.added", target_id=str(person.pk)).count() == 1


@pytest.mark.django_db(transaction=True)
def test_two_accounts_with_one_name_are_two_people(tenant: PracticeTenant, provider: IdentityProvider) -> None:
    """The same part before the @: each gets a user name of her own, also in the same moment."""
    IdentityProvider.objects.filter(pk=provider.pk).update(email_domains=[])
    given = JitInput(True, ["contoso.example", "a.example", "b.example"])
    set_jit(actor=OPERATOR, provider=provider, given=replace(given, state=State.ACTIVE.value))
    template = tenant.person(CLAUDE)
    assert template is not None
    emails = ["claude@a.example", "claude@b.example"]
    for email in emails:
        tenant.people.append(replace(template, email=email, upn=email, oid=str(uuid4())))
    responses = all_at_once(lambda email: Browser().federated_sign_in(email), emails)
    assert [response.status_code for response in responses] == [303, 303]
    names = User.objects.filter(company_email__in=emails).values_list("user_name", flat=True)
    assert sorted(names) == ["claude", "claude-2"]
