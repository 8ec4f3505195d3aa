"""The main job from an empty database to its end: connect, confirm, sign in, sign out, deactivate, delete."""

from urllib.parse import urlencode

from playwright.sync_api import Page, expect

from tests.e2e import steps
from tests.e2e.looking import Eye
from tests.e2e.steps import field, heading, press, says
from tests.entra_tenant import PracticeTenant
from tests.factories import OPERATOR, make_person
from users.administrators import issue_setup_link

SECRET_ID = "5f0e8a52-60a9-4a55-8f6f-0c1de2b0a6c3"


def test_a_company_connects_its_tenant_and_a_person_signs_in(
    page: Page, tenant: PracticeTenant, portal: str, eye: Eye
) -> None:
    make_person("ada@contoso.example", display_name="Ada Lovelace")
    make_person("annie@contoso.example", display_name="Annie Easley")
    _become_the_first_administrator(page, eye)
    _add_the_provider(page, tenant, eye)
    _rehearse_a_sign_in(page, tenant, eye)
    _confirm_the_impact(page, eye)
    _sign_in_and_out_as_a_person(page, tenant, portal, eye)
    _deactivate(page, eye)
    _delete(page, eye)
    _read_it_all_in_the_directory(page, eye)


def _become_the_first_administrator(page: Page, eye: Eye) -> None:
    steps.set_up_first_administrator(page, issue_setup_link(actor=OPERATOR))
    eye.glance(page, "story-01-set-up")
    press(page, "Create administrator")
    says(page, "Your account is ready. Sign in with it.")
    eye.glance(page, "story-02-administrator-sign-in")
    steps.sign_in_to_admin_portal(page)
    heading(page, "Home")
    eye.glance(page, "story-03-home")


def _add_the_provider(page: Page, tenant: PracticeTenant, eye: Eye) -> None:
    page.get_by_role("link", name="Connect an identity provider").click()
    says(page, "No identity provider yet")
    eye.glance(page, "story-04-no-provider")
    steps.choose_entra(page)
    eye.glance(page, "story-05-add-provider")
    # What administrators have at hand is often the address of a sign-in in progress.
    pasted = f"{tenant.authorization_endpoint}?{urlencode({'client_id': tenant.client_id, 'response_type': 'code'})}"
    steps.fill_in_provider(page, tenant, url=pasted, secret=SECRET_ID)
    press(page, "Save")
    beside = page.locator("#id_client_secret_error")
    expect(beside).to_contain_text("This is the Secret ID, not the secret.")
    expect(field(page, "Identity Provider Name")).to_have_value("Contoso Entra")
    expect(field(page, "Entra IdP URL")).to_have_value(pasted)
    expect(field(page, "Client ID")).to_have_value(tenant.client_id)
    expect(field(page, "Client Secret")).to_have_value("")
    eye.glance(page, "story-06-secret-id")
    field(page, "Client Secret").fill(tenant.client_secret)
    press(page, "Save")


def _rehearse_a_sign_in(page: Page, tenant: PracticeTenant, eye: Eye) -> None:
    """From the impact dialog to the tenant and back, in a new tab, as the person to be: nobody is signed in by it."""
    dialog = page.get_by_role("dialog", name="Send people to this identity provider?")
    expect(dialog).to_contain_text("active people will sign in with Contoso Entra")
    expect(dialog).to_contain_text("User Portal")
    expect(dialog.get_by_label("Enable without a rehearsal")).to_be_visible()
    eye.glance(page, "story-07-impact")
    with page.expect_popup() as opened:
        dialog.get_by_role("button", name="Rehearse a sign-in").click()
    tab = opened.value
    heading(tab, "Sign in to Contoso")
    tab.get_by_role("button", name="Ada Lovelace").click()
    heading(tab, "Rehearsal sign-in")
    says(tab, "Ada Lovelace would be signed in")
    eye.glance(tab, "story-07-rehearsal")
    tab.goto("/")
    heading(tab, "Sign in")
    tab.close()
    assert tenant.count("token") == 2  # the check of the secret, and this
    page.reload()


