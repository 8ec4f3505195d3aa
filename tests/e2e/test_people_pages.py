"""The list of people in a browser: empty, full, filtered, and the acts on many."""

from django.utils import timezone
from playwright.sync_api import Page, expect

from tests.e2e.looking import Eye
from tests.e2e.steps import field, heading, press, says
from tests.e2e.test_pages import add_a_colourful_company
from tests.factories import OPERATOR, make_person
from tests.pictures import picture
from users.models import Group, State, User
from users.organization_profile import set_logo
from users.people_list import PAGE_SIZE

LIST = "/admin/user-management/users/"


def row(page: Page, name: str) -> None:
    """Tick a person."""
    page.get_by_role("checkbox", name=f"Select {name}").check()


def test_the_list_of_people(admin_page: Page, eye: Eye) -> None:
    admin_page.goto(f"{LIST}?role=none")
    says(admin_page, "Nobody fits")
    eye.look(admin_page, "people-nobody")
    add_a_colourful_company()
    for number in range(60):
        make_person(f"clerk-{number}@contoso.example", display_name=f"Clerk {number:02}")
    admin_page.goto(LIST)
    says(admin_page, "72 people")
    eye.look(admin_page, "people-full")
    admin_page.get_by_role("link", name="Next").click()
    admin_page.get_by_role("link", name="Next").click()
    says(admin_page, "Rebecca F.-C.")
    admin_page.get_by_role("link", name="First").click()
    admin_page.get_by_role("link", name="Email").click()
    expect(admin_page.get_by_role("columnheader", name="Email")).to_have_attribute("aria-sort", "ascending")
    field(admin_page, "Name, email or user name").fill("easl")
    press(admin_page, "Filter")
    says(admin_page, "1 person")
    says(admin_page, "Annie Easley")
    eye.look(admin_page, "people-filtered")
    admin_page.get_by_role("link", name="Remove the filter Search: easl").click()
    says(admin_page, "72 people")


def test_the_heaviest_list_of_people(admin_page: Page, eye: Eye) -> None:
    """Long names and emails, every filter set, links to both sides, and a logo that hardly can be made smaller."""
    set_logo(actor=OPERATOR, data=picture(size=(320, 96), noise=True))
    group, long = Group.objects.create(name="Everybody " * 9), "department.of.international.affairs.contoso.example"
    for number in range(3 * PAGE_SIZE):
        name = f"Maximiliane {number:03} von Hohenzollern-Sigmaringen"
        person = make_person(
            f"m.hohenzollern.{number:03}@{long}", display_name=name, user_name=f"max.hohenzollern.{number}"
        )
        group.people.add(person)
    User.objects.without_role().update(last_login=timezone.now())
    filters = f"search=hohenzollern&state=active&role=none&sign_in=unlinked&group={group.pk}&sort=-last_sign_in"
    admin_page.goto(f"{LIST}?{filters}")
    admin_page.get_by_role("link", name="Next").click()
    expect(admin_page.get_by_role("link", name="Previous")).to_be_visible()
    expect(admin_page.get_by_role("link", name="Next")).to_be_visible()
    expect(admin_page.locator("[data-select-row]")).to_have_count(PAGE_SIZE)
    eye.glance(admin_page, "people-heaviest")


def test_suspending_several(admin_page: Page, eye: Eye) -> None:
    add_a_colourful_company()
    admin_page.goto(f"{LIST}?search=contractor")
    row(admin_page, "Contractor 1")
    row(admin_page, "Contractor 2")
    says(admin_page, "2 selected")
    eye.glance(admin_page, "people-chosen")
    press(admin_page, "Suspend")
    expect(admin_page.get_by_role("dialog")).to_contain_text("people may not sign in any more")
    field(admin_page, "Reason").fill("The contract ended")
    eye.look(admin_page, "people-suspend")
    press(admin_page, "Yes, suspend")
    says(admin_page, "2 people were suspended.")
    heading(admin_page, "Users")
    assert User.objects.filter(state=State.SUSPENDED, state_reason="The contract ended").count() == 2


def test_activating_several(admin_page: Page, eye: Eye) -> None:
    add_a_colourful_company()
    for name in ("Annie Easley", "Charles Babbage"):
        admin_page.goto(f"{LIST}?search={name.split()[1]}")
        row(admin_page, name)
        press(admin_page, "Activate")
        expect(admin_page.get_by_role("dialog")).to_contain_text("may sign in")
        eye.glance(admin_page, f"people-activate-{name.split()[0].lower()}")
        press(admin_page, "Yes, activate")
        says(admin_page, "1 person was activated.")


def test_adding_everybody_found_to_a_group(admin_page: Page, eye: Eye) -> None:
    for number in range(60):
        make_person(f"clerk-{number}@contoso.example", display_name=f"Clerk {number:02}")
    Group.objects.create(name="Clerks").people.add(User.objects.get(company_email="clerk-7@contoso.example"))
    admin_page.goto(f"{LIST}?search=clerk")
    admin_page.get_by_label("All 60 people").check()
    press(admin_page, "Add to a group")
    expect(admin_page.get_by_role("dialog")).to_contain_text("people are chosen")
    eye.look(admin_page, "people-choose-group")
    field(admin_page, "Group").fill("Poets")
    press(admin_page, "Continue")
    says(admin_page, "There is no group of this name.")
    eye.glance(admin_page, "people-choose-group-in-error")
    field(admin_page, "Group").fill("clerks")
    press(admin_page, "Continue")
    expect(admin_page.get_by_role("dialog")).to_contain_text("people will be in the group")
    expect(admin_page.get_by_role("dialog")).to_contain_text("person is in it already")
    eye.look(admin_page, "people-add-to-group")
    press(admin_page, "Add to the group")
    says(admin_page, "59 people were added to Clerks.")
