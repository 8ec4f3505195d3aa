"""Every page of both portals in its states: looked at wide and narrow, light and dark, by axe and for people."""

from datetime import timedelta

import pytest
from django.utils import timezone
from playwright.sync_api import Page, expect

from idp.models import IdentityProvider
from tests.browsing import Browser
from tests.e2e import steps
from tests.e2e.conftest import sign_in_as, take_cookies
from tests.e2e.looking import Eye, Watch
from tests.e2e.steps import field, heading, press, says
from tests.entra_tenant import PracticeTenant
from tests.factories import OPERATOR, PASSWORD, make_administrator, make_person, make_provider
from users.administrators import issue_setup_link
from users.models import AdminRole, AuditEvent, State, User

LONG_NAME = "Contoso Holdings International Directory Services (Europe, Middle East and Africa), main tenant"


def add_a_colourful_company() -> None:
    """Fill the directory with people of every sort."""
    for number in range(7):
        make_person(f"outside-{number}@fabrikam.example", display_name=f"Contractor {number}")
    make_person("rebecca.featherstonehaugh-cholmondeley@europe.contoso.example", display_name="Rebecca F.-C.")
    make_person("annie@contoso.example", display_name="Annie Easley", state=State.STAGED)
    make_person("charles@contoso.example", display_name="Charles Babbage", state=State.SUSPENDED)
    make_person("local@contoso.example", display_name="Local Colleague", password=PASSWORD)


def add_a_month_of_sign_ins() -> None:
    """Write a month of sign-ins into the audit log, with quiet weekends and one bad day."""
    now = timezone.now()
    for back in range(30):
        at = now - timedelta(days=back)
        busy = 4 if at.weekday() > 4 else 30 + back % 7
        rows = [AuditEvent(at=at, action="portal.sign_in.succeeded", outcome="success") for _ in range(busy)]
        code, times = "portal.sign_in_failed", 25 if back == 9 else 2
        failed = {"action": "portal.sign_in.failed", "outcome": "refused", "error_code": code, "occurrences": times}
        AuditEvent.objects.bulk_create([*rows, AuditEvent(at=at, last_at=at, **failed)])


# --- signing in to the Admin Portal ----------------------------------------------------------------------------------


def test_administrator_sign_in(page: Page, eye: Eye) -> None:
    page.goto("/admin/login/")
    says(page, "There is no administrator yet")
    eye.look(page, "admin-sign-in-nobody-yet")
    administrator = make_administrator()
    page.goto("/admin/login/")
    eye.look(page, "admin-sign-in")
    steps.sign_in_to_admin_portal(page, administrator.company_email, "wrong")
    says(page, "That email and password did not work here.")
    eye.look(page, "admin-sign-in-wrong")


def test_locked_out_administrator(page: Page, administrator: User, eye: Eye) -> None:
    client = Browser()
    for _ in range(5):
        client.sign_in_as_administrator(administrator, "wrong")
    steps.sign_in_to_admin_portal(page, administrator.company_email)
    heading(page, "Too many attempts failed, so signing in is locked for a while.")
    eye.look(page, "admin-locked-out")


def test_set_up_in_error_and_with_a_spent_link(page: Page, eye: Eye) -> None:
    steps.set_up_first_administrator(page, issue_setup_link(actor=OPERATOR))
    field(page, "Password again").fill("another")
    press(page, "Create administrator")
    says(page, "The two passwords differ.")
    eye.look(page, "admin-set-up-in-error")
    page.goto("/admin/set-up/unknown/")
    heading(page, "This set-up link is not valid any more.")
    eye.look(page, "admin-set-up-spent")


# --- the Admin Portal ------------------------------------------------------------------------------------------------


def test_home(admin_page: Page, tenant: PracticeTenant, eye: Eye) -> None:
    add_a_colourful_company()
    admin_page.goto("/admin/")
    says(admin_page, "Connect an identity provider")
    eye.look(admin_page, "admin-home-no-provider")
    make_provider(tenant, active=False)
    admin_page.goto("/admin/")
    says(admin_page, "Go on with your draft")
    eye.look(admin_page, "admin-home-draft")
    IdentityProvider.objects.update(status="active", activated_at=timezone.now())
    add_a_month_of_sign_ins()
    admin_page.goto("/admin/")
    eye.look(admin_page, "admin-home-active")
    admin_page.get_by_text("Numbers as a table").click()
    says(admin_page, "Refused")
    eye.glance(admin_page, "admin-home-numbers")


