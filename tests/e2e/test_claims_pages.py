"""The claims of a provider in a browser: empty, full, in error, previewed; and what a rehearsal says of them."""

from playwright.sync_api import Page

from idp.claim_rules import JitInput, add_claim_group, map_claim, set_jit
from idp.models import ClaimOverage, IdentityProvider
from tests.e2e import steps
from tests.e2e.looking import Eye
from tests.e2e.steps import heading, press, says
from tests.e2e.test_rehearsal_pages import rehearse_as
from tests.e2e.test_routing_pages import LONG
from tests.entra_tenant import PracticeTenant
from tests.factories import OPERATOR, make_person, make_provider
from tests.idp.test_routing import make_policy
from users.groups import add_group
from users.models import User

OVERAGE = {"_claim_names": {"groups": "src1"}, "_claim_sources": {"src1": {"endpoint": "https://graph.example/x"}}}


def claims_of(page: Page, provider: IdentityProvider) -> None:
    page.goto(f"{steps.PROVIDERS}{provider.pk}/claims/")
    heading(page, "Claims")


def test_claims_are_mapped_previewed_and_rehearsed(
    admin_page: Page, tenant: PracticeTenant, ada: User, administrator: User, eye: Eye
) -> None:
    provider = make_provider(tenant, active=False)
    add_group(actor=OPERATOR, name="Sales")
    claims_of(admin_page, provider)
    says(admin_page, "No group is filled by claims.")
    eye.look(admin_page, "claims-empty")
    admin_page.locator("#id_map_field").select_option("title")
    admin_page.locator("#id_map_claim").fill("jobTitle")
    press(admin_page, "Keep the field by this claim")
    says(admin_page, "Job title is kept by a claim")
    fill_in_rule(admin_page, "Nowhere")
    says(admin_page, "There is no group Nowhere.")
    eye.look(admin_page, "claims-error")
    fill_in_rule(admin_page, "Sales")
    says(admin_page, "There is no rehearsal to try it out on")
    eye.look(admin_page, "claims-preview-without")
    claims = {"jobTitle": "Countess", "roles": ["Sales.Rep"]}
    with tenant.lying(claims=claims):
        admin_page.goto(f"{steps.PROVIDERS}{provider.pk}/")
        tab = rehearse_as(admin_page, "Ada Lovelace")
        says(tab, "What the claims would change")
        eye.look(tab, "claims-rehearsal")
        tab.close()
    claims_of(admin_page, provider)
    fill_in_rule(admin_page, "Sales")
    says(admin_page, "Joins")
    eye.look(admin_page, "claims-preview")
    press(admin_page, "Add the rule")
    says(admin_page, "The rule for Sales counts")


def fill_in_rule(page: Page, group: str) -> None:
    page.locator("#id_rule_claim").fill("roles")
    page.locator("#id_rule_value").fill("Sales.Rep")
    page.locator("#id_rule_group").fill(group)
    press(page, "Preview the rule")


def test_many_rules_with_overage_and_new_people(
    admin_page: Page, tenant: PracticeTenant, ada: User, administrator: User, eye: Eye
) -> None:
    provider = make_provider(tenant)
    long = add_group(actor=OPERATOR, name=LONG)
    for field in ("given_name", "family_name", "department", "locale"):
        map_claim(actor=OPERATOR, provider=provider, field=field, claim=f"https://claims.example/identity/{field}")
    for number in range(27):
        value = f"0f0f0f0f-0000-4000-8000-{number:012}"
        add_claim_group(actor=OPERATOR, provider=provider, claim="groups", value=value, group=long)
    make_policy(provider, position=2, groups=(long,))
    ClaimOverage.objects.create(provider=provider, claim="groups")
    given = JitInput(True, ["contoso.example", "very.long.subsidiary.fabrikam-holding.example"], "staged", [long])
    set_jit(actor=OPERATOR, provider=provider, given=given)
    with tenant.lying(claims=OVERAGE):
        admin_page.goto(f"{steps.PROVIDERS}{provider.pk}/")
        eye.look(admin_page, "claims-provider")
        tab = rehearse_as(admin_page, "Ada Lovelace")
        says(tab, "Groups overage")
        eye.look(tab, "claims-overage")
        tab.close()
        tab = rehearse_as(admin_page, "Claude Shannon")
        says(tab, "Claude Shannon would be added")
        eye.look(tab, "claims-new-person")
        tab.close()
    claims_of(admin_page, provider)
    says(admin_page, "Routing policies name groups that claims fill")
    eye.look(admin_page, "claims-full")
    admin_page.goto("/admin/")
    says(admin_page, "Contoso Entra leaves groups out of some tokens")


def test_the_form_of_a_person_says_who_keeps_a_field(
    admin_page: Page, tenant: PracticeTenant, administrator: User, eye: Eye
) -> None:
    provider = make_provider(tenant)
    map_claim(actor=OPERATOR, provider=provider, field="title", claim="jobTitle")
    person = make_person("ada@contoso.example", display_name="Ada Lovelace")
    person.federated_identities.create(provider=provider, issuer=provider.issuer, subject="x")
    admin_page.goto(f"/admin/user-management/users/{person.pk}/edit/")
    says(admin_page, "Kept by Contoso Entra")
    eye.look(admin_page, "person-edit-kept")
