"""What the claims of a federated sign-in change of the person: her fields, and her groups."""

from datetime import timedelta
from typing import Any

import pytest
import time_machine
from django.urls import reverse
from django.utils import timezone

from idp import claim_rules
from idp.models import ClaimOverage, IdentityProvider
from tests.browsing import Browser, last_event
from tests.entra_tenant import PracticeTenant
from tests.factories import OPERATOR, make_person
from users.audit import Actor
from users.groups import add_group, add_members, delete_group, remove_members
from users.models import AuditEvent, Group, GroupMembership, User

OVERAGE = {"_claim_names": {"groups": "src1"}, "_claim_sources": {"src1": {"endpoint": "https://graph.example/x"}}}
KEPT = "idp.identity.attributes_updated"


def map_claims(provider: IdentityProvider, **claims: str) -> None:
    for field, claim in claims.items():
        claim_rules.map_claim(actor=OPERATOR, provider=provider, field=field, claim=claim)


def rule(provider: IdentityProvider, claim: str, value: str, group: Group) -> None:
    claim_rules.add_claim_group(actor=OPERATOR, provider=provider, claim=claim, value=value, group=group)


def group_named(name: str) -> Group:
    return add_group(actor=OPERATOR, name=name)


def sign_in(browser: Browser, tenant: PracticeTenant, email: str = "ada@contoso.example", **claims: Any) -> None:
    """Sign in with these claims beside the honest ones; a None takes a claim away."""
    given = {name: value for name, value in claims.items() if value is not None}
    with tenant.lying(claims=given, drop=tuple(set(claims) - set(given))):
        response = browser.federated_sign_in(email)
    assert response.status_code == 303, response.content.decode()[-3000:]
    browser.post("/logout/")


def groups_of(person: User) -> list[str]:
    return sorted(person.groups.values_list("name", flat=True))


def test_mapped_claims_keep_fields_from_the_first_sign_in_on(
    tenant: PracticeTenant, provider: IdentityProvider, ada: User, browser_client: Browser
) -> None:
    map_claims(provider, given_name="given_name", department="dept", title="jobTitle", locale="xms_pl")
    sign_in(browser_client, tenant, dept="  Analytical   Engines ", jobTitle="Countess", xms_pl="en_gb")
    ada.refresh_from_db()
    kept = (ada.given_name, ada.department, ada.title, ada.locale)
    assert kept == ("Ada", "Analytical Engines", "Countess", "en-GB")
    assert ada.name_key.split()[:2] == ["ada", "lovelace"]
    event = last_event(action=KEPT)
    assert event.actor_id == ada.pk and event.target_id == str(ada.pk)
    assert event.details["changes"]["department"] == {"from": "", "to": "Analytical Engines"}
    assert event.details["provider"] == "Contoso Entra"
    sign_in(browser_client, tenant, dept="Analytical Engines", jobTitle="Countess", xms_pl="en-GB")
    assert AuditEvent.objects.filter(action=KEPT).count() == 1
    sign_in(browser_client, tenant, dept="Number Theory", given_name="Augusta")
    assert last_event(action=KEPT).details["changes"] == {
        "department": {"from": "Analytical Engines", "to": "Number Theory"},
        "given_name": {"from": "Ada", "to": "Augusta"},
    }
    ada.refresh_from_db()
    assert "augusta" in ada.name_key.split()  # searches find her by it


def test_a_missing_or_unclean_claim_changes_nothing_and_refuses_nobody(
    tenant: PracticeTenant, provider: IdentityProvider, ada: User, browser_client: Browser
) -> None:
    map_claims(provider, given_name="given_name", department="dept", title="jobTitle", locale="xms_pl")
    User.objects.filter(pk=ada.pk).update(given_name="Augusta", department="Engines", title="Countess", locale="en")
    sign_in(browser_client, tenant, given_name=None, dept="", jobTitle=["Countess", "Poet"], xms_pl="English")
    ada.refresh_from_db()
    assert (ada.given_name, ada.department, ada.title, ada.locale) == ("Augusta", "Engines", "Countess", "en")
    assert not AuditEvent.objects.filter(action=KEPT).exists()
    assert last_event(action="portal.sign_in.succeeded").details["claims_ignored"] == ["jobTitle", "xms_pl"]
    sign_in(browser_client, tenant, given_name="Ada", jobTitle="x" * 151)
    details = last_event(action=KEPT).details
    assert details["changes"] == {"given_name": {"from": "Augusta", "to": "Ada"}}
    assert details["ignored"] == ["jobTitle"]


def test_a_claim_that_is_not_mapped_any_more_changes_nothing(
    tenant: PracticeTenant, provider: IdentityProvider, ada: User, browser_client: Browser
) -> None:
    map_claims(provider, department="dept")
    sign_in(browser_client, tenant, dept="Engines")
    claim_rules.unmap_claim(actor=OPERATOR, provider=provider, field="department")
    sign_in(browser_client, tenant, dept="Poetry")
    ada.refresh_from_db()
    assert ada.department == "Engines"


