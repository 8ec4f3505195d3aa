"""A provider that is down: who is told since when, before and after she is sent there."""

from datetime import UTC, datetime, timedelta

import pytest
import time_machine
from django.db import connection
from django.test.utils import CaptureQueriesContext

from idp.models import IdentityProvider
from idp.outages import BELIEVED_FOR
from portal.management.commands.run import HOUSEKEEPING_EVERY
from tests.browsing import Browser, assert_refused, error_code
from tests.commands.running import run
from tests.entra_tenant import Fault, PracticeTenant
from tests.factories import make_person
from tests.idp.test_routing import make_policy, make_provider_row
from tests.portal.test_home_page import text_of
from tests.portal.test_password_sign_in import anonymised, give_email
from users.models import User

pytestmark = pytest.mark.django_db

NOON = datetime(2026, 5, 3, 12, tzinfo=UTC)
SINCE = "It has been down since 3 May 2026, 12:00 UTC"


def keep_house() -> None:
    """Let housekeeping ask the providers how they are."""
    assert run("housekeeping").status == 0


def test_who_would_be_sent_to_a_provider_that_is_down_is_told_first(
    tenant: PracticeTenant, provider: IdentityProvider, ada: User, browser_client: Browser
) -> None:
    tenant.fault("discovery", Fault.STATUS, status=503)
    with time_machine.travel(NOON, tick=False):
        keep_house()
    with time_machine.travel(NOON + timedelta(minutes=10), tick=False):
        keep_house()
        shown = give_email(browser_client, "ada@contoso.example", next="/security/")
        said = text_of(shown)
        assert shown.status_code == 200 and "Contoso Entra is down" in said and SINCE in said
        assert "Try again later" in said and "password" not in said
        assert tenant.authorization_endpoint.partition("/oauth2")[0].split("/")[2] in shown["Content-Security-Policy"]
        # The check may be wrong: the way there is open.
        sent = give_email(browser_client, "ada@contoso.example", next="/security/", anyway="yes")
        assert sent.status_code == 302 and sent["Location"].startswith(tenant.authorization_endpoint)
        assert browser_client.come_back(browser_client.at_provider(sent["Location"]))["Location"] == "/security/"
        for page in ("/login/", "/login/password/"):
            assert "Contoso Entra has been down since 3 May 2026, 12:00 UTC" in text_of(Browser().get(page))


def test_a_stranger_is_told_the_same(
    tenant: PracticeTenant, provider: IdentityProvider, ada: User, administrator: User
) -> None:
    tenant.fault("discovery", Fault.STATUS, status=503)
    keep_house()
    emails = (ada.company_email, "nobody@contoso.example", administrator.company_email)
    pages = {anonymised(give_email(Browser(), email), email) for email in emails}
    assert len(pages) == 1 and "Contoso Entra is down" in pages.pop()


def test_it_leads_there_at_once_when_it_works_again_and_when_nobody_has_checked_for_long(
    tenant: PracticeTenant, provider: IdentityProvider, ada: User
) -> None:
    tenant.fault("discovery", Fault.STATUS, status=503)
    with time_machine.travel(NOON, tick=False):
        keep_house()
    for minutes, status in ((29, 200), (31, 302)):
        with time_machine.travel(NOON + timedelta(minutes=minutes), tick=False):
            assert give_email(Browser(), ada.company_email).status_code == status
            assert ("has been down since" in text_of(Browser().get("/login/"))) is (status == 200)
    keep_house()
    assert give_email(Browser(), ada.company_email).status_code == 200
    tenant.clear_faults()
    keep_house()
    assert give_email(Browser(), ada.company_email).status_code == 302


def test_a_check_is_believed_for_twice_as_long_as_make_run_waits_for_the_next() -> None:
    assert BELIEVED_FOR.total_seconds() == 2 * HOUSEKEEPING_EVERY


def test_of_two_providers_only_the_one_that_is_down_says_so() -> None:
    make_policy(make_provider_row(1), position=1, domains=("contoso.example",))
    make_policy(make_provider_row(2), position=2, everyone=True)
    now = datetime.now(UTC)
    IdentityProvider.objects.filter(slug="oidc-1").update(down_since=now, health_checked_at=now)
    assert "Provider 1 is down" in text_of(give_email(Browser(), "ada@contoso.example"))
    assert give_email(Browser(), "ada@fabrikam.example").status_code == 302
    assert "Provider 2 has been down" not in text_of(Browser().get("/login/"))


@pytest.mark.parametrize(
    ("fault", "code"),
    [(Fault.STATUS, "idp.token_endpoint.unavailable"), (Fault.DOWN, "idp.http.connection_broken")],
)
def test_an_error_of_a_provider_that_is_known_to_be_down_says_since_when(
    fault: Fault, code: str, tenant: PracticeTenant, provider: IdentityProvider, ada: User, browser_client: Browser
) -> None:
    location = browser_client.at_provider(browser_client.begin())
    tenant.fault("token", fault, status=503)
    assert "has been down since" not in text_of(browser_client.come_back(location))
    tenant.fault("discovery", Fault.STATUS, status=503)
    with time_machine.travel(NOON, tick=False):
        keep_house()
        sent = give_email(browser_client, "ada@contoso.example", anyway="yes")["Location"]
        refused = browser_client.come_back(browser_client.at_provider(sent))
    assert_refused(refused, code)
    assert "Contoso Entra has been down since 3 May 2026, 12:00 UTC" in text_of(refused)


def test_an_error_of_the_visitor_says_nothing_of_it(
    tenant: PracticeTenant, provider: IdentityProvider, browser_client: Browser
) -> None:
    tenant.fault("discovery", Fault.STATUS, status=503)
    keep_house()
    sent = give_email(browser_client, "grace@contoso.example", anyway="yes")["Location"]
    refused = browser_client.come_back(browser_client.at_provider(sent))
    assert error_code(refused) == "federation.no_match" and "has been down since" not in text_of(refused)


def test_while_it_is_well_an_email_costs_no_statement_more() -> None:
    make_policy(make_provider_row(1), everyone=True)
    make_person("ada@contoso.example")
    browser = Browser()
    give_email(browser, "ada@contoso.example")
    with CaptureQueriesContext(connection) as captured:
        assert give_email(browser, "ada@contoso.example").status_code == 302
    about_it = [query["sql"] for query in captured if "idp_identityprovider" in query["sql"]]
    assert len(about_it) == 1 and "health_checked_at" in about_it[0]
