"""Users > Import and Export, as an administrator's browser sees them."""

import csv
import io
import re
from datetime import timedelta
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.http import HttpResponse
from django.utils import timezone

from tests.browsing import Browser, error_code, last_event
from tests.factories import OPERATOR, make_administrator, make_person
from users import import_steps
from users.models import AdminRole, AuditEvent, Group, GroupMembership, Organization, PeopleImport, State, User
from users.people_export import export_people
from users.people_import import upload_people
from users.people_list import PeopleFilter

pytestmark = pytest.mark.django_db
IMPORT = "/admin/user-management/users/import/"
EXPORT = "/admin/user-management/users/export.csv"
TWO = "email,title,Shoe size\nada@contoso.example,Countess,39\ngrace@contoso.example,Admiral,40\n"


def text_of(response: HttpResponse) -> str:
    """Return a page's text, with each run of blanks as one."""
    return " ".join(re.sub(r"<[^>]+>", " ", response.content.decode().replace("<wbr>", "")).split())


def upload(browser: Browser, content: str | bytes) -> HttpResponse:
    content = content.encode() if isinstance(content, str) else content
    return browser.post(IMPORT, {"file": SimpleUploadedFile("people.csv", content, content_type="text/csv")})


def to_preview(browser: Browser, content: str) -> str:
    """Upload a file, press "Go on" until it is checked, and return the address of its page."""
    response = upload(browser, content)
    assert response.status_code == 302, text_of(response)
    return go_on(browser, response["Location"])


def go_on(browser: Browser, url: str) -> str:
    while "Go on" in text_of(browser.get(url)):
        assert browser.post(f"{url}step/").status_code == 302
    return url


def table(response: Any) -> list[list[str]]:
    """Return the rows of a CSV file that was streamed."""
    text = b"".join(response.streaming_content).decode() if response.streaming else response.content.decode()
    return list(csv.reader(io.StringIO(text.removeprefix("\ufeff"), newline="")))


def test_the_way_of_a_file_without_a_script(admin_browser: Browser) -> None:
    page = text_of(admin_browser.get(IMPORT))
    assert "company_email" in page
    assert "Last name, Surname" in page
    make_person("grace@contoso.example")
    url = to_preview(admin_browser, TWO)
    preview = text_of(admin_browser.get(url))
    assert "Every row can be imported" in preview
    assert "Shoe size" in preview
    assert "Admiral" in preview
    assert not User.objects.filter(company_email="ada@contoso.example").exists()
    assert admin_browser.post(f"{url}confirm/", {"mode": "all"})["Location"] == url
    result = text_of(admin_browser.get(go_on(admin_browser, url)))
    assert "Added 1 Changed 1 Unchanged 0" in result
    assert User.objects.get(company_email="grace@contoso.example").title == "Admiral"
    assert last_event(action="users.people.imported").client_ip is not None


def test_a_script_is_told_how_far_it_is(admin_browser: Browser) -> None:
    url = upload(admin_browser, TWO)["Location"]
    answer = admin_browser.post(f"{url}step/", headers={"accept": "application/json"}).json()
    assert answer == {"label": "", "value": 2, "maximum": 2, "text": "Done", "url": url}
    admin_browser.post(f"{url}confirm/", {"mode": "all"})
    page = admin_browser.get(url).content.decode()
    assert "data-drive" in page
    assert 'aria-live="polite"' in page
    assert admin_browser.post(f"{url}step/", headers={"accept": "application/json"}).json()["url"] == url
    assert User.objects.filter(title="Countess").exists()


def test_a_file_with_problems_offers_the_good_ones(admin_browser: Browser) -> None:
    rows = "".join(f"nobody-{number},x\n" for number in range(60))
    url = to_preview(admin_browser, f"email,title\nada@contoso.example,Countess\n{rows}")
    preview = admin_browser.get(url)
    assert "All or nothing is not possible" in text_of(preview)
    assert "Import the 1 good one" in text_of(preview)
    following = re.search(r'rel="next"\s+href="([^"#]+)', preview.content.decode())
    assert following
    second = text_of(admin_browser.get(url + following[1]))
    assert "nobody-59" in second
    assert "nobody-0 " not in second
    downloaded = table(admin_browser.get(f"{url}problems.csv"))
    assert len(downloaded) == 61
    assert downloaded[1][:4] == ["3", "nobody-0", "company_email", "users.email_invalid"]
    assert error_code(admin_browser.post(f"{url}confirm/", {"mode": "all"})) == "users.import_has_problems"
    admin_browser.post(f"{url}confirm/", {"mode": "good"})
    assert "Left out 60" in text_of(admin_browser.get(go_on(admin_browser, url)))


