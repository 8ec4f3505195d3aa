"""A person's pages and those of groups: looked at in their states, and used as an administrator uses them."""

from datetime import UTC, datetime, timedelta

import pytest
from django.utils import timezone
from playwright.sync_api import Page, expect

from idp.models import FederatedIdentity, IdentityProvider, PendingLink
from tests.browsing import Browser
from tests.e2e.conftest import sign_in_as
from tests.e2e.looking import Eye
from tests.e2e.steps import field, heading, press, says
from tests.factories import OPERATOR, PASSWORD, make_administrator, make_person
from users.groups import add_group, add_members
from users.models import AdminRole, State, User
from users.people import edit_person
from users.schedules import schedule_state
from users.services import suspend_person

USERS, GROUPS = "/admin/user-management/users/", "/admin/user-management/groups/"


def full_person(password: str | None = PASSWORD) -> User:
    """Return somebody of whom everything is known."""
    person = make_person(
        "augusta.ada.king-noel@europe.contoso.example",
        display_name="Augusta Ada King-Noel, Countess of Lovelace",
        given_name="Augusta Ada",
        family_name="King-Noel",
        title="Countess of Lovelace",
        department="Analytical Engines",
        phone_number="+44 20 7946 0958",
        external_id="a2b5b2e0-0000-4000-8000-000000000001",
        password=password,
    )
    for name in ("Engineers", "Mathematicians and those who would like to be", "Night shift"):
        add_members(actor=OPERATOR, group=add_group(actor=OPERATOR, name=name), people=[person.pk])
    return person


def test_a_person_in_every_state(admin_page: Page, eye: Eye) -> None:
    person = full_person()
    admin_page.goto(f"{USERS}{person.pk}/")
    heading(admin_page, person.label)
    eye.look(admin_page, "person-details")
    at = datetime(timezone.now().year + 1, 1, 31, 18, tzinfo=UTC)
    schedule_state(actor=OPERATOR, person=person, state=State.SUSPENDED, at=at, reason="Contract ends")
    admin_page.goto(f"{USERS}{person.pk}/")
    says(admin_page, "Contract ends")
    eye.look(admin_page, "person-scheduled")
    press(admin_page, "Cancel this")
    says(admin_page, f"Nothing is scheduled for {person.label} any more.")
    suspend_person(actor=OPERATOR, person=person, reason="Lost laptop, found by nobody yet")
    admin_page.goto(f"{USERS}{person.pk}/")
    eye.look(admin_page, "person-suspended")
    bare = make_person("annie@contoso.example", display_name="", state=State.STAGED)
    admin_page.goto(f"{USERS}{bare.pk}/")
    eye.look(admin_page, "person-staged")


def test_the_sign_in_of_a_person(admin_page: Page, provider: IdentityProvider, eye: Eye) -> None:
    person = full_person(password=None)
    admin_page.goto(f"{USERS}{person.pk}/sign-in/")
    says(admin_page, "Not linked yet")
    eye.look(admin_page, "person-sign-in-not-linked")
    for number, issuer in enumerate((provider.issuer, "https://former.example")):
        FederatedIdentity.objects.create(
            person=person, provider=provider, issuer=issuer, subject=f"tenant.object-{number}", rule="email",
            email=person.company_email, last_sign_in_at=timezone.now() if number == 0 else None,
        )  # fmt: skip
    PendingLink.objects.create(
        provider=provider, issuer=provider.issuer, subject="other", email=person.company_email,
        reason="federation.person_linked_elsewhere", facts={"person": person.company_email},
    )  # fmt: skip
    for _ in range(5):
        Browser().sign_in_with_password(person, "wrong")
    admin_page.goto(f"{USERS}{person.pk}/sign-in/")
    says(admin_page, "Through Contoso Entra.")
    eye.look(admin_page, "person-sign-in")
    press(admin_page, "Unlock")
    says(admin_page, "5 failed sign-ins forgotten.")


def test_sessions_and_activity_of_a_person(admin_page: Page, eye: Eye) -> None:
    person = full_person()
    admin_page.goto(f"{USERS}{person.pk}/sessions/")
    eye.glance(admin_page, "person-sessions-none")
    Browser().sign_in_with_password(person)
    edit_person(actor=OPERATOR, person=person, title="Countess", company_email="ada@contoso.example")
    admin_page.reload()
    eye.look(admin_page, "person-sessions")
    admin_page.goto(f"{USERS}{person.pk}/activity/")
    eye.look(admin_page, "person-activity")


@pytest.mark.parametrize("role", [AdminRole.HELP_DESK, AdminRole.READ_ONLY])
def test_what_others_see_of_a_person(page: Page, role: AdminRole, eye: Eye) -> None:
    person = full_person()
    sign_in_as(page, make_administrator(role))
    page.goto(f"{USERS}{person.pk}/")
    eye.glance(page, f"person-as-{role.value}")
    expect(page.get_by_role("link", name="Suspend")).to_have_count(1 if role == AdminRole.HELP_DESK else 0)
    expect(page.get_by_role("link", name="Edit")).to_have_count(0)
    expect(page.get_by_text("Delete this person")).to_have_count(0)


