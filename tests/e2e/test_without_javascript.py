"""The main job in a browser that runs no script: nothing is missing but comfort."""

from playwright.sync_api import Page, expect

from tests.e2e import steps
from tests.e2e.looking import Eye
from tests.e2e.steps import field, heading, press, says
from tests.entra_tenant import PracticeTenant
from users.models import User


def test_the_whole_job_works_without_javascript(plain_page: Page, tenant: PracticeTenant, ada: User, eye: Eye) -> None:
    page = plain_page
    page.goto(steps.PROVIDERS)
    steps.choose_entra(page)
    eye.shoot(page, "no-javascript-add")
    steps.fill_in_provider(page, tenant)
    press(page, "Test connection")
    says(page, "Connection test of this form")
    says(page, "The provider accepts client ID and client secret.")
    eye.shoot(page, "no-javascript-form-tested")
    expect(field(page, "Client Secret")).to_have_value("")
    field(page, "Client Secret").fill(tenant.client_secret)
    press(page, "Save")
    heading(page, "Contoso Entra")
    eye.shoot(page, "no-javascript-impact")
    # The browser itself holds the form back until the box is ticked; the server would as well.
    press(page, "Yes, Continue")
    expect(page.get_by_label("I understand the impacts above")).to_be_focused()
    page.get_by_label("I understand the impacts above").check()
    press(page, "Yes, Continue")
    says(page, "you have not rehearsed a sign-in")
    expect(page.get_by_label("I understand the impacts above")).to_be_checked()
    eye.shoot(page, "no-javascript-impact-not-rehearsed")
    page.get_by_label("Enable without a rehearsal").check()
    press(page, "Yes, Continue")
    says(page, "Contoso Entra is active")
    steps.sign_in_at_tenant(page)
    steps.sign_out(page)
    heading(page, "You are signed out")
    page.goto(steps.PROVIDERS)
    page.get_by_role("link", name="Contoso Entra").click()
    page.get_by_role("link", name="Delete IdP").click()
    page.get_by_label("Type Contoso Entra to confirm").fill("Contoso")
    press(page, "Yes, Delete")
    says(page, "The typed name is not the name")
    eye.shoot(page, "no-javascript-delete-in-error")
    page.get_by_label("Type Contoso Entra to confirm").fill("Contoso Entra")
    press(page, "Yes, Delete")
    says(page, "Contoso Entra was deleted.")


def test_a_phone_without_javascript_has_its_menu(plain_page: Page, eye: Eye) -> None:
    plain_page.set_viewport_size({"width": 390, "height": 844})
    plain_page.goto("/admin/")
    press(plain_page, "Menu")
    plain_page.get_by_role("link", name="Identity Providers").click()
    says(plain_page, "No identity provider yet")
