"""The company's name, logo and support contact, and what people see of themselves, in a real browser."""

import re

import pytest
from playwright.sync_api import Page, expect

from idp.models import IdentityProvider
from tests.browsing import Browser
from tests.e2e.conftest import OpenContext, sign_in_as, take_cookies
from tests.e2e.looking import Eye
from tests.e2e.steps import field, heading, press, says
from tests.entra_tenant import PracticeTenant
from tests.factories import OPERATOR, PASSWORD, make_administrator, make_person
from tests.pictures import picture
from users.models import AdminRole, Group, GroupMembership, User
from users.organization_profile import set_logo, set_name, set_support

SETTINGS = "/admin/settings/organization/"
FIREFOX = "Mozilla/5.0 (Windows NT 10.0; Win64; x64; rv:140.0) Gecko/20100101 Firefox/140.0"


@pytest.fixture
def company(db: None) -> None:
    """A company that has filled in everything."""
    set_name(actor=OPERATOR, name="Contoso")
    set_support(
        actor=OPERATOR,
        email="desk@contoso.example",
        url="https://help.contoso.example/gatehouse",
        phone="+44 20 7946 0958 ext. 12",
        note="Ask the IT desk, extension 4711.",
    )
    set_logo(actor=OPERATOR, data=picture(mode="RGBA"))


def test_an_administrator_dresses_the_portal(admin_page: Page, eye: Eye) -> None:
    page = admin_page
    page.goto(SETTINGS)
    eye.look(page, "organization")
    field(page, "Name of the company").fill("Contoso")
    press(page, "Save name")
    says(page, "The organization settings were saved.")
    field(page, "Picture").set_input_files({"name": "logo.svg", "mimeType": "image/png", "buffer": b"<svg></svg>"})
    press(page, "Upload logo")
    says(page, "SVG files are not accepted.")
    eye.glance(page, "organization-logo-refused")
    field(page, "Picture").set_input_files(
        {"name": "logo.png", "mimeType": "image/png", "buffer": picture(mode="RGBA")}
    )
    press(page, "Upload logo")
    expect(page.get_by_role("img", name="Contoso")).to_be_visible()
    page.get_by_label("Email").fill("no address@contoso")
    page.get_by_label("What to say").fill("Ask the IT desk, extension 4711.")
    page.locator("form[action$='support/']").evaluate("form => { form.noValidate = true; }")
    press(page, "Save contact")
    says(page, "This is not an email address.")
    expect(page.get_by_label("What to say")).to_have_value("Ask the IT desk, extension 4711.")
    eye.glance(page, "organization-support-refused")
    page.get_by_label("Email").fill("desk@contoso.example")
    press(page, "Save contact")
    page.get_by_label("People from a CSV import").select_option("active")
    press(page, "Save states")
    says(page, "The organization settings were saved.")
    eye.look(page, "organization-full")
    page.goto("/login/")
    heading(page, "Sign in to Contoso")
    page.goto(SETTINGS)
    press(page, "Remove logo")
    says(page, "No logo yet.")


def test_the_sign_in_pages_of_a_company(page: Page, company: None, eye: Eye) -> None:
    page.goto("/login/")
    heading(page, "Sign in to Contoso")
    expect(page).to_have_title("Sign in · Contoso · Gatehouse")
    expect(page.get_by_role("link", name="desk@contoso.example")).to_have_attribute(
        "href", "mailto:desk@contoso.example?subject=Gatehouse%3A%20signing%20in"
    )
    eye.look(page, "user-sign-in-company")
    page.goto("/admin/login/")
    says(page, "to the Admin Portal of Contoso")
    eye.look(page, "admin-sign-in-company")
    page.goto("/nowhere/")
    says(page, "Ask the IT desk, extension 4711.")
    eye.look(page, "error-404-company")


