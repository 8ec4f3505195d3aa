"""The list of people in a browser: empty, full, filtered, and the acts on many."""

from playwright.sync_api import Page, expect

from tests.e2e.looking import Eye
from tests.e2e.steps import field, heading, press, says
from tests.e2e.test_pages import add_a_colourful_company
from tests.factories import make_person
from users.models import Group, State, User

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
    Group.objects.create(name="Clerks")
    admin_page.goto(f"{LIST}?search=clerk")
    admin_page.get_by_label("All 60 people").check()
    press(admin_page, "Add to a group")
    expect(admin_page.get_by_role("dialog")).to_contain_text("people will be in the group")
    eye.look(admin_page, "people-add-to-group")
    field(admin_page, "Group").fill("Poets")
    press(admin_page, "Add to the group")
    says(admin_page, "There is no group of this name.")
    eye.glance(admin_page, "people-add-to-group-in-error")
    field(admin_page, "Group").fill("Clerks")
    press(admin_page, "Add to the group")
    says(admin_page, "60 people were added to Clerks.")