def test_a_problem_names_the_column_as_the_file_does(admin_browser: Browser) -> None:
    url = to_preview(admin_browser, "E-Mail,Job title,Status\n,Countess,\nada@contoso.example,Countess,gone\n")
    page = admin_browser.get(url).content.decode()
    rows = re.findall(r'<td data-label="Line">.*?</tr>', page, re.DOTALL)
    empty, gone = (" ".join(re.sub(r"<wbr>|<[^>]+>", " ", row).split()) for row in rows)
    assert empty.startswith("2 empty E-Mail The company email is empty. Every row needs one")
    assert "Status gone is no state." in gone
    assert "None" not in text_of(admin_browser.get(url))


@pytest.mark.parametrize(
    ("header", "words"),
    [
        ("email,title", ["All of them are Staged and may not sign in", "Each gets a user name proposed"]),
        ("email,state,user name", ["Whose row says no state is Staged", "Whose row says no user name gets one"]),
    ],
)
def test_a_preview_says_what_new_people_get(admin_browser: Browser, header: str, words: list[str]) -> None:
    url = to_preview(admin_browser, f"{header}\nada@contoso.example{',' * header.count(',')}\n")
    assert [each for each in words if each not in text_of(admin_browser.get(url))] == []
    Organization.objects.update_or_create(pk=1, defaults={"default_state_import": State.ACTIVE})
    assert "Active and may sign in at once" in text_of(admin_browser.get(url))
    make_person("ada@contoso.example")
    url = to_preview(admin_browser, "email,title\nada@contoso.example,Countess\n")
    assert "What new people get" not in text_of(admin_browser.get(url))


def test_what_cannot_be_imported_says_so(admin_browser: Browser) -> None:
    assert "Every row has a problem" in text_of(admin_browser.get(to_preview(admin_browser, "email\nnobody\n")))
    make_person("ada@contoso.example")
    nothing = text_of(admin_browser.get(to_preview(admin_browser, "email\nada@contoso.example\n")))
    assert "No row changes anything." in nothing


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"", "This file is empty."),
        (b"title\nCountess\n", "No column of this file is the company email."),
        ("email\nada@contoso.example".encode("utf-16"), "it is UTF-16"),
    ],
)
def test_a_file_that_is_none_is_refused_beside_its_field(admin_browser: Browser, content: bytes, words: str) -> None:
    response = upload(admin_browser, content)
    assert response.status_code == 422
    assert words in text_of(response)
    assert "id_file_error" in response.content.decode()


def test_no_file_at_all(admin_browser: Browser) -> None:
    response = admin_browser.post(IMPORT)
    assert response.status_code == 422
    assert "Choose a file." in text_of(response)


def test_people_who_change_meanwhile_lead_to_a_new_preview(admin_browser: Browser) -> None:
    make_person("grace@contoso.example")
    url = to_preview(admin_browser, TWO)
    admin_browser.post(f"{url}confirm/", {"mode": "all"})
    User.objects.filter(company_email="grace@contoso.example").update(title="Commodore")
    admin_browser.post(f"{url}step/")
    page = text_of(admin_browser.get(go_on(admin_browser, url)))
    assert "The file was checked again" in page
    assert "Commodore" in page
    assert not User.objects.filter(company_email="ada@contoso.example").exists()


def test_leaving_and_coming_back(admin_browser: Browser) -> None:
    url = to_preview(admin_browser, TWO)
    page = admin_browser.get(IMPORT)
    assert url in page.content.decode()
    assert "Waits for you" in text_of(page)
    assert "people.csv is forgotten" in text_of(admin_browser.post(f"{url}discard/", follow=True))
    assert error_code(admin_browser.get(url)) == "users.import_not_found"
    assert not PeopleImport.objects.exists()


def test_another_administrators_file_is_not_there(admin_browser: Browser) -> None:
    found = upload_people(actor=OPERATOR, file_name="x", content=TWO.encode())
    for path in ("", "problems.csv"):
        assert admin_browser.get(f"{IMPORT}{found.pk}/{path}").status_code == 404
    for path in ("step/", "confirm/", "discard/"):
        assert admin_browser.post(f"{IMPORT}{found.pk}/{path}").status_code == 404


def test_a_suspension_is_announced(admin_browser: Browser) -> None:
    make_person("ada@contoso.example")
    preview = text_of(admin_browser.get(to_preview(admin_browser, "email,state\nada@contoso.example,suspended\n")))
    assert "1 person is signed out" in preview


def test_the_template(admin_browser: Browser) -> None:
    response = admin_browser.get(f"{IMPORT}template.csv")
    assert "attachment" in response["Content-Disposition"]
    assert table(response)[0][0] == "company_email"


# --- export -----------------------------------------------------------------------------------------------------------


