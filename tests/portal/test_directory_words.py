"""INSIGHTS > Directory says in words why a provider refused a sign-in (reference/entra.md 1.6)."""

import re
from html import unescape

import pytest

from idp.activity import failures_of_day
from idp.models import IdentityProvider
from idp.protocol.aadsts_table import AADSTS
from tests.browsing import Browser, last_event
from tests.commands.running import run
from tests.entra_tenant import PracticeTenant
from users.models import User

URL = "/admin/insights/directory/"


def text_of(page: bytes) -> str:
    """Return what stands on a page, without its markup and without its spaces."""
    return " ".join(unescape(re.sub(r"<[^>]+>", " ", page.decode().replace("<wbr>", ""))).split())


def shown(admin_browser: Browser) -> str:
    """Return the row of the last failed sign-in, without the list of raw facts that it can unfold."""
    event = last_event(action="portal.sign_in.failed")
    page = admin_browser.get(URL, {"reference": event.request_id}).content
    return text_of(re.sub(rb"<details.*?</details>", b"", page, flags=re.DOTALL))


@pytest.mark.parametrize("number", sorted(AADSTS))
def test_every_number_is_told_with_cause_screen_and_what_to_quote(
    number: int,
    tenant: PracticeTenant,
    provider: IdentityProvider,
    ada: User,
    browser_client: Browser,
    admin_browser: Browser,
) -> None:
    with tenant.lying(token_error=number):
        person = browser_client.federated_sign_in()
    advice, event = AADSTS[number], last_event(action="portal.sign_in.failed")
    row = shown(admin_browser)
    assert advice.cause.rstrip(".") in row and advice.cure in row and f"AADSTS{number}" in row
    assert event.details["correlation_id"] in row and event.details["timestamp"] in row
    read = text_of(person.content)
    assert event.request_id in read
    assert "AADSTS" not in read and advice.cure not in read and event.details["correlation_id"] not in read


def test_the_field_is_named_and_the_providers_words_are_escaped(
    tenant: PracticeTenant, provider: IdentityProvider, ada: User, browser_client: Browser, admin_browser: Browser
) -> None:
    body = b'{"error": "invalid_client", "error_description": "AADSTS7000215: <script>alert(1)</script>"}'
    with tenant.lying(token_status=401, token_body=body):
        person = browser_client.federated_sign_in()
    assert "Our field: Client Secret" in shown(admin_browser)
    page = admin_browser.get(URL).content
    assert b"<script>alert" not in page and "<script>alert(1)</script>" in text_of(page)
    assert b"alert(1)" not in person.content


def test_the_error_of_another_provider_is_told_and_counted_by_its_word(
    tenant: PracticeTenant, provider: IdentityProvider, ada: User, browser_client: Browser, admin_browser: Browser
) -> None:
    with tenant.lying(response={"error": "consent_required"}, drop_response=("code",)):
        browser_client.federated_sign_in()
    row = shown(admin_browser)
    assert "Consent is missing. (consent_required)" in row and "Grant admin consent" in row
    assert [cause.words for cause in failures_of_day(provider)] == ["Consent is missing. (consent_required)"]
    assert "Consent is missing" in admin_browser.get("/admin/").content.decode()


def test_a_refusal_of_our_own_is_told_in_the_words_that_were_shown(
    tenant: PracticeTenant, provider: IdentityProvider, browser_client: Browser, admin_browser: Browser
) -> None:
    browser_client.federated_sign_in()
    assert "“Gatehouse does not know your account.”" in shown(admin_browser)


def test_the_command_prints_them_for_a_reference_number(
    tenant: PracticeTenant, provider: IdentityProvider, ada: User, browser_client: Browser
) -> None:
    with tenant.lying(token_error=7000222):
        browser_client.federated_sign_in()
    reference = last_event(action="portal.sign_in.failed").request_id
    printed = run("audit", "list", "--reference", reference)
    assert AADSTS[7000222].cause in str(printed) and "Certificates & secrets" in str(printed)


def test_a_form_that_the_provider_refuses_says_what_to_quote(
    tenant: PracticeTenant, provider: IdentityProvider, admin_browser: Browser
) -> None:
    url = f"/admin/directory-integrations/identity-providers/{provider.pk}/credentials/add-secret/"
    page = text_of(admin_browser.post(url, {"client_secret": "wrong"}).content)
    facts = last_event(outcome="refused").details
    assert f"To quote: {facts['correlation_id']}, {facts['timestamp']}." in page