@pytest.mark.parametrize("role", list(AdminRole))
def test_what_each_role_sees(page: Page, provider: IdentityProvider, role: AdminRole, eye: Eye) -> None:
    sign_in_as(page, make_administrator(role))
    page.goto("/admin/")
    heading(page, "Home")
    eye.look(page, f"role-{role}-home")
    page.goto(f"{steps.PROVIDERS}{provider.pk}/")
    heading(page, "Your role, Help Desk, does not allow this." if role == AdminRole.HELP_DESK else provider.name)
    changes = page.get_by_role("link", name="Delete IdP")
    expect(changes).to_have_count(1 if role == AdminRole.ADMINISTRATOR_WITH_BILLING else 0)
    eye.look(page, f"role-{role}-provider")


def test_identity_providers(admin_page: Page, tenant: PracticeTenant, eye: Eye) -> None:
    admin_page.goto(steps.PROVIDERS)
    eye.look(admin_page, "providers-empty")
    soon, past = timezone.localdate() + timedelta(days=12), timezone.localdate() - timedelta(days=3)
    make_provider(tenant, client_secret_expires_on=soon)
    make_provider(tenant, active=False, name=LONG_NAME)
    expired = make_provider(tenant, active=False, name="Retired")
    IdentityProvider.objects.filter(pk=expired.pk).update(client_secret_expires_on=past)
    admin_page.goto(steps.PROVIDERS)
    says(admin_page, "Expires in 12 days")
    says(admin_page, "Expired")
    eye.look(admin_page, "providers-full")
    admin_page.locator("main summary").click()
    eye.look(admin_page, "providers-menu-open")


def test_no_identity_provider_for_readers(page: Page, eye: Eye) -> None:
    sign_in_as(page, make_administrator(AdminRole.READ_ONLY))
    page.goto(steps.PROVIDERS)
    expect(page.get_by_text("Add Identity Provider")).to_have_count(0)
    eye.look(page, "providers-empty-read-only")


@pytest.mark.parametrize("kind", ["entra", "google", "okta", "oidc"])
def test_add_form(admin_page: Page, kind: str, eye: Eye) -> None:
    admin_page.goto(f"{steps.PROVIDERS}add/{kind}/")
    eye.look(admin_page, f"add-{kind}")


def test_add_form_in_error(admin_page: Page, tenant: PracticeTenant, eye: Eye) -> None:
    admin_page.goto(f"{steps.PROVIDERS}add/entra/")
    steps.fill_in_provider(admin_page, tenant, secret="wrong")
    press(admin_page, "Save")
    expect(admin_page.locator("#id_client_secret_error")).to_be_visible()
    eye.look(admin_page, "add-wrong-secret")
    admin_page.evaluate("document.querySelector('#provider-form').noValidate = true")
    for label in ("Identity Provider Name", "Entra IdP URL", "Client ID", "Client Secret"):
        field(admin_page, label).fill("")
    press(admin_page, "Save")
    says(admin_page, "Some entries need your attention")
    eye.look(admin_page, "add-everything-missing")


def test_impact_with_every_line_and_stale(admin_page: Page, tenant: PracticeTenant, eye: Eye) -> None:
    add_a_colourful_company()
    Browser().sign_in_with_password(make_person("alan@contoso.example", password=PASSWORD))
    draft = make_provider(tenant, active=False, email_domains=["contoso.example"])
    admin_page.goto(f"{steps.PROVIDERS}{draft.pk}/activate/")
    dialog = admin_page.get_by_role("dialog")
    expect(dialog).to_contain_text("of them cannot be matched")
    eye.look(admin_page, "impact-every-line")
    make_person("late@fabrikam.example")
    dialog.get_by_label("I understand the impacts above").check()
    press(admin_page, "Yes, Continue")
    says(admin_page, "Things have changed since these numbers were shown")
    expect(dialog.get_by_role("button", name="Yes, Continue")).to_be_disabled()
    dialog.locator("summary").first.click()
    eye.look(admin_page, "impact-stale")


REACHABLE = """element => {
  const box = element.getBoundingClientRect();
  const inside = box.top >= 0 && box.left >= 0 && box.bottom <= innerHeight && box.right <= innerWidth;
  const points = [[0.5, 0.5], [0.5, 0.1], [0.5, 0.9]];
  const at = ([x, y]) => document.elementFromPoint(box.left + box.width * x, box.top + box.height * y);
  return inside && points.every((point) => element.contains(at(point)));
}"""