def test_adding_and_editing_a_person(admin_page: Page, eye: Eye) -> None:
    make_person("grace@contoso.example")
    admin_page.goto(f"{USERS}add/")
    eye.look(admin_page, "person-add")
    field(admin_page, "Given name").fill("Ada")
    field(admin_page, "Family name").fill("Lovelace")
    field(admin_page, "Company email").fill("GRACE@contoso.example")
    field(admin_page, "Phone number").fill("call me")
    press(admin_page, "Add this person")
    says(admin_page, "This is not a phone number.")
    field(admin_page, "Phone number").fill("020 7946 0958")
    press(admin_page, "Add this person")
    says(admin_page, "Somebody already has the company email")
    eye.look(admin_page, "person-add-in-error")
    field(admin_page, "Company email").fill("ada@contoso.example")
    press(admin_page, "Add this person")
    says(admin_page, "Ada Lovelace was added.")
    admin_page.get_by_role("link", name="Edit").click()
    field(admin_page, "Job title").fill("Countess")
    edit_person(actor=OPERATOR, person=User.objects.get(user_name="ada"), department="Engines")
    press(admin_page, "Save")
    says(admin_page, "Department is now: Engines")
    expect(field(admin_page, "Job title")).to_have_value("Countess")
    eye.look(admin_page, "person-edit-stale")
    press(admin_page, "Save")
    says(admin_page, "Ada Lovelace was saved.")


def test_suspending_activating_and_deleting_a_person(admin_page: Page, eye: Eye) -> None:
    person = full_person()
    admin_page.goto(f"{USERS}{person.pk}/suspend/")
    eye.look(admin_page, "person-suspend")
    field(admin_page, "Reason").fill("Contract ends")
    field(admin_page, "When (UTC)").fill("2020-01-01T10:00")
    press(admin_page, "Suspend")
    says(admin_page, "That moment has passed already.")
    eye.glance(admin_page, "person-suspend-in-error")
    field(admin_page, "When (UTC)").fill(f"{timezone.now() + timedelta(days=30):%Y-%m-%dT%H:%M}")
    press(admin_page, "Suspend")
    says(admin_page, "will be suspended on")
    admin_page.get_by_role("link", name="Suspend").click()
    press(admin_page, "Suspend")
    says(admin_page, "is suspended now.")
    admin_page.get_by_role("link", name="Activate").click()
    eye.glance(admin_page, "person-activate")
    press(admin_page, "Activate")
    says(admin_page, "is active now.")
    admin_page.get_by_role("link", name="Delete Augusta").click()
    eye.look(admin_page, "person-delete")
    press(admin_page, "Yes, delete")
    says(admin_page, "that is not the company email of")
    field(admin_page, f"Type {person.company_email}").fill(person.company_email)
    press(admin_page, "Yes, delete")
    says(admin_page, "was deleted.")


def test_groups(admin_page: Page, eye: Eye) -> None:
    admin_page.goto(GROUPS)
    says(admin_page, "There are no groups yet")
    eye.look(admin_page, "groups-empty")
    admin_page.get_by_role("link", name="Add a group").first.click()
    field(admin_page, "Name").fill("Engineers")
    field(admin_page, "Description").fill("Those who build the engines, and those who keep them running at night.")
    eye.glance(admin_page, "group-add")
    press(admin_page, "Create the group")
    for name in ("Ada Lovelace", "Grace Hopper", "Annie Easley"):
        make_person(f"{name.split()[0].lower()}@contoso.example", display_name=name)
    field(admin_page, "Name, email or user name").fill("lovel")
    press(admin_page, "Search")
    admin_page.get_by_role("checkbox", name="Ada Lovelace").check()
    eye.look(admin_page, "group-add-members-found")
    press(admin_page, "Add the chosen")
    says(admin_page, "1 person was added to Engineers.")
    field(admin_page, "Company emails").fill("Grace Hopper <grace@contoso.example>\nnobody@contoso.example")
    press(admin_page, "Add them")
    says(admin_page, "Some emails are nobody's")
    expect(field(admin_page, "Company emails")).to_have_value("nobody@contoso.example")
    eye.look(admin_page, "group-add-members-unknown")
    admin_page.get_by_role("link", name="Done").click()
    says(admin_page, "2 members")
    eye.look(admin_page, "group")
    admin_page.get_by_role("checkbox", name="Select Grace Hopper").check()
    press(admin_page, "Remove from the group")
    says(admin_page, "1 person was removed from Engineers.")
    admin_page.get_by_role("link", name="Edit").click()
    field(admin_page, "Name").fill("")
    field(admin_page, "Name").evaluate("field => { field.form.noValidate = true; }")
    press(admin_page, "Save")
    expect(admin_page.locator("#id_name_error")).to_be_visible()
    eye.glance(admin_page, "group-edit-in-error")
    admin_page.goto(GROUPS)
    eye.look(admin_page, "groups")
    admin_page.get_by_role("link", name="Engineers").click()
    admin_page.get_by_role("link", name="Delete Engineers").click()
    eye.look(admin_page, "group-delete")
    field(admin_page, "Type Engineers").fill("Engineers")
    press(admin_page, "Yes, delete")
    says(admin_page, "Engineers was deleted. It had 1 member.")
