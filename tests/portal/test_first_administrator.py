"""The set-up link in a browser: from an empty database to the Admin Portal."""

from datetime import timedelta

import pytest
import time_machine
from django.utils import timezone

from tests.browsing import Browser, assert_refused, error_code
from tests.factories import OPERATOR, PASSWORD, make_administrator
from users.administrators import issue_setup_link
from users.models import AdminRole, AuditEvent, User

pytestmark = pytest.mark.django_db

FORM = {
    "display_name": "Grace Hopper",
    "company_email": "Grace@contoso.example",
    "password": PASSWORD,
    "password_again": PASSWORD,
}


@pytest.fixture
def link(db: None) -> str:
    """The path of a fresh link."""
    return f"/admin/set-up/{issue_setup_link(actor=OPERATOR)}/"


def test_it_leads_to_the_admin_portal(link: str, browser_client: Browser) -> None:
    assert "Create the first administrator" in browser_client.get(link).content.decode()
    assert browser_client.post(link, FORM)["Location"] == "/admin/login/"
    assert "Your account is ready" in browser_client.get("/admin/login/").content.decode()
    person = User.objects.get()
    assert (person.company_email, person.admin_role) == ("grace@contoso.example", AdminRole.ADMINISTRATOR_WITH_BILLING)
    browser_client.sign_in_as_administrator(person)
    assert browser_client.is_administering


def test_the_sign_in_page_says_how_to_get_a_link_while_there_is_nobody(browser_client: Browser) -> None:
    assert "admins setup-link" in browser_client.get("/admin/login/").content.decode()
    make_administrator()
    assert "admins setup-link" not in browser_client.get("/admin/login/").content.decode()


def test_it_works_once(link: str, browser_client: Browser) -> None:
    browser_client.post(link, FORM)
    again = browser_client.post(link, {**FORM, "company_email": "eve@contoso.example"})
    assert (again.status_code, error_code(again)) == (410, "users.setup_done")
    assert browser_client.get(link).status_code == 410
    assert User.objects.count() == 1


def test_it_is_over_after_an_hour(link: str, browser_client: Browser) -> None:
    with time_machine.travel(timezone.now() + timedelta(minutes=61)):
        assert browser_client.get(link).status_code == 410
        assert_refused(browser_client.post(link, FORM), "users.setup_link_invalid", action="portal.request.refused")
    assert not User.objects.exists()


def test_it_is_dead_once_there_is_an_administrator(link: str, browser_client: Browser) -> None:
    make_administrator()
    assert browser_client.get(link).status_code == browser_client.post(link, FORM).status_code == 410
    assert User.objects.count() == 1


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"password_again": "another"}, "The two passwords differ"),
        ({"password": "short", "password_again": "short"}, "This password is not accepted"),
        ({"company_email": "no email"}, "Enter a valid email"),
        ({"company_email": "gra\u212ae@contoso.example"}, "not a company email"),
        ({"display_name": "a\u2028b"}, "This name cannot be kept"),
        ({"display_name": ""}, "This field is required"),
        ({"display_name": "x" * 151}, "at most 150"),
        ({"password": "", "password_again": ""}, "This field is required"),
    ],
)
def test_bad_input_is_explained_and_the_link_stays_good(
    change: dict[str, str], words: str, link: str, browser_client: Browser
) -> None:
    response = browser_client.post(link, {**FORM, **change})
    assert response.status_code == 422 and words in response.content.decode()
    assert PASSWORD not in response.content.decode()
    assert not User.objects.exists()
    assert browser_client.post(link, FORM).status_code == 302


def test_its_address_is_kept_from_other_sites_and_from_the_log(link: str, browser_client: Browser) -> None:
    page = browser_client.get(link)
    assert page["Referrer-Policy"] in {"no-referrer", "same-origin"} and "no-store" in page["Cache-Control"]
    browser_client.post(link, {**FORM, "password": "short", "password_again": "short"})
    assert link.split("/")[3] not in str(list(AuditEvent.objects.values()))


def test_a_refused_link_is_not_in_the_log_either(browser_client: Browser) -> None:
    older, _ = issue_setup_link(actor=OPERATOR), issue_setup_link(actor=OPERATOR)
    response = browser_client.get(f"/admin/set-up/{older}/")
    assert response.status_code == 410 and response["Referrer-Policy"] in {"no-referrer", "same-origin"}
    assert AuditEvent.objects.filter(error_code="users.setup_link_invalid").exists()
