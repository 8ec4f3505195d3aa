"""What has to be read on a phone or in a small window: codes that are shown once, long names, lists behind filters."""

import pytest
from playwright.sync_api import Page, expect

from tests.e2e.looking import CUT_OFF, TOO_WIDE, Eye
from tests.e2e.steps import field, heading, press, says
from tests.factories import OPERATOR, make_administrator, make_person
from tests.second_factors import ACCOUNT, App
from users.audit import Actor, record_refusal
from users.errors import SignInFailed
from users.groups import add_group
from users.models import AdminRole, User
from users.services import suspend_person

PHONE = {"width": 390, "height": 844}
USERS, DIRECTORY = "/admin/user-management/users/", "/admin/insights/directory/"
LISTS = [USERS, DIRECTORY, "/admin/insights/sessions/", "/admin/settings/administrators/"]
LONG_NAME = "Wolfeschlegelsteinhausenbergerdorffwelchevoralternwaren"
LONG_EMAIL = "maximiliana.konstantinopolitanska@europe.contoso.ex"
# Whether two of the codes touch, or one sticks out of the box.
UNREADABLE = """() => {
  const list = document.querySelector("[data-copy-value]");
  const boxes = [...list.querySelectorAll("code")].map((code) => code.getBoundingClientRect());
  const edge = list.getBoundingClientRect().right;
  return boxes.some((a, i) => a.right > edge || boxes.some((b, j) => i < j
    && a.left < b.right && b.left < a.right && a.top < b.bottom && b.top < a.bottom));
}"""
# How far down the page the list begins.
TOP_OF_LIST = """() => document.querySelector(".table").getBoundingClientRect().top + scrollY"""


@pytest.fixture
def long_one() -> User:
    """Somebody with a long name and email, who did and suffered something, from an IPv6 address."""
    person = make_person(LONG_EMAIL, display_name=LONG_NAME)
    suspend_person(actor=OPERATOR, person=person)
    address = "2001:db8:85a3:8d3:1319:8a2e:370:7348"
    actor = Actor(person=person, label=LONG_EMAIL, client_ip=address, request_id="ABCD-ABCD-ABCD")
    record_refusal("portal.sign_in.failed", actor=actor, error=SignInFailed(), target=person)
    return person


def test_recovery_codes_can_be_read_on_a_phone(admin_page: Page) -> None:
    admin_page.goto(f"{ACCOUNT['admin']}app/")
    app = App(admin_page.locator("#secret").inner_text().replace(" ", ""))
    admin_page.locator("[name=code]").fill(app.code())
    press(admin_page, "Finish")
    heading(admin_page, "Your recovery codes")
    for width in (320, 390, 1280):
        admin_page.set_viewport_size({"width": width, "height": 844})
        assert not admin_page.evaluate(UNREADABLE), width


@pytest.mark.parametrize("url", LISTS)
def test_lists_are_whole_at_every_width(admin_page: Page, long_one: User, url: str) -> None:
    User.objects.filter(pk=make_administrator(AdminRole.READ_ONLY).pk).update(display_name=LONG_NAME)
    admin_page.goto(url)
    for width in (320, 390, 720, 960, 1000, 1100, 1200, 1280):
        admin_page.set_viewport_size({"width": width, "height": 844})
        assert (admin_page.evaluate(TOO_WIDE), admin_page.evaluate(CUT_OFF)) == (0, []), width


@pytest.mark.parametrize("tab", ["", "activity/", "sessions/", "sign-in/"])
def test_the_pages_of_a_person_with_a_long_name_are_whole(admin_page: Page, long_one: User, tab: str) -> None:
    admin_page.goto(f"{USERS}{long_one.pk}/{tab}")
    heading(admin_page, LONG_NAME)
    for width in (320, 390, 720, 1000, 1280):
        admin_page.set_viewport_size({"width": width, "height": 844})
        assert (admin_page.evaluate(TOO_WIDE), admin_page.evaluate(CUT_OFF)) == (0, []), width


def test_filters_do_not_bury_the_list_on_a_phone(admin_page: Page, long_one: User) -> None:
    admin_page.set_viewport_size(PHONE)
    admin_page.goto(DIRECTORY)
    chart = admin_page.get_by_role("figure")
    assert chart.bounding_box()["y"] < 600  # type: ignore[index]
    expect(field(admin_page, "Person")).to_be_hidden()
    admin_page.locator("main summary", has_text="Filters").click()
    field(admin_page, "Person").fill(LONG_EMAIL)
    press(admin_page, "Filter")
    expect(field(admin_page, "Person")).to_have_value(LONG_EMAIL)
    expect(field(admin_page, "Person")).to_be_visible()  # open where a filter is set
    admin_page.goto(USERS)
    assert admin_page.evaluate(TOP_OF_LIST) < 800
    admin_page.goto(f"{USERS}?state=suspended")
    expect(field(admin_page, "State")).to_be_visible()


def test_filters_stand_open_where_there_is_room(plain_page: Page) -> None:
    plain_page.goto(DIRECTORY)
    expect(field(plain_page, "Person")).to_be_visible()
    expect(plain_page.get_by_text("Filters", exact=True)).to_be_hidden()
    plain_page.goto(USERS)
    expect(field(plain_page, "State")).to_be_visible()
    plain_page.set_viewport_size(PHONE)
    expect(field(plain_page, "State")).to_be_hidden()
    plain_page.get_by_text("More filters").click()
    field(plain_page, "State").select_option("Active")


def test_the_box_for_all_says_so_where_rows_are_cards(admin_page: Page, long_one: User) -> None:
    admin_page.set_viewport_size(PHONE)
    admin_page.goto(USERS)
    label = admin_page.locator("[data-select-all] label")
    expect(label).to_be_visible()  # a script brings it
    assert label.evaluate("(label) => getComputedStyle(label, '::after').content") == '"Select all"'
    box = label.bounding_box()
    assert box
    admin_page.mouse.click(box["x"] + box["width"] - 8, box["y"] + box["height"] / 2)
    says(admin_page, "2 selected")


def test_members_are_offered_with_the_email_on_a_line_of_its_own(admin_page: Page, eye: Eye) -> None:
    group = add_group(actor=OPERATOR, name="Engineers")
    make_person("ada.lovelace200@contoso.example", display_name="Ada Lovelace")
    admin_page.goto(f"/admin/user-management/groups/{group.pk}/members/add/?search=ada")
    email = admin_page.locator("label", has_text="Ada Lovelace").locator(".small")
    expect(email).to_have_css("font-weight", "400")
    expect(email).to_have_css("display", "block")
    eye.glance(admin_page, "group-found")
