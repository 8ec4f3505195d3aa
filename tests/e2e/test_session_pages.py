"""The pages of sessions and limits, as people see them."""

from datetime import timedelta

from django.utils import timezone
from playwright.sync_api import Page

from idp.models import IdentityProvider
from idp.services import set_recheck
from tests.browsing import Browser
from tests.e2e.conftest import take_cookies
from tests.e2e.looking import Eye
from tests.entra_tenant import PracticeTenant
from tests.factories import OPERATOR, PASSWORD, make_person
from users.models import User, UserSession

AGENTS = (
    "Mozilla/5.0 (Windows NT 10.0; Win64; x64; rv:140.0) Gecko/20100101 Firefox/140.0",
    "Mozilla/5.0 (iPhone; CPU iPhone OS 18_5 like Mac OS X) AppleWebKit/605.1.15 Version/18.5 Safari/604.1",
    "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/537.36 Chrome/138.0.0.0 Safari/537.36",
)


def sign_in(tenant: PracticeTenant, *emails: str) -> list[Browser]:
    """Sign people in at the provider, each in a browser of another kind, from another address, at another time."""
    tenant.auto_sign_in = True
    browsers = []
    for number, email in enumerate(emails):
        browser = Browser(headers={"user-agent": AGENTS[number % 3]}, REMOTE_ADDR=f"203.0.113.{number + 7}")
        assert browser.federated_sign_in(email).status_code == 303
        browsers.append(browser)
    for number, row in enumerate(UserSession.objects.filter(person__admin_role=None).order_by("signed_in_at")):
        earlier = timezone.now() - timedelta(minutes=17 * number + 3)
        UserSession.objects.filter(pk=row.pk).update(signed_in_at=earlier, last_seen_at=earlier + timedelta(minutes=2))
    return browsers


def test_a_persons_sessions(
    page: Page, tenant: PracticeTenant, provider: IdentityProvider, ada: User, eye: Eye
) -> None:
    here = sign_in(tenant, *[ada.company_email] * 3)[0]
    take_cookies(page, here)
    page.goto("/security/")
    eye.look(page, "security-sessions")
    page.get_by_role("button", name="End the session of Safari on iPhone").click()
    page.get_by_text("That session was ended.").wait_for()
    page.get_by_role("button", name="End all others").click()
    page.get_by_text("1 other session ended.").wait_for()
    assert UserSession.objects.filter(person=ada).count() == 1


def test_everybodys_sessions(
    admin_page: Page, tenant: PracticeTenant, provider: IdentityProvider, ada: User, eye: Eye
) -> None:
    make_person("grace@contoso.example", display_name="Grace Hopper")
    sign_in(tenant, ada.company_email, "grace@contoso.example", ada.company_email)
    admin_page.goto("/admin/insights/sessions/")
    eye.look(admin_page, "sessions")
    admin_page.get_by_role("link", name="Ada Lovelace").first.click()
    eye.look(admin_page, "sessions-of-person")
    admin_page.get_by_role("button", name="End all sessions").click()
    admin_page.get_by_text("2 sessions of Ada Lovelace ended.").wait_for()
    eye.glance(admin_page, "sessions-of-person-none")
    admin_page.goto("/admin/insights/sessions/?email=nobody")
    eye.glance(admin_page, "sessions-none")


def test_an_administrators_own_sessions(admin_page: Page, administrator: User, eye: Eye) -> None:
    Browser(headers={"user-agent": AGENTS[0]}, REMOTE_ADDR="203.0.113.9").sign_in_as_administrator(administrator)
    admin_page.goto("/admin/")
    admin_page.locator(".person-menu > summary").click()
    admin_page.get_by_role("link", name="Your sessions").click()
    eye.look(admin_page, "own-sessions")
    admin_page.get_by_role("button", name="End all, this one too").click()
    admin_page.wait_for_url("**/admin/login/")


def test_the_organization_settings(admin_page: Page, eye: Eye) -> None:
    admin_page.goto("/admin/settings/organization/")
    admin_page.get_by_label("Idle limit of a session").fill("3")
    admin_page.locator("form[action$='limits/']").evaluate("form => { form.noValidate = true; }")
    admin_page.get_by_role("button", name="Save limits").click()
    admin_page.get_by_role("alert").first.wait_for()
    eye.glance(admin_page, "organization-limits-refused")
    admin_page.get_by_label("Idle limit of a session").fill("30")
    admin_page.get_by_role("button", name="Save limits").click()
    admin_page.get_by_text("The organization settings were saved.").wait_for()


def test_what_a_provider_is_told_about_signing_out(
    admin_page: Page, tenant: PracticeTenant, provider: IdentityProvider, ada: User, eye: Eye
) -> None:
    set_recheck(actor=OPERATOR, provider=provider, minutes=10)
    sign_in(tenant, ada.company_email)
    admin_page.goto(f"/admin/directory-integrations/identity-providers/{provider.pk}/")
    eye.glance(admin_page, "provider-sign-out")


def test_a_session_that_the_provider_ended(
    page: Page, tenant: PracticeTenant, provider: IdentityProvider, ada: User, eye: Eye
) -> None:
    connected = set_recheck(actor=OPERATOR, provider=provider, minutes=10)
    (browser,) = sign_in(tenant, ada.company_email)
    tenant.grants.revoke_refresh_tokens()
    connected.grants.update(next_check_at=timezone.now() - timedelta(seconds=1))
    take_cookies(page, browser)
    page.goto("/profile/")
    page.get_by_text("You were signed out.").wait_for()
    eye.glance(page, "signed-out-by-provider")


def test_a_person_with_a_password_signs_out(page: Page, eye: Eye) -> None:
    browser = Browser()
    browser.sign_in_with_password(make_person(password=PASSWORD))
    take_cookies(page, browser)
    page.goto("/security/")
    page.get_by_role("button", name="End all, this one too").click()
    page.wait_for_url("**/signed-out/")
    eye.glance(page, "signed-out-all")


def test_signing_out_at_the_provider_signs_out_here(
    page: Page, tenant: PracticeTenant, provider: IdentityProvider, ada: User
) -> None:
    """The provider's page opens our address in a hidden frame: the browser must let it, and asks without cookies."""
    tenant.auto_sign_in = True
    tenant.frontchannel_logout_uri = provider.frontchannel_logout_uri
    page.goto("/login/")
    page.get_by_label("Company email").fill(ada.company_email)
    page.get_by_role("button", name="Continue").click()
    page.get_by_role("heading", name="Ada").wait_for()
    assert UserSession.objects.filter(person=ada).count() == 1
    with page.expect_response(lambda response: "/oauth/frontchannel-logout/entra" in response.url) as framed:
        page.goto(tenant.end_session_endpoint)
    assert framed.value.status == 200 and "cookie" not in framed.value.request.all_headers()
    assert not UserSession.objects.filter(person=ada).exists()
    page.goto("/profile/")
    page.wait_for_url("**/login/**")
