"""Importing people in a real browser: with and without a script, and what each page looks like."""

from datetime import timedelta
from pathlib import Path

from django.utils import timezone
from playwright.sync_api import Page, expect

from tests.e2e.looking import Eye
from tests.e2e.steps import heading, press, says
from tests.factories import OPERATOR, make_person
from users.models import ImportMode, PeopleImport, User
from users.people_import import advance_import, confirm_import, upload_people

IMPORT = "/admin/user-management/users/import/"
ROWS = "".join(f"person-{number}@contoso.example,Person {number},Engineer\n" for number in range(30))
GOOD = f"company_email,display_name,title,Shoe size\n{ROWS.replace('Engineer', 'Engineer,39')}"
BAD = f"email,name,state\nada@contoso.example,Ada Lovelace,gone\nno email,Nobody,\n{ROWS.replace('Engineer', '')}"


def choose(page: Page, folder: Path, text: str) -> None:
    path = folder / "people.csv"
    path.write_text(text)
    page.goto(IMPORT)
    page.get_by_label("CSV file").set_input_files(path)
    press(page, "Upload and check")


def test_a_file_from_upload_to_result(admin_page: Page, tmp_path: Path, eye: Eye) -> None:
    make_person("person-3@contoso.example", display_name="Somebody")
    admin_page.goto(IMPORT)
    eye.look(admin_page, "import-empty")
    choose(admin_page, tmp_path, GOOD)
    says(admin_page, "Every row can be imported")
    eye.look(admin_page, "import-preview")
    press(admin_page, "Import all or nothing")
    heading(admin_page, "Imported")
    says(admin_page, "Every row is in the directory")
    eye.look(admin_page, "import-result")
    assert User.objects.filter(title="Engineer").count() == 30


def test_a_file_with_problems(admin_page: Page, tmp_path: Path, eye: Eye) -> None:
    choose(admin_page, tmp_path, BAD)
    says(admin_page, "All or nothing is not possible")
    eye.look(admin_page, "import-preview-problems")
    press(admin_page, "Import the 30 good ones")
    heading(admin_page, "Imported")
    eye.look(admin_page, "import-result-problems")
    choose(admin_page, tmp_path, "title\nCountess\n")
    says(admin_page, "No column of this file is the company email.")
    eye.look(admin_page, "import-refused")


def test_work_that_goes_on(admin_page: Page, administrator: User, eye: Eye) -> None:
    found = upload_people(actor=OPERATOR, file_name="people.csv", content=GOOD.encode())
    # Somebody else is at it, and stays at it while the page is looked at.
    PeopleImport.objects.update(owner=administrator, by_command=False, busy_until=timezone.now() + timedelta(minutes=5))
    admin_page.goto(f"{IMPORT}{found.pk}/")
    expect(admin_page.get_by_role("progressbar")).to_be_visible()
    eye.look(admin_page, "import-goes-on")


def test_the_same_without_a_script(plain_page: Page, tmp_path: Path, eye: Eye) -> None:
    choose(plain_page, tmp_path, GOOD)
    expect(plain_page.get_by_role("progressbar")).to_be_visible()
    eye.shoot(plain_page, "import-progress")
    press(plain_page, "Go on")
    press(plain_page, "Import all or nothing")
    press(plain_page, "Go on")
    heading(plain_page, "Imported")
    assert User.objects.filter(title="Engineer").count() == 30


def test_an_import_that_was_left_goes_on_where_it_stopped(admin_page: Page, administrator: User) -> None:
    found = upload_people(actor=OPERATOR, file_name="people.csv", content=GOOD.encode())
    while found.is_under_way:
        found = advance_import(actor=OPERATOR, people_import=found)
    confirm_import(actor=OPERATOR, people_import=found, mode=ImportMode.GOOD)
    PeopleImport.objects.update(owner=administrator, by_command=False)
    admin_page.goto(IMPORT)
    admin_page.get_by_role("link", name="people.csv").click()
    heading(admin_page, "Imported")
    assert User.objects.filter(title="Engineer").count() == 30
