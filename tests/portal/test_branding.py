"""What everybody sees of the company: on the sign-in pages, in titles, on error pages, and its logo."""

import re
from typing import Any
from urllib.parse import unquote

import pytest
from django.db import OperationalError, connection
from django.template import engines
from django.test import Client

from portal.templatetags.branding import dialled
from tests.browsing import Browser, error_code, last_event
from tests.factories import OPERATOR, PASSWORD, make_person
from tests.pictures import picture
from users.models import AuditEvent, OrganizationLogo, User
from users.organization_profile import remove_logo, set_logo, set_name, set_support

pytestmark = pytest.mark.django_db


def page_of(path: str, browser: Browser | None = None) -> str:
    return (browser or Browser()).get(path).content.decode()


def title_of(page: str) -> str:
    return re.search(r"<title>(.*?)</title>", page, re.DOTALL)[1].strip()  # type: ignore[index]


def show_support() -> None:
    set_support(
        actor=OPERATOR,
        email="it+desk@contoso.example",
        url="https://help.contoso.example/a?b=c",
        phone="+44 (20) 7946 0958 ext. 12",
        note="Ask the <IT> desk, extension 4711.",
    )


def test_until_anything_is_set_pages_look_as_before(administrator: User) -> None:
    for path, title in (("/login/", "Sign in"), ("/admin/login/", "Sign in to the Admin Portal")):
        page = page_of(path)
        assert title_of(page) == f"{title} · Gatehouse" and "Need help?" not in page and "/branding/" not in page
        assert '<span class="brand-name">Gatehouse</span>' in page


def test_the_name_stands_where_people_sign_in(ada: User) -> None:
    set_name(actor=OPERATOR, name="Contoso & Söhne <b>")
    page = page_of("/login/")
    assert "Sign in to Contoso &amp; Söhne &lt;b&gt;" in page
    assert title_of(page) == "Sign in · Contoso &amp; Söhne &lt;b&gt; · Gatehouse"
    assert "to the Admin Portal of Contoso &amp; Söhne" in page_of("/admin/login/")
    browser = Browser()
    browser.sign_in_with_password(make_person(password=PASSWORD))
    assert title_of(page_of("/profile/", browser)) == "Profile · Contoso &amp; Söhne &lt;b&gt; · Gatehouse"


def test_the_logo_is_shown_with_the_companys_name(administrator: User) -> None:
    set_logo(actor=OPERATOR, data=picture())
    assert 'alt="Company logo"' in page_of("/login/")
    set_name(actor=OPERATOR, name="Contoso")
    browser = Browser()
    browser.sign_in_with_password(make_person(password=PASSWORD))
    for page in (page_of("/login/"), page_of("/admin/login/"), page_of("/", browser)):
        image = re.search(r"<img .*?>", page, re.DOTALL)[0]  # type: ignore[index]
        assert 'alt="Contoso"' in image and 'width="320"' in image and 'height="96"' in image


def test_the_logos_address_is_for_everybody_and_for_good() -> None:
    logo = set_logo(actor=OPERATOR, data=picture())
    answer = Client().get(f"/branding/logo/{logo.sha256[:16]}.png")
    assert answer.status_code == 200 and answer.content == bytes(OrganizationLogo.objects.get().data)
    assert answer["Content-Type"] == "image/png" and answer["X-Content-Type-Options"] == "nosniff"
    assert answer["Cache-Control"] == "public, max-age=31536000, immutable"
    assert not answer.cookies and "Cookie" not in answer.get("Vary", "")
    assert Client().head(f"/branding/logo/{logo.sha256[:16]}.png").status_code == 200
    assert Client().post(f"/branding/logo/{logo.sha256[:16]}.png").status_code == 405


@pytest.mark.parametrize("address", ["0" * 16, "{}", "{:.15}", "{:.17}", "a", "x", "-"])
def test_other_addresses_lead_nowhere(address: str) -> None:
    logo = set_logo(actor=OPERATOR, data=picture())
    answer = Client().get(f"/branding/logo/{address.format(logo.sha256)}.png")
    assert (answer.status_code, answer["Cache-Control"]) == (404, "no-store")


