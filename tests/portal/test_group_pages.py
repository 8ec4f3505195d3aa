"""User Groups: the list, one group, its members."""

import re

import pytest

from bench.crowd import fill
from portal.admin_portal.group_forms import PASTE_MAX_LENGTH
from tests.browsing import Browser, error_code
from tests.factories import OPERATOR, make_administrator, make_person
from users.groups import add_group, add_members
from users.models import AdminRole, AuditEvent, Group, User
from users.people_list import PAGE_SIZE

pytestmark = pytest.mark.django_db

LIST = "/admin/user-management/groups/"


def make_group(name: str = "Engineers", members: int = 0) -> Group:
    group = add_group(actor=OPERATOR, name=name)
    if members:
        fill(members)
        add_members(actor=OPERATOR, group=group, people=User.objects.without_role().values_list("pk", flat=True))
    return group


def at(group: Group, page: str = "") -> str:
    return f"{LIST}{group.pk}/{page}"


def text(browser: Browser, url: str) -> str:
    response = browser.get(url)
    assert response.status_code == 200
    return response.content.decode().partition("<main")[2]


def names(page: str) -> list[str]:
    return re.findall(r'class="table-main"\s+href="[^"]+">([^<]+)<', page)


def test_the_list_teaches_searches_sorts_and_pages(admin_browser: Browser) -> None:
    assert "There are no groups yet" in text(admin_browser, LIST)
    for number in range(60):
        make_group(f"Team {number:02}")
    page = text(admin_browser, LIST)
    assert names(page) == [f"Team {number:02}" for number in range(30)] and "Next" in page and "0 members" in page
    following = re.search(r'rel="next" href="([^"]+)"', page)
    assert following is not None
    rest = text(admin_browser, LIST + following[1].replace("&amp;", "&"))
    assert names(rest) == [f"Team {number}" for number in range(30, 60)] and "Previous" in rest
    assert names(text(admin_browser, f"{LIST}?search=EAM+5&sort=-name"))[:2] == ["Team 59", "Team 58"]
    assert "No group fits" in text(admin_browser, f"{LIST}?search=x")
    assert names(text(admin_browser, f"{LIST}?sort=unknown")) == []
    assert text(admin_browser, f"{LIST}?after=x&search=%00")


def test_the_navigation_leads_there(admin_browser: Browser) -> None:
    page = admin_browser.get("/admin/").content.decode()
    assert page.index("USER MANAGEMENT") < page.index(f'href="{LIST}"') < page.index("DIRECTORY INTEGRATIONS")


def test_a_group_is_created_and_edited(admin_browser: Browser) -> None:
    answer = admin_browser.post(f"{LIST}add/", {"name": "Engineers", "description": "Who build it"})
    group = Group.objects.get()
    assert answer["Location"] == at(group, "members/add/")
    again = admin_browser.post(f"{LIST}add/", {"name": "engineers", "description": "kept as typed"})
    assert again.status_code == 422 and "There is a group engineers already." in again.content.decode()
    assert "kept as typed" in again.content.decode()
    stale = {"name": "Engine builders", "description": "", "seen": group.created_at.isoformat()}
    answer = admin_browser.post(at(group, "edit/"), stale)
    page = answer.content.decode()
    assert answer.status_code == 409 and "Name is now: Engineers" in page and "Engine builders" in page
    seen = re.search(r'name="seen" value="([^"]+)"', page)
    assert seen is not None
    assert admin_browser.post(at(group, "edit/"), {**stale, "seen": seen[1]})["Location"] == at(group)
    assert "Engine builders" in text(admin_browser, at(group))


def test_members_are_listed_searched_and_removed(admin_browser: Browser) -> None:
    group = make_group(members=120)
    page = text(admin_browser, at(group))
    assert "120 members" in page and len(names(page)) == PAGE_SIZE and 'rel="next"' in page
    ada = make_person("ada@contoso.example", display_name="Ada Lovelace")
    make_person("adam@contoso.example", display_name="Adam Outside")
    add_members(actor=OPERATOR, group=group, people=[ada.pk])
    assert names(text(admin_browser, f"{at(group)}?search=lovel")) == ["Ada Lovelace"]
    assert "No member fits" in text(admin_browser, f"{at(group)}?search=outside")
    admin_browser.post(at(group, "members/remove/"), {"person": [str(ada.pk), "nonsense"]})
    assert "1 person was removed from Engineers." in text(admin_browser, at(group))
    admin_browser.post(at(group, "members/remove/"))
    assert "Nobody was chosen" in text(admin_browser, at(group))