@pytest.mark.parametrize("size", [(1366, 640), (1280, 600), (1280, 800), (390, 844), (320, 568)])
def test_box_and_buttons_of_a_dialog_are_in_view(
    admin_page: Page, tenant: PracticeTenant, size: tuple[int, int]
) -> None:
    add_a_colourful_company()
    provider = make_provider(tenant, active=False, email_domains=["contoso.example"])
    width, height = size
    admin_page.set_viewport_size({"width": width, "height": height})
    dialog = admin_page.get_by_role("dialog")

    def everything_is_reachable() -> None:
        expect(admin_page.locator("dialog:modal")).to_be_visible()
        controls = dialog.locator(".dialog-footer").locator("label:has(input), input:not([type=hidden]), .button").all()
        assert len(controls) >= 3
        hidden = [control.inner_text() for control in controls if not control.evaluate(REACHABLE)]
        assert hidden == [], f"{admin_page.url} at {size}"
        assert dialog.locator(".dialog-scroll").evaluate("list => list.clientHeight") >= 96

    admin_page.goto(f"{steps.PROVIDERS}{provider.pk}/activate/")
    everything_is_reachable()
    make_person("late@fabrikam.example")
    dialog.get_by_label("I understand the impacts above").check()
    press(admin_page, "Yes, Continue")
    says(admin_page, "Things have changed since these numbers were shown")
    everything_is_reachable()
    IdentityProvider.objects.update(status="active", activated_at=timezone.now())
    for act in ("deactivate", "delete"):
        admin_page.goto(f"{steps.PROVIDERS}{provider.pk}/{act}/")
        everything_is_reachable()


def test_impact_while_another_provider_is_active(admin_page: Page, tenant: PracticeTenant, eye: Eye) -> None:
    make_provider(tenant)
    make_person()
    draft = make_provider(tenant, active=False, name="Second tenant")
    admin_page.goto(f"{steps.PROVIDERS}{draft.pk}/activate/")
    dialog = admin_page.get_by_role("dialog")
    expect(dialog).to_contain_text("Whoever a more specific routing policy names goes on as that policy says.")
    expect(dialog.get_by_role("button", name="Yes, Continue")).to_have_count(1)
    eye.look(admin_page, "impact-another-is-active")


def test_a_provider_that_was_deactivated(admin_page: Page, provider: IdentityProvider, eye: Eye) -> None:
    IdentityProvider.objects.update(status="draft")
    admin_page.goto(f"{steps.PROVIDERS}{provider.pk}/")
    expect(admin_page.locator(".page-header .badge")).to_have_text("Not active")
    says(admin_page, "Nobody. It is not active any more; people go where the next routing policy says")
    eye.look(admin_page, "provider-deactivated")


def test_provider_page(admin_page: Page, tenant: PracticeTenant, eye: Eye) -> None:
    draft = make_provider(tenant, active=False, name=LONG_NAME, email_domains=["contoso.example", "fabrikam.example"])
    admin_page.goto(f"{steps.PROVIDERS}{draft.pk}/")
    eye.look(admin_page, "provider-draft")
    IdentityProvider.objects.update(client_secret_expires_on=timezone.localdate() + timedelta(days=9))
    press(admin_page, "Test connection")
    says(admin_page, "The connection test passed.")
    eye.look(admin_page, "provider-expiring-and-tested")
    IdentityProvider.objects.update(client_secret_expires_on=timezone.localdate() - timedelta(days=1))
    tenant.expire_secret()
    press(admin_page, "Test connection")
    says(admin_page, "failed. The connection test below says why.")
    eye.look(admin_page, "provider-expired-and-failing")


def test_edit_forms(admin_page: Page, tenant: PracticeTenant, eye: Eye) -> None:
    draft = make_provider(tenant, active=False)
    admin_page.goto(f"{steps.PROVIDERS}{draft.pk}/edit/")
    eye.look(admin_page, "edit-draft")
    press(admin_page, "Discard draft")
    says(admin_page, "The draft Contoso Entra was discarded.")
    active = make_provider(tenant)
    admin_page.goto(f"{steps.PROVIDERS}{active.pk}/edit/")
    expect(admin_page.get_by_role("button", name="Discard draft")).to_have_count(0)
    eye.look(admin_page, "edit-active")
    admin_page.evaluate("document.querySelector('#provider-form').noValidate = true")
    field(admin_page, "Client Secret").fill("another secret")
    field(admin_page, "Identity Provider Name").fill("")
    press(admin_page, "Save")
    expect(admin_page.locator("#id_client_secret_helptext")).to_contain_text("Paste the secret again: it is not kept.")
    eye.glance(admin_page, "edit-active-in-error")


def test_ending_dialogs(admin_page: Page, tenant: PracticeTenant, eye: Eye) -> None:
    add_a_colourful_company()
    provider = make_provider(tenant)
    admin_page.goto(f"{steps.PROVIDERS}{provider.pk}/deactivate/")
    eye.look(admin_page, "deactivate")
    admin_page.goto(f"{steps.PROVIDERS}{provider.pk}/delete/")
    eye.look(admin_page, "delete")
    admin_page.evaluate("document.querySelector('dialog form').submit()")
    says(admin_page, "The typed name is not the name of this identity provider")
    eye.look(admin_page, "delete-in-error")