def test_a_local_person_and_her_pages(page: Page, company: None, eye: Eye) -> None:
    ada = make_person("ada@contoso.example", display_name="Ada Lovelace", password=PASSWORD)
    User.objects.filter(pk=ada.pk).update(title="Analyst", department="Engines")
    for name in ("Analytical engine", "Everybody in the long building at the river"):
        GroupMembership.objects.create(group=Group.objects.create(name=name), person=ada)
    Browser(REMOTE_ADDR="203.0.113.9").sign_in_with_password(ada, "not the password")
    Browser(headers={"user-agent": FIREFOX}, REMOTE_ADDR="203.0.113.7").sign_in_with_password(ada)
    here = Browser(headers={"user-agent": FIREFOX}, REMOTE_ADDR="203.0.113.8")
    here.sign_in_with_password(ada)
    take_cookies(page, here)
    page.goto("/")
    says(page, "203.0.113.7")
    eye.look(page, "user-home-company")
    page.goto("/security/")
    says(page, "That email and password did not work here.")
    eye.look(page, "user-security-company")
    page.goto("/profile/")
    eye.look(page, "user-profile-local")
    page.get_by_role("link", name=re.compile("Change.*Name")).click()
    heading(page, "Edit name and phone")
    eye.look(page, "user-profile-edit")
    field(page, "Phone").fill("call me")
    press(page, "Save")
    says(page, "This is not a phone number.")
    eye.glance(page, "user-profile-edit-error")
    field(page, "Phone").fill("+44 20 7946 0958")
    field(page, "Name").fill("Ada King")
    press(page, "Save")
    says(page, "Your profile was saved.")
    says(page, "+44 20 7946 0958")
    expect(page.locator(".person-menu > summary")).to_contain_text("Ada King")


def test_a_person_whom_a_provider_keeps(
    page: Page, tenant: PracticeTenant, provider: IdentityProvider, ada: User, company: None, eye: Eye
) -> None:
    tenant.auto_sign_in = True
    client = Browser(headers={"user-agent": FIREFOX})
    client.federated_sign_in()
    take_cookies(page, client)
    page.goto("/profile/")
    says(page, "Contoso Entra keeps your account, so this is not changed here.")
    expect(page.get_by_role("link", name="Change")).to_have_count(0)
    eye.look(page, "user-profile-federated")
    page.goto("/profile/edit/")
    expect(page.get_by_role("status")).to_contain_text("Your details come from Contoso Entra")
    page.goto("/security/")
    says(page, "Gatehouse sends you to Contoso Entra")
    eye.look(page, "user-security-federated")
    page.goto("/")
    eye.look(page, "user-home-federated")


def test_a_company_that_says_much(page: Page, eye: Eye) -> None:
    set_name(actor=OPERATOR, name="Donaudampfschifffahrtsgesellschaft" + "skapitaen" * 7)
    set_support(
        actor=OPERATOR,
        email="the.very.helpful.people.of.the.desk.for.information.technology@subsidiaries.contoso.example",
        url="https://a.very.long.name.of.the.place.where.help.is.found.on.the.intranet.contoso.example/",
        note="Ask" + " whoever" * 24,
    )
    set_logo(actor=OPERATOR, data=picture(size=(40, 400)))
    page.goto("/login/")
    eye.look(page, "user-sign-in-company-long")
    page.goto("/nowhere/")
    eye.look(page, "error-404-company-long")
    client = Browser()
    client.sign_in_with_password(make_person(password=PASSWORD))
    take_cookies(page, client)
    page.goto("/")
    eye.look(page, "user-home-company-long")


def test_who_may_only_read_the_organization(page: Page, company: None, eye: Eye) -> None:
    client = Browser()
    client.sign_in_as_administrator(make_administrator(AdminRole.READ_ONLY))
    take_cookies(page, client)
    page.goto(SETTINGS)
    eye.look(page, "organization-read-only")


def test_the_settings_work_without_javascript(open_context: OpenContext, administrator: User) -> None:
    page = open_context(java_script_enabled=False).new_page()
    sign_in_as(page, administrator)
    page.goto(SETTINGS)
    field(page, "Name of the company").fill("Contoso")
    press(page, "Save name")
    says(page, "The organization settings were saved.")
    field(page, "Picture").set_input_files({"name": "logo.png", "mimeType": "image/png", "buffer": picture()})
    press(page, "Upload logo")
    expect(page.get_by_role("img", name="Contoso")).to_be_visible()
    press(page, "Remove logo")
    says(page, "No logo yet.")
