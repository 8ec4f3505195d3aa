"""SETTINGS > Organization: each section a form of its own, where nothing that was typed is lost."""

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile

from tests.browsing import Browser, last_event
from tests.factories import OPERATOR, make_administrator
from tests.pictures import picture
from users.models import AdminRole, Organization, OrganizationLogo
from users.organization import current
from users.organization_profile import set_default_states, set_logo, set_name, set_support

pytestmark = pytest.mark.django_db

URL = "/admin/settings/organization/"
SUPPORT = {
    "support_note": "Ask the IT desk, extension 4711.",
    "support_email": "desk@contoso.example",
    "support_phone": "+44 20 7946 0958",
    "support_url": "https://help.contoso.example/",
}


def upload(data: bytes, name: str = "logo.png") -> dict[str, SimpleUploadedFile]:
    return {"logo": SimpleUploadedFile(name, data, content_type="image/png")}


def test_every_section_is_saved_alone(admin_browser: Browser) -> None:
    for section, given in (
        ("profile", {"name": "Contoso"}),
        ("support", SUPPORT),
        ("defaults", {"default_state_manual": "active", "default_state_import": "staged"}),
        ("logo", upload(picture())),
    ):
        answer = admin_browser.post(f"{URL}{section}/", given)
        assert (answer.status_code, answer["Location"]) == (302, URL), section
    stored = current()
    assert (stored.name, stored.default_state_manual) == ("Contoso", "active")
    assert {name: getattr(stored, name) for name in SUPPORT} == SUPPORT
    page = admin_browser.get(URL).content.decode()
    assert "The organization settings were saved." in page and 'value="Ask the IT desk, extension 4711."' in page
    assert f'src="/branding/logo/{OrganizationLogo.objects.get().sha256[:16]}.png"' in page and 'alt="Contoso"' in page
    assert admin_browser.post(f"{URL}logo/remove/")["Location"] == URL
    assert "The logo was removed." in admin_browser.get(URL).content.decode()
    assert not OrganizationLogo.objects.exists()


@pytest.mark.parametrize("field", ["support_email", "support_phone", "support_url"])
def test_a_wrong_contact_comes_back_as_it_was_typed(field: str, admin_browser: Browser) -> None:
    answer = admin_browser.post(f"{URL}support/", {**SUPPORT, field: "nowhere to be found"})
    page = answer.content.decode()
    assert answer.status_code == 422 and f'href="#id_{field}"' in page and 'value="nowhere to be found"' in page
    for name, value in SUPPORT.items():
        assert name == field or f'value="{value}"' in page
    assert not Organization.objects.exists()
    assert last_event(action="users.organization.support_set").outcome == "refused"


@pytest.mark.parametrize(
    ("section", "given", "says"),
    [
        ("profile", {"name": "x" * 101}, "Use at most 100 characters."),
        ("profile", {"name": "Contoso\u202eosotnoC"}, "This name cannot be kept."),
        ("support", {"support_note": "x" * 201}, "Use at most 200 characters."),
        ("defaults", {"default_state_manual": "suspended", "default_state_import": "staged"}, "Choose one of the two."),
        ("logo", {}, "Choose a file first."),
        ("logo", upload(b""), "There is no picture in that file."),
        ("logo", upload(b"<svg></svg>"), "SVG files are not accepted."),
        ("logo", upload(bytes(2 * 1024 * 1024 + 1)), "This picture is too large: 2.0 MB."),
        ("logo", upload(picture(size=(4001, 10))), "This picture is too large: 4,001 x 10 pixels."),
        ("logo", upload(b"MZ", "logo.exe"), "This file cannot be read as a picture."),
    ],
)
def test_what_cannot_be_used_is_said_beside_its_field(
    section: str, given: dict[str, object], says: str, admin_browser: Browser
) -> None:
    answer = admin_browser.post(f"{URL}{section}/", given)
    assert answer.status_code == 422 and says in answer.content.decode()
    assert not Organization.objects.exists() and not OrganizationLogo.objects.exists()


def test_the_other_sections_show_what_is_stored(admin_browser: Browser) -> None:
    set_name(actor=OPERATOR, name="Contoso")
    page = admin_browser.post(f"{URL}limits/", {"session_idle_minutes": 1}).content.decode()
    assert 'value="Contoso"' in page and page.count("data-error-summary") == 1


def test_another_process_has_changed_it(admin_browser: Browser) -> None:
    """The page that answers after saving may come from a process that has not heard of it yet."""
    admin_browser.get("/admin/login/")
    data = picture()
    set_logo(actor=OPERATOR, data=data)
    admin_browser.get(URL)
    OrganizationLogo.objects.all().delete()
    assert "No logo yet." in admin_browser.get(URL).content.decode()


def test_who_may_only_read_sees_facts_and_no_form() -> None:
    reader = Browser()
    reader.sign_in_as_administrator(make_administrator(AdminRole.READ_ONLY))
    page = reader.get(URL).content.decode()
    assert "Not set: people see Gatehouse alone." in page and "No logo yet." in page
    set_name(actor=OPERATOR, name="Contoso")
    set_support(actor=OPERATOR, **{name.removeprefix("support_"): value for name, value in SUPPORT.items()})
    set_default_states(actor=OPERATOR, states={})
    set_logo(actor=OPERATOR, data=picture())
    page = reader.get(URL).content.decode()
    assert all(value in page for value in ("Contoso", *SUPPORT.values(), "Staged", "60 minutes"))
    assert "/branding/logo/" in page and "Remove logo" not in page and f'action="{URL}' not in page