def test_roles_and_groups_make_and_end_memberships(
    tenant: PracticeTenant, provider: IdentityProvider, ada: User, browser_client: Browser
) -> None:
    sales, staff = group_named("Sales"), group_named("Staff")
    rule(provider, "roles", "Sales.Rep", sales)
    rule(provider, "groups", "0f0f0f0f-0000-4000-8000-000000000001", staff)
    sign_in(browser_client, tenant, roles=["Sales.Rep", "Other"])
    assert groups_of(ada) == ["Sales"]
    event = last_event(action="users.group.member_added")
    assert (event.target_id, event.details["group"]) == (str(ada.pk), "Sales")
    assert (event.details["provider"], event.details["claims"]) == ("Contoso Entra", ["roles"])
    sign_in(browser_client, tenant, roles=["Other"], groups=["0f0f0f0f-0000-4000-8000-000000000001"])
    assert groups_of(ada) == ["Staff"]
    assert last_event(action="users.group.member_removed").details["group"] == "Sales"
    sign_in(browser_client, tenant)
    sign_in(browser_client, tenant, roles=7, groups={"a": "b"})
    assert groups_of(ada) == ["Staff"]
    assert last_event(action="portal.sign_in.succeeded").details["claims_ignored"] == ["groups", "roles"]


def test_claims_take_back_only_what_they_gave(
    tenant: PracticeTenant, provider: IdentityProvider, ada: User, browser_client: Browser
) -> None:
    by_hand, by_claim = group_named("By hand"), group_named("By claim")
    add_members(actor=OPERATOR, group=by_hand, people=[ada.pk])
    rule(provider, "roles", "A", by_hand)
    rule(provider, "roles", "B", by_claim)
    sign_in(browser_client, tenant, roles=["A", "B"])
    sign_in(browser_client, tenant, roles=["C"])
    assert groups_of(ada) == ["By hand"]
    # Taken out by an administrator and given by the claim again, it is the claim's.
    remove_members(actor=OPERATOR, group=by_hand, people=[ada.pk])
    sign_in(browser_client, tenant, roles=["A"])
    assert GroupMembership.objects.get(person=ada).given_by == provider.pk
    # A rule that is removed leaves its members; another one that names the group has them follow again.
    (first,) = provider.claim_groups.filter(group=by_hand)
    claim_rules.remove_claim_group(actor=OPERATOR, provider=provider, rule_id=first.pk)
    sign_in(browser_client, tenant, roles=["B"])
    assert groups_of(ada) == ["By claim", "By hand"]
    rule(provider, "roles", "D", by_hand)
    sign_in(browser_client, tenant, roles=["B"])
    assert groups_of(ada) == ["By claim"]


def test_groups_overage_changes_nothing_and_is_said_loudly(
    tenant: PracticeTenant, provider: IdentityProvider, ada: User, browser_client: Browser
) -> None:
    staff = group_named("Staff")
    rule(provider, "groups", "s", staff)
    sign_in(browser_client, tenant, groups=["s"])
    assert not ClaimOverage.objects.exists()
    sign_in(browser_client, tenant, **OVERAGE)
    assert groups_of(ada) == ["Staff"]
    assert last_event(action="portal.sign_in.succeeded").details["claims_left_out"] == ["groups"]
    first = ClaimOverage.objects.get()
    assert (first.provider, first.claim) == (provider, "groups")
    tenant.reset_log()
    sign_in(browser_client, tenant, **OVERAGE)
    assert ClaimOverage.objects.get().last_at == first.last_at
    with time_machine.travel(timezone.now() + timedelta(hours=2)):
        sign_in(browser_client, tenant, hasgroups=True)
    assert ClaimOverage.objects.get().last_at > first.last_at
    assert tenant.upstream_count() == 2  # the two token requests: nobody asked Microsoft for the groups


def test_colleagues_without_a_rule_are_left_alone(
    tenant: PracticeTenant, provider: IdentityProvider, ada: User, browser_client: Browser
) -> None:
    grace = make_person("grace@contoso.example", title="Rear Admiral")
    map_claims(provider, title="jobTitle")
    sign_in(browser_client, tenant, jobTitle="Countess")
    grace.refresh_from_db()
    assert grace.title == "Rear Admiral"


def test_a_refused_sign_in_changes_nothing(
    tenant: PracticeTenant, provider: IdentityProvider, browser_client: Browser
) -> None:
    annie = make_person("annie@contoso.example", state="staged")  # type: ignore[arg-type]
    map_claims(provider, title="jobTitle")
    with tenant.lying(claims={"jobTitle": "Mathematician"}):
        assert browser_client.federated_sign_in("annie@contoso.example").status_code == 403
    annie.refresh_from_db()
    assert annie.title == ""


def test_a_group_that_a_rule_names_is_kept(provider: IdentityProvider) -> None:
    staff = group_named("Staff")
    rule(provider, "roles", "s", staff)
    with pytest.raises(Exception, match="a claim rule of Contoso Entra"):
        delete_group(actor=OPERATOR, group=staff)


def test_the_person_who_signs_in_is_the_actor(
    tenant: PracticeTenant, provider: IdentityProvider, ada: User, browser_client: Browser
) -> None:
    rule(provider, "roles", "s", group_named("Staff"))
    sign_in(browser_client, tenant, roles="s")
    event = last_event(action="users.group.member_added")
    assert (event.actor_id, event.actor_label) == (ada.pk, Actor(ada, ada.label).label)


def test_the_form_of_a_linked_person_says_who_keeps_a_field(
    tenant: PracticeTenant, provider: IdentityProvider, ada: User, admin_browser: Browser
) -> None:
    map_claims(provider, title="jobTitle")
    hint = "Kept by Contoso Entra"
    edit = reverse("admin_portal:edit_person", kwargs={"person": ada.pk})
    assert hint not in admin_browser.get(edit).content.decode()
    sign_in(Browser(), tenant)
    page = admin_browser.get(edit)
    assert page.status_code == 200 and page.content.decode().count(hint) == 1
    User.objects.filter(pk=ada.pk).update(admin_role="read_only")  # from now on she signs in without the provider
    page = admin_browser.get(edit)
    assert page.status_code == 200 and hint not in page.content.decode()
