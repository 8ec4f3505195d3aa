"""Second factors in a real browser: its own passkeys, an authenticator app, and every page of theirs looked at."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta

import time_machine
from django.conf import LazySettings
from django.utils import timezone
from playwright.sync_api import Page, expect

from idp.models import IdentityProvider
from tests.browsing import Browser
from tests.e2e import steps
from tests.e2e.conftest import OpenContext, sign_in_as, take_cookies
from tests.e2e.looking import Eye
from tests.e2e.steps import field, heading, press, says
from tests.factories import OPERATOR, PASSWORD, make_administrator, make_person
from tests.second_factors import ACCOUNT, App, give_app
from users.factors import factors_of
from users.models import AuthenticatorApp, User
from users.second_factor_rule import set_second_factor_rule

FACTOR = ACCOUNT["admin"]
ORGANIZATION = "/admin/settings/organization/"


def plug_in_authenticator(page: Page) -> None:
    """Give Chromium an authenticator of its own, with a finger that is always on it (WebAuthn Automation)."""
    session = page.context.new_cdp_session(page)
    session.send("WebAuthn.enable")
    options = {
        "protocol": "ctap2",
        "transport": "internal",
        "hasResidentKey": True,
        "hasUserVerification": True,
        "isUserVerified": True,
        "automaticPresenceSimulation": True,
    }
    session.send("WebAuthn.addVirtualAuthenticator", {"options": options})


@contextmanager
def later(minutes: int) -> Iterator[None]:
    """Be so much later."""
    with time_machine.travel(timezone.now() + timedelta(minutes=minutes)):
        yield


def seed_of(page: Page) -> App:
    """Return the app that was given the seed that the page shows."""
    return App(page.locator("#secret").inner_text().replace(" ", ""))


def test_passkeys_from_adding_to_confirming(page: Page, administrator: User, eye: Eye) -> None:
    plug_in_authenticator(page)
    steps.sign_in_to_admin_portal(page, administrator.company_email)
    page.locator(".person-menu > summary").click()
    page.get_by_role("link", name="Second factor").click()
    heading(page, "Second factor")
    eye.look(page, "factor-none")
    page.get_by_role("link", name="Add a passkey").click()
    eye.look(page, "factor-add-passkey")
    field(page, "Name").fill("This computer")
    press(page, "Add passkey")
    heading(page, "Your recovery codes")
    with page.expect_download() as download:
        page.get_by_role("link", name="Download").click()
    assert download.value.suggested_filename == "gatehouse-recovery-codes.txt"
    codes = page.locator(".code-list ul").inner_text().split()
    assert len(codes) == 10 and all(code in download.value.path().read_text() for code in codes)
    eye.look(page, "factor-codes")
    page.get_by_role("link", name="I have kept them").click()
    says(page, "This computer")
    eye.look(page, "factor-passkey-only")
    steps.sign_out(page)
    steps.sign_in_to_admin_portal(page, administrator.company_email)
    heading(page, "One more step")
    eye.look(page, "factor-step-with-passkey")
    press(page, "Use a passkey")
    heading(page, "Home")
    with later(11):
        page.goto(f"{FACTOR}app/")
        heading(page, "Confirm that it is you")
        eye.look(page, "factor-confirm-with-passkey")
        press(page, "Use a passkey")
        heading(page, "Set up an authenticator app")
    (passkey,) = factors_of(administrator).passkeys
    assert passkey.sign_count > 1


def test_a_passkey_that_is_not_there_is_explained(page: Page, administrator: User) -> None:
    plug_in_authenticator(page)
    steps.sign_in_to_admin_portal(page, administrator.company_email)
    page.goto(f"{FACTOR}passkeys/add/")
    press(page, "Add passkey")
    heading(page, "Your recovery codes")
    page.goto(f"{FACTOR}passkeys/add/")
    field(page, "Name").fill("Once more")
    press(page, "Add passkey")
    says(page, "This device has a passkey for your account already.")


def test_an_authenticator_app_in_its_states(page: Page, administrator: User, eye: Eye) -> None:
    sign_in_as(page, administrator)
    page.goto(FACTOR)
    page.get_by_role("link", name="Set up an authenticator app").click()
    heading(page, "Set up an authenticator app")
    eye.look(page, "factor-app")
    field(page, "Code from the app").fill("000000")
    press(page, "Finish")
    says(page, "That code did not work.")
    eye.look(page, "factor-app-in-error")
    app = seed_of(page)
    field(page, "Code from the app").fill(app.code())
    press(page, "Finish")
    heading(page, "Your recovery codes")
    page.get_by_role("button", name="Copy").click()
    page.get_by_role("link", name="I have kept them").click()
    says(page, "10 of 10 are left.")
    eye.look(page, "factor-app-set-up")
    page.get_by_role("link", name="Make new recovery codes").click()
    heading(page, "New recovery codes")
    eye.look(page, "factor-new-codes")
    AuthenticatorApp.objects.update(last_counter=0)
    steps.sign_out(page)
    steps.sign_in_to_admin_portal(page, administrator.company_email)
    eye.look(page, "factor-step")
    field(page, "Code").fill("nothing")
    press(page, "Sign in")
    says(page, "That code did not work.")
    eye.look(page, "factor-step-wrong")
    field(page, "Code").fill(app.code())
    press(page, "Sign in")
    heading(page, "Home")


def test_confirming_in_its_states(page: Page, administrator: User, eye: Eye) -> None:
    sign_in_as(page, administrator)
    page.goto(f"{steps.PROVIDERS}")
    with later(11):
        page.goto(f"{steps.PROVIDERS}add/entra/")
        heading(page, "Confirm that it is you")
        eye.look(page, "confirm")
        field(page, "Password").fill("wrong")
        press(page, "Confirm")
        says(page, "That password did not work.")
        eye.look(page, "confirm-wrong")
        field(page, "Password").fill(PASSWORD)
        press(page, "Confirm")
        heading(page, "Entra ID (Azure)")
    with later(22):
        page.goto(ORGANIZATION)
        press(page, "Require a second factor")
        says(page, "The page was open for a while")
        eye.look(page, "confirm-again")
        field(page, "Password").fill(PASSWORD)
        press(page, "Confirm")
        heading(page, "Second factor")
        says(page, "A second factor is required from now on, of you as well.")


def test_the_rule_and_whom_it_leads_to_enrol(page: Page, administrator: User, eye: Eye) -> None:
    give_app(make_administrator())
    for _ in range(3):
        make_administrator()
    sign_in_as(page, administrator)
    page.goto(ORGANIZATION)
    says(page, "1 of 5 active administrators has a second factor.")
    eye.look(page, "organization-rule-off")
    press(page, "Require a second factor")
    heading(page, "Second factor")
    says(page, "Set up a second factor first")
    eye.look(page, "factor-must-enrol")
    page.goto("/admin/")
    heading(page, "Second factor")
    page.get_by_role("link", name="Set up an authenticator app").click()
    field(page, "Code from the app").fill(seed_of(page).code())
    press(page, "Finish")
    heading(page, "Your recovery codes")
    page.goto(ORGANIZATION)
    says(page, "2 of 5 active administrators have a second factor.")
    eye.look(page, "organization-rule-on")
    page.goto(FACTOR)
    press(page, "Remove app")
    says(page, "this is your last one")
    eye.look(page, "factor-last-one-stays")


def test_few_codes_are_left(page: Page, administrator: User, eye: Eye) -> None:
    codes = give_app(administrator).recovery_codes
    for code in codes[:8]:
        client = Browser()
        client.sign_in_as_administrator(administrator)
        client.post("/admin/login/second-factor/", {"code": code})
    take_cookies(page, client)
    page.goto(FACTOR)
    says(page, "Few recovery codes are left")
    eye.look(page, "factor-few-codes")


def test_the_user_portals_pages(page: Page, eye: Eye) -> None:
    person = make_person("local@contoso.example", display_name="Local Colleague", password=PASSWORD)
    client = Browser()
    client.sign_in_with_password(person)
    take_cookies(page, client)
    page.goto("/security/")
    eye.look(page, "user-security-without-factor")
    page.get_by_role("link", name="Set it up").click()
    heading(page, "Second factor")
    eye.look(page, "user-factor-none")
    page.get_by_role("link", name="Set up an authenticator app").click()
    eye.look(page, "user-factor-app")
    field(page, "Code from the app").fill(seed_of(page).code())
    press(page, "Finish")
    heading(page, "Your recovery codes")
    eye.look(page, "user-factor-codes")
    page.get_by_role("link", name="I have kept them").click()
    eye.look(page, "user-factor-set-up")
    with later(11):
        page.get_by_role("link", name="Make new recovery codes").click()
        heading(page, "Confirm that it is you")
        eye.look(page, "user-confirm")


def test_a_federated_person_reads_why(page: Page, provider: IdentityProvider, ada: User, eye: Eye) -> None:
    steps.sign_in_at_tenant(page)
    page.goto(ACCOUNT["user"])
    says(page, "Your provider asks for it")
    eye.look(page, "user-factor-federated")


def test_without_javascript_and_at_a_bare_address(
    open_context: OpenContext, administrator: User, settings: LazySettings, eye: Eye
) -> None:
    page = open_context(java_script_enabled=False).new_page()
    sign_in_as(page, administrator)
    page.goto(f"{FACTOR}passkeys/add/")
    says(page, "A passkey needs JavaScript")
    expect(page.get_by_role("button", name="Add passkey")).to_have_count(0)
    eye.shoot(page, "factor-add-passkey-no-javascript")
    page.goto(f"{FACTOR}app/")
    field(page, "Code from the app").fill(seed_of(page).code())
    press(page, "Finish")
    heading(page, "Your recovery codes")
    with page.expect_download() as download:
        page.get_by_role("link", name="Download").click()
    assert page.locator(".code-list ul").inner_text().split()[0] in download.value.path().read_text()
    settings.PUBLIC_URL = "http://127.0.0.1:8000"
    page.goto(f"{FACTOR}passkeys/add/")
    says(page, "No passkeys at this address")
    eye.shoot(page, "factor-no-passkeys-here")


def test_the_rule_set_at_the_shell_catches_open_sessions(page: Page, administrator: User) -> None:
    sign_in_as(page, administrator)
    page.goto("/admin/")
    set_second_factor_rule(actor=OPERATOR, required=True)
    page.get_by_role("link", name="Organization").click()
    heading(page, "Second factor")