def test_an_export_has_everybody_and_imports_as_nothing_changed(admin_browser: Browser) -> None:
    names = ["=cmd()", "+x", "-x", "@x", "'=x", "O'Brien", 'a "b", c', "Zoë", "Foo;=1+1;", "Foo;'=1"]
    for number, name in enumerate(names):
        make_person(f"p{number}@contoso.example", display_name=name, given_name=name)
    User.objects.filter(company_email="p0@contoso.example").update(phone_number="+44 20 7946 0958")
    for name in ("R|D", "Back\\slash"):
        GroupMembership.objects.create(group=Group.objects.create(name=name), person=User.objects.first())
    response = admin_browser.get(EXPORT)
    assert "attachment" in response["Content-Disposition"]
    content = b"".join(response.streaming_content).decode()
    cells = [cell for row in csv.reader(io.StringIO(content.removeprefix("\ufeff"), newline="")) for cell in row]
    assert not [cell for cell in cells if cell.startswith(("=", "+", "-", "@"))]
    # Also where a spreadsheet takes semicolons for separators.
    lines = csv.reader(io.StringIO(content, newline=""), delimiter=";")
    assert not [cell for row in lines for cell in row if cell.startswith(("=", "+", "-", "@"))]
    before = list(User.objects.order_by("pk").values())
    preview = text_of(admin_browser.get(to_preview(admin_browser, content)))
    assert "New people 0 Changed 0 Unchanged 11 Rows with problems 0" in preview
    assert list(User.objects.order_by("pk").values()) == before


def test_an_export_takes_the_lists_filter_and_is_audited(admin_browser: Browser) -> None:
    make_person("ada@contoso.example")
    make_person("grace@contoso.example", state=State.SUSPENDED)
    rows = table(admin_browser.get(f"{EXPORT}?state=suspended"))
    assert [row[0] for row in rows] == ["company_email", "grace@contoso.example"]
    event = last_event(action="users.people.exported")
    assert event.details == {"people": 1, "complete": True, "filter": {"state": "suspended"}}
    assert error_code(admin_browser.get(f"{EXPORT}?state=gone")) == "portal.bad_request"


def test_an_export_says_the_state_that_counts_now_and_is_marked_as_utf_8(admin_browser: Browser) -> None:
    person = make_person("ada@contoso.example", display_name="Ada Byron née Gordon")
    past = timezone.now() - timedelta(minutes=1)
    User.objects.filter(pk=person.pk).update(scheduled_state=State.SUSPENDED, scheduled_at=past)
    answer = admin_browser.get(f"{EXPORT}?search=ada")
    assert b"".join(answer.streaming_content).startswith(b"\xef\xbb\xbfcompany_email,")  # type: ignore[attr-defined]
    header, row = table(admin_browser.get(f"{EXPORT}?search=ada"))
    assert dict(zip(header, row, strict=True))["state"] == "suspended"


def test_an_export_that_is_broken_off_is_audited_too(admin_browser: Browser, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("users.people_export.BATCH", 2)
    for _ in range(5):
        make_person()
    lines = export_people(actor=OPERATOR, wanted=PeopleFilter())
    assert AuditEvent.objects.filter(action="users.people.export_begun").count() == 1
    next(lines), next(lines)
    lines.close()
    assert last_event(action="users.people.exported").details == {"people": 2, "complete": False, "filter": {}}
    assert len(table(admin_browser.get(EXPORT))) == 7


def test_the_list_leads_to_both(admin_browser: Browser, browser_client: Browser) -> None:
    page = admin_browser.get("/admin/user-management/users/?state=active").content.decode()
    assert IMPORT in page
    assert f"{EXPORT}?state=active" in page
    helper = Browser()
    helper.sign_in_as_administrator(make_administrator(AdminRole.HELP_DESK))
    page = helper.get("/admin/user-management/users/").content.decode()
    assert IMPORT not in page
    assert EXPORT not in page


def test_a_large_file_is_written_in_steps(admin_browser: Browser, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(import_steps, "ROWS_AT_ONCE", 1)
    url = to_preview(admin_browser, TWO)
    admin_browser.post(f"{url}confirm/", {"mode": "all"})
    assert "Added 2" in text_of(admin_browser.get(go_on(admin_browser, url)))


@pytest.mark.parametrize("mode", ["all", "good"])
def test_a_large_file_says_how_many_rows_are_written(
    admin_browser: Browser, monkeypatch: pytest.MonkeyPatch, mode: str
) -> None:
    monkeypatch.setattr(import_steps, "ROWS_AT_ONCE", 1)
    url = to_preview(admin_browser, TWO)
    admin_browser.post(f"{url}confirm/", {"mode": mode})
    page = admin_browser.get(url).content.decode()
    assert re.search(r'<progress[^>]*value="0"\s+max="2"', page)
    assert "0 of 2 rows" in page