def test_people_are_found_and_added(admin_browser: Browser) -> None:
    group, ada = make_group(), make_person("ada@contoso.example", display_name="Ada Lovelace")
    grace = make_person("grace@contoso.example", display_name="Grace Hopper")
    assert "Nobody fits" in text(admin_browser, at(group, "members/add/?search=zzz"))
    page = text(admin_browser, at(group, "members/add/?search=lovel"))
    assert str(ada.pk) in page and str(grace.pk) not in page
    url = at(group, "members/add/?search=lovel")
    assert admin_browser.post(url, {"person": [str(ada.pk)]})["Location"] == url
    page = text(admin_browser, url)
    assert "1 person was added to Engineers." in page and "In the group already" in page
    admin_browser.post(url)
    assert "Nobody was chosen" in text(admin_browser, url)


def test_pasted_emails_are_added_and_unknown_ones_stay_in_the_box(admin_browser: Browser) -> None:
    group = make_group()
    make_person("ada@contoso.example")
    answer = admin_browser.post(
        at(group, "members/paste/"), {"emails": 'Ada <ADA@contoso.example>; nobody@contoso.example\n"<script>"'}
    )
    page = answer.content.decode()
    assert answer.status_code == 200 and "1 person was added, 0 were in the group already" in page
    box = page.partition("<textarea")[2].partition("</textarea>")[0]
    assert "nobody@contoso.example" in box and "ada@" not in box.lower() and "<script>" not in box
    answer = admin_browser.post(at(group, "members/paste/"), {"emails": "ada@contoso.example"})
    assert answer["Location"] == at(group)
    assert "0 people were added to Engineers; 1 was in it already." in text(admin_browser, at(group))
    assert admin_browser.post(at(group, "members/paste/"), {"emails": " "}).status_code == 422


def test_ten_thousand_lines_can_be_pasted(admin_browser: Browser) -> None:
    fill(10_000)
    group = make_group()
    emails = "\r\n".join(User.objects.without_role().values_list("company_email", flat=True))
    assert admin_browser.post(at(group, "members/paste/"), {"emails": emails})["Location"] == at(group)
    assert "10,000 members" in text(admin_browser, at(group))


def test_a_paste_that_is_too_long_is_refused_beside_the_box(admin_browser: Browser) -> None:
    group, person = make_group(), make_person("ada@contoso.example")
    longest = "ada@contoso.example\r\n".ljust(PASTE_MAX_LENGTH + 1, "\N{GRINNING FACE}")
    page = text(admin_browser, at(group, "members/add/"))
    assert f'maxlength="{PASTE_MAX_LENGTH + 1}"' in page and 'enctype="multipart/form-data"' in page
    # As long as a browser lets the box become, in letters as wide as there are.
    answer = admin_browser.post(at(group, "members/paste/"), {"emails": longest + "\N{GRINNING FACE}"})
    assert answer.status_code == 422 and "longer than 500,000 characters" in answer.content.decode()
    assert longest[-1000:] in answer.content.decode() and not group.people.exists()
    whole = "ada@contoso.example\r\n" * (PASTE_MAX_LENGTH // 20)
    assert admin_browser.post(at(group, "members/paste/"), {"emails": whole})["Location"] == at(group)
    assert group.people.get() == person


def test_a_form_of_several_megabytes_is_refused_in_words(admin_browser: Browser) -> None:
    answer = admin_browser.post(at(make_group(), "members/paste/"), {"emails": "ada@contoso.example\n" * 200_000})
    assert (answer.status_code, error_code(answer)) == (413, "portal.request_too_large")
    assert "send it in parts" in answer.content.decode()


def test_a_group_is_deleted_by_its_name(admin_browser: Browser) -> None:
    group = make_group(members=3)
    page = text(admin_browser, at(group, "delete/"))
    assert "people are not in it any more" in page
    answer = admin_browser.post(at(group, "delete/"), {"confirmation": "x"})
    assert answer.status_code == 400 and "Engineers has members" in answer.content.decode()
    assert admin_browser.post(at(group, "delete/"), {"confirmation": "Engineers"})["Location"] == LIST
    assert "Engineers was deleted. It had 3 members." in text(admin_browser, LIST)
    assert admin_browser.get(at(group)).status_code == 404
    assert AuditEvent.objects.get(action="users.group.deleted", outcome="success").details == {"members": 3}


@pytest.mark.parametrize("role", [AdminRole.HELP_DESK, AdminRole.READ_ONLY])
def test_readers_see_groups_and_no_buttons(role: AdminRole) -> None:
    group = make_group(members=1)
    browser = Browser()
    browser.sign_in_as_administrator(make_administrator(role))
    for url in (LIST, at(group)):
        page = text(browser, url)
        assert "Add" not in page and "Delete" not in page and 'type="checkbox"' not in page
