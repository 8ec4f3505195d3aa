"""Conditional access in a browser: a policy from the template, its impact, a trial, and what a person meets."""

from datetime import time, timedelta

import time_machine
from django.utils import timezone
from playwright.sync_api import Page, expect

from idp.models import AccessPolicy, IdentityProvider
from tests.e2e.looking import Eye
from tests.e2e.steps import field, heading, press, says
from tests.e2e.test_routing_pages import LONG, group
from tests.factories import PASSWORD, make_person
from tests.idp.test_access_policies import add
from tests.idp.test_routing import make_provider_row
from users.models import User

POLICIES = "/admin/security-management/conditional-policies/"


def test_the_user_portal_is_denied_from_the_template(admin_page: Page, administrator: User, eye: Eye) -> None:
    sales = group("Sales", make_person("ada@contoso.example", display_name="Ada Lovelace"))
    admin_page.goto(POLICIES)
    says(admin_page, "Default policy")
    eye.look(admin_page, "access-empty")
    admin_page.get_by_text("Access Policy", exact=True).click()
    eye.look(admin_page, "access-menu")
    admin_page.get_by_role("link", name="Deny User Portal").click()
    heading(admin_page, "Add an access policy")
    expect(field(admin_page, "Name")).to_have_value("Deny User Portal")
    admin_page.locator("#id_groups").fill("Nowhere")
    press(admin_page, "Add the policy")
    says(admin_page, "There is no group Nowhere.")
    eye.look(admin_page, "access-form-error")
    admin_page.locator("#id_groups").fill("sales")
    press(admin_page, "Add the policy")
    heading(admin_page, "What this would mean")
    says(admin_page, "of them can no longer open the User Portal")
    field(admin_page, "Company email").fill("ada@contoso.example")
    press(admin_page, "Try it")
    says(admin_page, "The User Portal does not open, and says that an access policy is the reason.")
    eye.look(admin_page, "access-confirm")
    button = admin_page.get_by_role("button", name="Add the policy")
    expect(button).to_be_disabled()
    admin_page.get_by_label("I understand the impacts above").check()
    button.click()
    says(admin_page, "Deny User Portal was saved.")
    eye.look(admin_page, "access-policy")
    assert AccessPolicy.objects.get().named_groups.get().group == sales


def test_the_list_in_its_order_and_the_tester(admin_page: Page, administrator: User, eye: Eye) -> None:
    ada, entra = make_person("ada@contoso.example", display_name="Ada Lovelace"), make_provider_row(1)
    hours = {"time_from": time(22), "time_to": time(6), "time_zone": "Europe/Berlin"}
    office = {"network_side": "outside", "networks": ["203.0.113.0/24", "2001:db8:1234:5678::/64"]}
    add("Nights", groups=[group("Sales", ada)], time_side="inside", weekdays=["mon", "tue", "fri"], **hours)
    add(LONG, "require_second_factor", token_second_factor="absent", providers=[entra], local_sign_in=True, **office)
    add("Everyone else", "allow", enabled=False, except_people=[ada])
    admin_page.goto(POLICIES)
    field(admin_page, "Company email").fill("ada@contoso.example")
    admin_page.get_by_label("When (UTC)").fill("2030-01-07T12:00")
    press(admin_page, "Try it")
    says(admin_page, "Nights has other hours.")
    eye.look(admin_page, "access-policies")
    admin_page.get_by_role("link", name=f"2. {LONG}").click()
    heading(admin_page, LONG)
    says(admin_page, "The client is outside 203.0.113.0/24, 2001:db8:1234:5678::/64.")
    eye.look(admin_page, "access-policy-full")
    admin_page.get_by_role("link", name="Edit").click()
    heading(admin_page, LONG)
    expect(admin_page.get_by_label("A Gatehouse password")).to_be_checked()
    eye.look(admin_page, "access-form")


def test_what_a_person_meets(page: Page, administrator: User, eye: Eye) -> None:
    ada = make_person("ada@contoso.example", password=PASSWORD, display_name="Ada Lovelace")
    add("Second factor", "require_second_factor")
    page.goto("/login/password/")
    field(page, "Company email").fill(ada.company_email)
    field(page, "Password").fill(PASSWORD)
    press(page, "Sign in")
    heading(page, "Second factor")
    says(page, "Your company asks for a second factor.")
    eye.look(page, "access-set-up-first")
    add("Shut", position=1)
    page.goto("/profile/")
    says(page, "Your company's access policy does not let you open the User Portal now.")
    eye.look(page, "access-denied")
    page.get_by_role("link", name="Back to the sign-in page").click()
    heading(page, "Sign in")


def test_a_federated_person_sets_up_what_a_policy_asks_for(page: Page, provider: IdentityProvider, eye: Eye) -> None:
    make_person("ada@contoso.example", display_name="Ada Lovelace")
    add("Second factor", "require_second_factor")
    page.goto("/login/")
    field(page, "Company email").fill("ada@contoso.example")
    press(page, "Continue")
    page.get_by_role("button", name="Continue as Ada Lovelace").click()
    heading(page, "Second factor")
    says(page, "Your company asks for a second factor at Gatehouse, beside what your provider asks for.")
    eye.look(page, "access-federated-set-up")
    with time_machine.travel(timezone.now() + timedelta(minutes=11)):
        page.goto("/security/second-factor/app/")
        heading(page, "Confirm that it is you")
        eye.look(page, "access-federated-confirm")
        page.get_by_role("link", name="Sign in with Contoso Entra again").click()
        page.get_by_role("button", name="Continue as Ada Lovelace").click()
        heading(page, "Set up an authenticator app")


def test_two_hundred_policies_fit_on_the_page(admin_page: Page, administrator: User, eye: Eye) -> None:
    AccessPolicy.objects.bulk_create(
        AccessPolicy(
            name=f"Policy {number}",
            name_key=f"policy {number}",
            position=number,
            action="deny",
            everyone=True,
            network_side="outside",
            networks=["203.0.113.0/24", "198.51.100.0/24"],
        )
        for number in range(1, 201)
    )
    admin_page.goto(POLICIES)
    eye.look(admin_page, "access-many")
    admin_page.get_by_role("link", name="Next").click()
    says(admin_page, "51. Policy 51")