def test_directory(admin_page: Page, tenant: PracticeTenant, ada: User, eye: Eye) -> None:
    add_a_colourful_company()
    make_provider(tenant)
    for number in range(25):
        Browser().sign_in_with_password(ada, f"wrong {number}")
        make_person(f"staff-{number}@contoso.example", display_name=f"Staff {number}")
    admin_page.goto("/admin/insights/directory/")
    eye.look(admin_page, "directory-full")
    admin_page.get_by_role("link", name="Older").click()
    expect(admin_page.get_by_role("link", name="Newest")).to_be_visible()
    field(admin_page, "Action").fill("idp")
    press(admin_page, "Filter")
    expect(admin_page.locator(".table-events tbody tr")).to_have_count(2)
    admin_page.locator(".table-events tbody summary").first.click()
    eye.look(admin_page, "directory-filtered")
    field(admin_page, "Reference number").fill("0000-0000-0000")
    press(admin_page, "Filter")
    says(admin_page, "Nothing fits these filters")
    eye.look(admin_page, "directory-none")


# --- the User Portal -------------------------------------------------------------------------------------------------


def test_user_sign_in_without_federation(page: Page, eye: Eye) -> None:
    person = make_person("local@contoso.example", display_name="Local Colleague", password=PASSWORD)
    page.goto("/login/")
    eye.look(page, "user-sign-in")
    field(page, "Company email").fill(person.company_email)
    press(page, "Continue")
    heading(page, "Sign in with a password")
    eye.look(page, "user-password")
    field(page, "Password").fill("wrong")
    press(page, "Sign in")
    says(page, "That email and password did not work here.")
    eye.look(page, "user-password-wrong")
    field(page, "Password").fill(PASSWORD)
    press(page, "Sign in")
    heading(page, "Welcome, Local Colleague")
    eye.look(page, "user-home-local")
    page.goto("/profile/")
    eye.look(page, "user-profile-local")
    page.goto("/security/")
    eye.look(page, "user-security-local")


def test_user_sign_in_with_federation(page: Page, tenant: PracticeTenant, administrator: User, eye: Eye) -> None:
    person = make_person("local@contoso.example", password=PASSWORD)
    make_provider(tenant, name=LONG_NAME)
    page.goto("/login/")
    eye.look(page, "user-sign-in-federated")
    page.get_by_role("link", name="Sign in with a password").click()
    eye.look(page, "user-password-federated")
    field(page, "Company email").fill(person.company_email)
    field(page, "Password").fill(PASSWORD)
    press(page, "Sign in")
    says(page, "That did not work here")
    says(page, "Only administrators have a password here.")
    expect(page.get_by_role("link", name=f"Continue with {LONG_NAME}")).to_be_visible()
    eye.look(page, "user-password-managed-elsewhere")


def test_user_pages_with_a_long_name(
    page: Page, tenant: PracticeTenant, provider: IdentityProvider, ada: User, eye: Eye
) -> None:
    User.objects.filter(pk=ada.pk).update(display_name="Augusta Ada King-Noel, Countess of Lovelace " * 3)
    tenant.auto_sign_in = True
    client = Browser()
    client.federated_sign_in()
    take_cookies(page, client)
    for name in ("", "profile/", "security/"):
        page.goto(f"/{name}")
        eye.look(page, f"user-{name.rstrip('/') or 'home'}-long-name")
    page.locator(".person-menu > summary").click()
    eye.look(page, "user-menu-open")


def test_refused_by_federation(page: Page, provider: IdentityProvider, eye: Eye) -> None:
    page.goto("/login/")
    field(page, "Company email").fill("claude@contoso.example")
    press(page, "Continue")
    page.get_by_role("button", name="Continue as Claude Shannon").click()
    expect(page.locator("main")).to_have_attribute("data-error-code", "federation.no_match")
    says(page, "Reference number")
    eye.look(page, "error-federation")


# --- errors ----------------------------------------------------------------------------------------------------------


def test_error_pages(page: Page, administrator: User, eye: Eye) -> None:
    page.goto("/nowhere/")
    eye.look(page, "error-404")
    page.goto("/login/")
    page.context.clear_cookies()
    field(page, "Company email").fill("ada@contoso.example")
    press(page, "Continue")
    expect(page.locator("main")).to_have_attribute("data-error-code", "portal.form_expired")
    eye.look(page, "error-csrf")
    sign_in_as(page, administrator)
    page.goto("/admin/nowhere/")
    says(page, "Back to the Admin Portal")
    page.goto("/admin/login/?next=%0a")
    heading(page, "Home")


def test_a_defect_of_our_own(page: Page, watch: Watch, monkeypatch: pytest.MonkeyPatch, eye: Eye) -> None:
    def fails() -> None:
        raise ZeroDivisionError

    monkeypatch.setattr("portal.user_portal.sign_in.offers", fails)
    watch.expected_status = 500
    page.goto("/login/")
    expect(page.locator("main")).to_have_attribute("data-error-code", "http.server_error")
    eye.look(page, "error-500")