def _confirm_the_impact(page: Page, eye: Eye) -> None:
    dialog = page.get_by_role("dialog", name="Send people to this identity provider?")
    expect(dialog).to_contain_text("Ada Lovelace would be signed in")
    expect(dialog.get_by_label("Enable without a rehearsal")).to_have_count(0)
    eye.glance(page, "story-07-impact-rehearsed")
    confirm = dialog.get_by_role("button", name="Yes, Continue")
    expect(confirm).to_be_disabled()
    dialog.get_by_label("I understand the impacts above").check()
    confirm.click()
    says(page, "Contoso Entra is active: people sign in with it from now on.")
    expect(page.locator(".page-header .badge")).to_have_text("Active")
    says(page, "All people, except administrators")
    eye.glance(page, "story-08-active")
    steps.sign_out(page)
    heading(page, "Administrator sign-in")


def _sign_in_and_out_as_a_person(page: Page, tenant: PracticeTenant, portal: str, eye: Eye) -> None:
    page.goto("/login/")
    eye.glance(page, "story-09-sign-in")
    field(page, "Company email").fill("ada@contoso.example")
    press(page, "Continue")
    heading(page, "Sign in to Contoso")
    page.get_by_role("button", name="Continue as Ada Lovelace").click()
    heading(page, "Welcome, Ada Lovelace")
    expect(page.locator(".welcome")).to_contain_text("You signed in with Contoso Entra.")
    eye.glance(page, "story-10-user-home")
    page.get_by_role("link", name="Profile").first.click()
    says(page, "Linked accounts")
    eye.glance(page, "story-11-profile")
    page.get_by_role("link", name="Security").first.click()
    says(page, "Managed by Contoso Entra")
    eye.glance(page, "story-12-security")
    steps.sign_out(page)
    heading(page, "You are signed out")
    assert page.url.partition("?")[0] == f"{portal}/signed-out/"
    assert tenant.count("logout") == 1
    eye.glance(page, "story-13-signed-out")


def _deactivate(page: Page, eye: Eye) -> None:
    steps.sign_in_to_admin_portal(page)
    page.get_by_role("link", name="Identity Providers").first.click()
    eye.glance(page, "story-14-providers")
    page.get_by_role("link", name="Contoso Entra").click()
    page.get_by_role("link", name="Deactivate").click()
    dialog = page.get_by_role("dialog", name="End federation?")
    expect(dialog).to_contain_text("no password and cannot get in any more")
    eye.glance(page, "story-15-deactivate")
    dialog.get_by_label("I understand the impacts above").check()
    dialog.get_by_role("button", name="Yes, Deactivate").click()
    says(page, "Contoso Entra is not active any more")


def _delete(page: Page, eye: Eye) -> None:
    page.get_by_role("link", name="Delete IdP").click()
    dialog = page.get_by_role("dialog", name="Delete this identity provider?")
    eye.glance(page, "story-16-delete")
    confirm = dialog.get_by_role("button", name="Yes, Delete")
    expect(confirm).to_be_disabled()
    dialog.get_by_label("Type Contoso Entra to confirm").fill("Contoso Entra")
    confirm.click()
    says(page, "Contoso Entra was deleted.")
    says(page, "No identity provider yet")


def _read_it_all_in_the_directory(page: Page, eye: Eye) -> None:
    page.get_by_role("link", name="Directory").click()
    heading(page, "Directory")
    rows = page.locator(".table-events tbody tr").all()
    told = [
        (row.locator("td > .mono").first.inner_text(), row.locator("td:last-child > :first-child").inner_text())
        for row in rows
    ]
    wanted = [
        ("users.administrator.set_up", "Done"),
        ("admin_portal.sign_in.succeeded", "Done"),
        ("idp.provider.added", "Refused"),
        ("idp.provider.added", "Done"),
        ("idp.provider.rehearsed", "Done"),
        ("idp.provider.activated", "Done"),
        ("admin_portal.sign_out", "Done"),
        ("portal.sign_in.succeeded", "Done"),
        ("portal.sign_out", "Done"),
        ("admin_portal.sign_in.succeeded", "Done"),
        ("idp.provider.deactivated", "Done"),
        ("idp.provider.deleted", "Done"),
    ]
    assert [row for row in reversed(told) if row in wanted] == wanted
    eye.glance(page, "story-17-directory")
