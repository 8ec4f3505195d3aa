"""Routing policies in a browser: who goes where, a new policy with its impact, a pilot, archiving."""

from playwright.sync_api import Page, expect

from idp.models import FederatedIdentity, IdentityProvider, RoutingPolicy
from tests.e2e.looking import Eye
from tests.e2e.steps import PROVIDERS, heading, press, says
from tests.factories import make_person
from tests.idp.test_routing import make_policy, make_provider_row
from users.models import Group, GroupMembership, User

LONG = "People of the very long subsidiary of Fabrikam-Holding, without its contractors and apprentices"


def group(name: str, *people: User) -> Group:
    made = Group.objects.create(name=name)
    for person in people:
        GroupMembership.objects.create(group=made, person=person)
    return made


def test_who_goes_where(admin_page: Page, administrator: User, eye: Eye) -> None:
    ada = make_person("ada@contoso.example", display_name="Ada Lovelace")
    where = f"{PROVIDERS}who-goes-where/"
    admin_page.goto(where)
    says(admin_page, "There are no routing policies")
    eye.look(admin_page, "routing-empty")
    entra, okta = make_provider_row(1), make_provider_row(2, "draft")
    contractors = group("Contractors")
    make_policy(entra, position=1, groups=(group("Sales", ada), group(LONG)), except_groups=(contractors,))
    make_policy(okta, position=2, domains=("fabrikam.example", "very.long.subsidiary.fabrikam-holding.example"))
    make_policy(entra, position=3, everyone=True, enabled=False)
    RoutingPolicy.objects.filter(position=2).update(name=LONG)
    admin_page.goto(where)
    admin_page.get_by_label("Company email").fill("ada@contoso.example")
    press(admin_page, "Ask")
    says(admin_page, "Policy 1 is the first routing policy that takes them.")
    eye.look(admin_page, "routing-where")
    admin_page.get_by_role("link", name=f"2. {LONG}").click()
    heading(admin_page, LONG)
    says(admin_page, "It is not active, so the policy takes nobody now.")
    eye.look(admin_page, "routing-policy")
    admin_page.get_by_label("Place in the order").fill("1")
    press(admin_page, "Move")
    says(admin_page, f"{LONG} was saved.")
    says(admin_page, "It is number 1 now.")


def test_a_policy_is_added_and_its_impact_confirmed(admin_page: Page, administrator: User, eye: Eye) -> None:
    entra = make_provider_row(1)
    group("Sales", make_person("ada@contoso.example"), make_person("grace@contoso.example"))
    admin_page.goto(f"{PROVIDERS}{entra.pk}/")
    eye.look(admin_page, "routing-provider-without")
    admin_page.get_by_role("link", name="Routing Policy", exact=True).click()
    heading(admin_page, "Add a routing policy")
    admin_page.locator("#id_name").fill("Sales first")
    admin_page.locator("#id_groups").fill("Nowhere")
    press(admin_page, "Add the policy")
    says(admin_page, "There is no group Nowhere.")
    eye.look(admin_page, "routing-form-error")
    admin_page.locator("#id_groups").fill("sales")
    press(admin_page, "Add the policy")
    heading(admin_page, "Who would sign in another way")
    says(admin_page, "2 active people will sign in with Provider 1")
    eye.look(admin_page, "routing-confirm")
    button = admin_page.get_by_role("button", name="Add the policy")
    expect(button).to_be_disabled()
    admin_page.get_by_label("I understand the impacts above").check()
    button.click()
    says(admin_page, "Sales first was saved.")
    assert RoutingPolicy.objects.get().named_groups.get().group.name == "Sales"


def test_a_pilot_first_and_then_archived(admin_page: Page, draft: IdentityProvider, eye: Eye) -> None:
    ada = make_person("ada@contoso.example")
    group("Pilot", ada)
    make_person("bob@contoso.example")
    FederatedIdentity.objects.create(person=ada, provider=draft, issuer=draft.issuer, subject="ada")
    admin_page.goto(f"{PROVIDERS}{draft.pk}/activate/")
    dialog = admin_page.get_by_role("dialog", name="Send people to this identity provider?")
    dialog.get_by_text("Begin with a pilot group").click()
    dialog.get_by_label("Group", exact=True).fill("Pilot")
    press(admin_page, "Show the numbers")
    expect(dialog).to_contain_text("A pilot: the members of Pilot")
    expect(dialog).to_contain_text("keeps a Gatehouse password, because no routing policy takes them")
    eye.look(admin_page, "routing-pilot")
    dialog.get_by_label("I understand the impacts above").check()
    dialog.get_by_label("Enable without a rehearsal").check()
    press(admin_page, "Yes, Continue")
    says(admin_page, "1. Pilot to Contoso Entra")
    eye.look(admin_page, "routing-provider")
    admin_page.get_by_role("link", name="Archive instead").click()
    dialog = admin_page.get_by_role("dialog", name="Archive this identity provider?")
    eye.look(admin_page, "routing-archive")
    dialog.get_by_label("I understand the impacts above").check()
    press(admin_page, "Yes, Archive")
    says(admin_page, "It is archived; its links are kept.")
    eye.look(admin_page, "routing-archived")
    admin_page.goto(PROVIDERS)
    says(admin_page, "Archived")
    eye.look(admin_page, "routing-archived-list")
    admin_page.goto(f"{PROVIDERS}{draft.pk}/")
    press(admin_page, "Restore")
    says(admin_page, "Contoso Entra was restored. Nobody is sent there before you activate it.")
    says(admin_page, "1. Pilot to Contoso Entra")
    expect(admin_page.locator("section", has_text="People and links").last).to_contain_text("Linked people 1")


def test_the_sign_in_page_of_several_providers(page: Page, administrator: User, eye: Eye) -> None:
    make_policy(make_provider_row(1), position=1, groups=(group("Sales"),))
    make_policy(make_provider_row(2), position=2, domains=("fabrikam.example",))
    page.goto("/login/")
    says(page, "Continue with Provider 2")
    eye.look(page, "routing-login")
    page.get_by_label("Company email").fill("bob@northwind.example")
    press(page, "Continue")
    heading(page, "Sign in with a password")
    eye.look(page, "routing-password")


def test_two_hundred_policies_fit_on_the_page(admin_page: Page, administrator: User, eye: Eye) -> None:
    entra = make_provider_row(1)
    sales = group("Sales and marketing of the north")
    for position in range(1, 201):
        make_policy(entra, position=position, groups=(sales,), domains=("contoso.example",))
    admin_page.goto(f"{PROVIDERS}who-goes-where/")
    eye.look(admin_page, "routing-many")
    admin_page.get_by_role("link", name="Next").click()
    says(admin_page, "51. Policy 51")
    expect(admin_page.get_by_text("50. Policy 50")).to_have_count(0)