def test_a_former_logos_address_leads_nowhere() -> None:
    first = set_logo(actor=OPERATOR, data=picture())
    set_logo(actor=OPERATOR, data=picture(size=(90, 90)))
    assert Client().get(f"/branding/logo/{first.sha256[:16]}.png").status_code == 404
    remove_logo(actor=OPERATOR)
    rows = AuditEvent.objects.count()
    assert Client().get(f"/branding/logo/{first.sha256[:16]}.png").status_code == 404
    assert AuditEvent.objects.count() == rows  # nobody did anything wrong


# --- whom to ask ----------------------------------------------------------------------------------------------------


def test_error_pages_say_whom_to_ask_with_the_reference_number() -> None:
    show_support()
    answer = Browser().get("/nowhere/")
    page = answer.content.decode()
    assert error_code(answer) == "portal.page_not_found" and "Need help?" in page
    assert "Ask the &lt;IT&gt; desk, extension 4711." in page
    mail = re.search(r'href="(mailto:[^"]*)"', page)[1]  # type: ignore[index]
    assert mail.startswith("mailto:it%2Bdesk@contoso.example?subject=") and " " not in mail
    assert unquote(mail.partition("subject=")[2]) == f"Gatehouse: reference {answer['X-Request-ID']}"
    assert 'href="tel:+44207946' in page and 'href="https://help.contoso.example/a?b=c"' in page


def test_a_refused_sign_in_says_whom_to_ask_with_its_reference_number() -> None:
    show_support()
    person = make_person(password=PASSWORD)
    page = Browser().sign_in_with_password(person, "guess").content.decode()
    reference = last_event(action="portal.sign_in.failed").request_id
    assert f"subject=Gatehouse%3A%20reference%20{reference}" in page
    assert "subject=Gatehouse%3A%20signing%20in" in page_of("/login/")


def test_what_is_not_set_is_left_out() -> None:
    set_support(actor=OPERATOR, note="Ask the IT desk.")
    page = page_of("/nowhere/")
    assert "Ask the IT desk." in page and "mailto:" not in page and "tel:" not in page


@pytest.mark.parametrize(
    ("phone", "link"),
    [
        ("+44 (20) 7946-0958", "+442079460958"),
        ("020 7946 0958", "02079460958"),
        ("020 7946 ext. 12", "0207946;ext=12"),
        ("020 7946x7", "0207946;ext=7"),
        ("", ""),
    ],
)
def test_a_phone_dials_what_is_written(phone: str, link: str) -> None:
    assert dialled(phone) == link


# --- with the database away -----------------------------------------------------------------------------------------


def away(*args: object, **kwargs: object) -> None:
    raise OperationalError("the database is away")


def test_a_failure_shows_what_was_known_last(monkeypatch: pytest.MonkeyPatch) -> None:
    show_support()
    page_of("/login/")  # this process has read it
    monkeypatch.setattr(connection, "cursor", away)
    answer = Browser(raise_request_exception=False).get("/login/")
    page = answer.content.decode()
    assert answer.status_code == 503 and error_code(answer) == "portal.database_unavailable"
    assert "extension 4711" in page and f"reference%20{answer['X-Request-ID']}" in page


def test_a_process_that_knows_nothing_has_an_error_page_all_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(connection, "cursor", away)
    answer = Browser(raise_request_exception=False).get("/nowhere/")
    assert error_code(answer) == "portal.page_not_found" and "Need help?" not in answer.content.decode()


def test_templates_without_a_request_have_no_company() -> None:
    for source in ("{% company_logo branding %}", "{% support_contact branding reference=error.reference %}"):
        template: Any = engines["django"].from_string("{% load branding %}" + source)
        assert template.render({}).strip() == ""
