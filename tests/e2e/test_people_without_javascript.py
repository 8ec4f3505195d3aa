"""USER MANAGEMENT and INSIGHTS in a browser that runs no script: every act can be done, with one page more at most."""

from playwright.sync_api import Page, expect

from tests.browsing import Browser
from tests.e2e.looking import Eye
from tests.e2e.steps import field, heading, press, says
from tests.e2e.test_pages import add_a_colourful_company
from tests.factories import make_person
from users.models import Group, State, User

USERS, GROUPS = "/admin/user-management/users/", "/admin/user-management/groups/"
DIRECTORY = "/admin/insights/directory/"


def test_finding_people_and_changing_several(plain_page: Page, eye: Eye) -> None:
    add_a_colourful_company()
    for number in range(45):
        make_person(f"clerk-{number}@contoso.example", display_name=f"Clerk {number:02}")
    page = plain_page
    page.goto(USERS)
    for _ in range(2):
        page.get_by_role("link", name="Next").click()
    says(page, "Rebecca F.-C.")
    page.get_by_role("link", name="First").click()
    page.get_by_role("link", name="Added").click()
    expect(page.get_by_role("columnheader", name="Added")).to_have_attribute("aria-sort", "descending")
    field(page, "Name, email or user name").fill("contractor")
    field(page, "State").select_option("Active")
    press(page, "Filter")
    says(page, "7 people")
    page.get_by_role("checkbox", name="Select Contractor 1").check()
    page.get_by_role("checkbox", name="Select Contractor 2").check()
    press(page, "Suspend")
    says(page, "people may not sign in any more")
    eye.shoot(page, "no-javascript-people-suspend")
    field(page, "Reason").fill("The contract ended")
    press(page, "Yes, suspend")
    says(page, "2 people were suspended.")
    page.goto(f"{USERS}?search=clerk")
    page.get_by_label("All 45 people").check()
    press(page, "Suspend")
    says(page, "45")
    page.get_by_role("link", name="Cancel").first.click()
    heading(page, "Users")
    Group.objects.create(name="Clerks")
    page.get_by_label("All 45 people").check()
    press(page, "Add to a group")
    field(page, "Group").fill("clerks")
    press(page, "Continue")
    says(page, "people will be in the group")
    press(page, "Add to the group")
    says(page, "45 people were added to Clerks.")
    assert User.objects.filter(state=State.SUSPENDED, state_reason="The contract ended").count() == 2


def test_a_person_from_adding_to_deleting(plain_page: Page, eye: Eye) -> None:
    page = plain_page
    page.goto(USERS)
    page.get_by_role("link", name="Add a person").click()
    field(page, "Given name").fill("Ada")
    field(page, "Family name").fill("Lovelace")
    field(page, "Company email").fill("ada@contoso.example")
    field(page, "Phone number").fill("call me")
    press(page, "Add this person")
    says(page, "This is not a phone number.")
    field(page, "Phone number").fill("020 7946 0958")
    press(page, "Add this person")
    says(page, "Ada Lovelace was added.")
    page.get_by_role("link", name="Edit").click()
    field(page, "Job title").fill("Countess")
    press(page, "Save")
    says(page, "Ada Lovelace was saved.")
    page.get_by_role("link", name="Suspend").click()
    press(page, "Suspend")
    says(page, "is suspended now.")
    page.get_by_role("link", name="Activate").click()
    press(page, "Activate")
    says(page, "is active now.")
    Browser().sign_in_with_password(User.objects.get(company_email="ada@contoso.example"), "wrong")
    for tab in ("Sign-in", "Sessions", "Activity", "Details"):
        page.get_by_role("navigation", name="Ada Lovelace").get_by_role("link", name=tab).click()
        heading(page, "Ada Lovelace")
    page.get_by_role("link", name="Delete Ada").click()
    press(page, "Yes, delete")
    says(page, "that is not the company email of")
    eye.shoot(page, "no-javascript-person-delete-in-error")
    field(page, "Type ada@contoso.example").fill("ada@contoso.example")
    press(page, "Yes, delete")
    says(page, "was deleted.")


def test_a_group_and_its_members(plain_page: Page) -> None:
    for name in ("ada", "grace", "annie"):
        make_person(f"{name}@contoso.example", display_name=name.title())
    page = plain_page
    page.goto(GROUPS)
    page.get_by_role("link", name="Add a group").first.click()
    field(page, "Name").fill("Engineers")
    press(page, "Create the group")
    field(page, "Name, email or user name").fill("ada")
    press(page, "Search")
    page.get_by_role("checkbox", name="Ada").check()
    press(page, "Add the chosen")
    says(page, "1 person was added to Engineers.")
    field(page, "Company emails").fill("grace@contoso.example\nnobody@contoso.example")
    press(page, "Add them")
    says(page, "Some emails are nobody's")
    page.get_by_role("link", name="Done").click()
    page.get_by_role("checkbox", name="Select Grace").check()
    press(page, "Remove from the group")
    says(page, "1 person was removed from Engineers.")
    page.get_by_role("link", name="Edit").click()
    field(page, "Name").fill("Builders")
    press(page, "Save")
    page.get_by_role("link", name="Delete Builders").click()
    field(page, "Type Builders").fill("Builders")
    press(page, "Yes, delete")
    says(page, "Builders was deleted. It had 1 member.")


def test_the_audit_log(plain_page: Page, eye: Eye) -> None:
    Browser().sign_in_with_password(make_person("ada@contoso.example"), "wrong")
    page = plain_page
    page.goto(DIRECTORY)
    page.get_by_role("link", name="Last 24 hours").click()
    field(page, "Outcome").select_option("Refused")
    press(page, "Filter")
    page.get_by_text("Numbers as a table").click()
    eye.shoot(page, "no-javascript-directory")
    field(page, "Save this filter as").fill("Refusals")
    press(page, "Save filter")
    says(page, "The filter Refusals was saved.")
    with page.expect_download() as downloading:
        press(page, "Export as CSV")
    assert "portal.sign_in.failed" in downloading.value.path().read_text()
    page.get_by_role("link", name="Sign-in to the User Portal failed").first.click()
    heading(page, "Sign-in to the User Portal failed")
    page.goto(DIRECTORY)
    press(page, "Delete the filter Refusals")
    says(page, "was deleted.")
