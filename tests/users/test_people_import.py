"""Importing people: what a row does, what is refused, all or nothing, the good ones, and two at once."""

from datetime import timedelta
from typing import Any

import pytest
import time_machine
from django.db import connection
from django.utils import timezone

from tests.factories import OPERATOR, make_administrator, make_person
from tests.users.support import as_person, at_once, refused
from users import action_links, import_steps, import_store
from users.audit import Actor
from users.errors import DirectoryError, PermissionRefused
from users.import_errors import ImportHasProblems, ImportNotFound, ImportNotReady, ImportPeopleChanged
from users.import_store import problems_of
from users.models import (
    AdminRole,
    AuditEvent,
    Group,
    GroupMembership,
    ImportMode,
    LinkPurpose,
    Organization,
    PeopleImport,
    PeopleImportChunk,
    Source,
    State,
    User,
    imports,
)
from users.people import delete_person
from users.people_import import (
    advance_import,
    confirm_import,
    discard_import,
    find_import,
    finish_abandoned,
    imports_of,
    prune_imports,
    upload_people,
)
from users.schedules import schedule_state
from users.services import suspend_person
from users.states import ACTIONS

pytestmark = pytest.mark.django_db


def check(text: str, actor: Actor = OPERATOR) -> PeopleImport:
    """Upload a file and check it to the end."""
    found = upload_people(actor=actor, file_name="people.csv", content=text.encode())
    return drive(found, actor)


def drive(found: PeopleImport, actor: Actor = OPERATOR) -> PeopleImport:
    while found.is_under_way:
        found = advance_import(actor=actor, people_import=found)
    return found


def write(found: PeopleImport, mode: ImportMode = ImportMode.ALL, actor: Actor = OPERATOR) -> PeopleImport:
    return drive(confirm_import(actor=actor, people_import=found, mode=mode), actor)


def run(text: str, mode: ImportMode = ImportMode.ALL) -> PeopleImport:
    return write(check(text), mode)


def counts(found: PeopleImport) -> tuple[int, int, int, int]:
    return found.added, found.updated, found.unchanged, found.problems


def problems(found: PeopleImport) -> list[tuple[int, str, str]]:
    return [(row.line, row.field, row.code) for row in problems_of(found)]


@pytest.fixture
def small_chunks(monkeypatch: pytest.MonkeyPatch) -> None:
    """Two rows in a chunk, and one transaction for few rows only, on both databases."""
    for module in (imports, import_store, import_steps):
        monkeypatch.setattr(module, "ROWS_IN_CHUNK", 2)
    monkeypatch.setattr(import_steps, "is_one_transaction", lambda people_import: False)
    monkeypatch.setattr("users.people_import.is_one_transaction", lambda people_import: False)


ALL_COLUMNS = (
    "company_email,user_name,display_name,given_name,family_name,title,department,phone_number,state,external_id,groups\n"
    "Ada@Contoso.example,ada,Ada Lovelace,Ada,Lovelace,Countess,Sums,+44 20 7946 0958,active,OBJ-1,Sales | support\n"
)


def test_a_new_person_has_everything_that_the_row_says() -> None:
    for name in ("Sales", "Support"):
        Group.objects.create(name=name)
    found = check(ALL_COLUMNS)
    assert counts(found) == (1, 0, 0, 0)
    assert not User.objects.exists()
    assert counts(write(found)) == (1, 0, 0, 0)
    ada = User.objects.get()
    assert (ada.company_email, ada.user_name, ada.display_name) == ("ada@contoso.example", "ada", "Ada Lovelace")
    assert (ada.given_name, ada.family_name, ada.title, ada.department) == ("Ada", "Lovelace", "Countess", "Sums")
    assert (ada.phone_number, ada.state, ada.external_id) == ("+44 20 7946 0958", State.ACTIVE, "OBJ-1")
    assert (ada.source, ada.name_key) == (Source.IMPORT, "  ada  lovelace")
    assert not ada.has_usable_password()
    assert sorted(group.name for group in ada.groups.all()) == ["Sales", "Support"]


def test_a_new_person_needs_a_company_email_only() -> None:
    run("email,given_name,family_name\nada@contoso.example,Ada,Lovelace\ngrace@contoso.example,,\n")
    ada, grace = User.objects.order_by("company_email")
    assert (ada.user_name, ada.display_name, ada.state) == ("ada", "Ada Lovelace", State.STAGED)
    assert (grace.user_name, grace.display_name) == ("grace", "")


def test_user_names_are_proposed_so_that_no_two_are_the_same() -> None:
    make_person("ada@elsewhere.example", user_name="ada")
    emails = ["ada@a.example", "ada-2@b.example", "ada@c.example", "ada@d.example"]
    run("email,user_name\n" + "".join(f"{email},\n" for email in emails) + "other@e.example,ada-3\n")
    taken = dict(User.objects.values_list("company_email", "user_name"))
    assert taken["other@e.example"] == "ada-3"
    assert len(set(taken.values())) == 6


def test_an_empty_cell_and_a_missing_column_leave_what_is_stored() -> None:
    make_person("ada@contoso.example", display_name="Ada Lovelace", given_name="Ada", external_id="x")
    found = run("email,given_name,external id,title\nada@contoso.example,,,Countess\n")
    assert counts(found) == (0, 1, 0, 0)
    ada = User.objects.get()
    assert (ada.display_name, ada.given_name, ada.external_id, ada.title) == ("Ada Lovelace", "Ada", "x", "Countess")


def test_a_file_that_changes_nothing_changes_nothing() -> None:
    Group.objects.create(name="Sales")
    Group.objects.create(name="Support")
    run(ALL_COLUMNS)
    before = list(User.objects.values())
    rows = AuditEvent.objects.count()
    assert counts(run(ALL_COLUMNS)) == (0, 0, 1, 0)
    assert list(User.objects.values()) == before
    assert AuditEvent.objects.count() == rows + 2  # confirmed and done


def test_names_are_found_anew_after_an_import_changed_them() -> None:
    ada = make_person("ada@contoso.example", display_name="Ada")
    run("email,display_name,user_name\nada@contoso.example,Augusta King,augusta\n")
    ada.refresh_from_db()
    assert (ada.display_name, ada.name_key, ada.user_name) == ("Augusta King", "  augusta  king", "augusta")


def test_a_suspension_ends_sessions_and_the_preview_says_how_many(admin_browser: Any) -> None:
    ada = make_person("ada@contoso.example", password="an-umbrella-for-the-gate-4711")
    admin_browser.sign_in_with_password(ada)
    assert admin_browser.is_signed_in
    found = check("email,state\nada@contoso.example,Suspended\n")
    assert found.suspending == 1
    assert write(found).sessions_ended == 1
    assert not admin_browser.is_signed_in
    ada.refresh_from_db()
    assert ada.state == State.SUSPENDED
    assert ada.state_changed_at is not None
    event = AuditEvent.objects.get(action="users.person.suspended")
    assert (event.target_id, event.details["from"]) == (str(ada.pk), "active")


def test_a_schedule_that_has_come_counts_as_the_state() -> None:
    ada = make_person("ada@contoso.example")
    past = timezone.now() - timedelta(minutes=1)
    User.objects.filter(pk=ada.pk).update(scheduled_state=State.SUSPENDED, scheduled_at=past)
    assert counts(run("email,state\nada@contoso.example,suspended\n")) == (0, 0, 1, 0)
    assert counts(run("email,state\nada@contoso.example,active\n")) == (0, 1, 0, 0)
    ada.refresh_from_db()
    assert ada.effective_state == State.ACTIVE


@pytest.mark.parametrize(
    ("now", "to_come", "row", "stays"),
    [
        (State.STAGED, State.SUSPENDED, "active", True),
        (State.STAGED, State.SUSPENDED, "suspended", False),
        (State.STAGED, State.ACTIVE, "active", False),
        (State.ACTIVE, State.SUSPENDED, "suspended", False),
        (State.SUSPENDED, State.ACTIVE, "active", False),
    ],
)
def test_only_a_suspension_that_is_to_come_still_comes_after_an_activation(
    now: State, to_come: State, row: str, stays: bool
) -> None:
    ada = make_person("ada@contoso.example", state=now)
    at = timezone.now() + timedelta(days=30)
    schedule_state(actor=OPERATOR, person=ada, state=to_come, at=at, reason="Contract ends")
    assert counts(run(f"email,state\nada@contoso.example,{row}\n")) == (0, 1, 0, 0)
    ada.refresh_from_db()
    left = (ada.state, ada.scheduled_state, ada.scheduled_at is not None, ada.scheduled_reason)
    assert left == (row, *((to_come, True, "Contract ends") if stays else (None, False, "")))
    details = AuditEvent.objects.filter(action__in=ACTIONS.values()).latest("pk").details
    assert details.get("schedule_cancelled", "").startswith("" if stays else f"{to_come.value} at ")
    assert ("schedule_cancelled" in details) is not stays


@pytest.mark.parametrize(
    ("header", "row", "field", "code"),
    [
        ("email", "no email", "company_email", "users.email_invalid"),
        ("email,title", ",x", "company_email", "users.import_email_missing"),
        ("email,user_name", "a@b.example,no good!", "user_name", "users.user_name_invalid"),
        ("email,user_name", "a@b.example,taken", "user_name", "users.user_name_taken"),
        ("email,external_id", "a@b.example,taken-id", "external_id", "users.external_id_taken"),
        ("email,state", "a@b.example,gone", "state", "users.import_state_unknown"),
        ("email,phone", "a@b.example,call me", "phone_number", "users.phone_number_invalid"),
        ("email,department", f"a@b.example,{'x' * 151}", "department", "users.name_invalid"),
        ("email,title", 'a@b.example,"two\nlines"', "title", "users.name_invalid"),
        ("email,groups", "a@b.example,Nowhere", "groups", "users.import_group_unknown"),
        ("email,title", "admin@contoso.example,Boss", "company_email", "users.import_administrator"),
        ("email,state", "admin@contoso.example,suspended", "company_email", "users.import_administrator"),
    ],
)
def test_what_is_wrong_with_a_row(header: str, row: str, field: str, code: str) -> None:
    make_person("taken@contoso.example", user_name="taken", external_id="taken-id")
    make_administrator(email="admin@contoso.example")
    before = list(User.objects.order_by("pk").values())
    found = check(f"{header}\n{row}\n")
    assert problems(found) == [(2, field, code)]
    assert counts(found) == (0, 0, 0, 1)
    error = refused(ImportHasProblems, write, found=found)
    assert (error.code, error.exit_status) == ("users.import_has_problems", 3)
    write(found, ImportMode.GOOD)
    assert list(User.objects.order_by("pk").values()) == before


def test_an_administrator_whom_a_row_does_not_change_is_no_problem() -> None:
    admin = make_administrator(email="admin@contoso.example")
    assert counts(check(f"email,display_name\nadmin@contoso.example,{admin.display_name}\n")) == (0, 0, 1, 0)


def test_the_good_ones_are_imported_and_the_others_listed() -> None:
    text = "email,title,state\nada@contoso.example,A,\nnobody,B,\nlist@contoso.example,C,gone\nada@contoso.example,D,\n"
    found = check(text)
    expected = [
        (3, "company_email", "users.email_invalid"),
        (4, "state", "users.import_state_unknown"),
        (5, "company_email", "users.import_row_repeats"),
    ]
    assert problems(found) == expected
    done = write(found, ImportMode.GOOD)
    assert counts(done) == (1, 0, 0, 3)
    assert problems(done) == expected
    assert User.objects.get().title == "A"


@pytest.mark.usefixtures("small_chunks")
def test_a_row_that_claims_what_another_one_frees_names_that_one() -> None:
    for number in range(4):
        make_person(f"p{number}@contoso.example", user_name=f"name{number}", external_id=f"ID-{number}")
    text = (
        "email,user name,external id\n"
        "p0@contoso.example,NAME1,ID-1\n"
        "new@contoso.example,name3,\n"
        "P1@contoso.example,name0,ID-0\n"
        "p2@contoso.example,name2,\n"
        "p3@contoso.example,free,\n"
        "other@contoso.example,name2,\n"
    )
    # The last row repeats the user name of another one, which is a problem of the file itself.
    found = check(text)
    told = {(row.line, row.field): (row.code, row.reason) for row in problems_of(found)}
    freed = "users.import_freed_by_row"
    assert {place: code for place, (code, _) in told.items()} == {
        (2, "user_name"): freed,
        (2, "external_id"): freed,
        (3, "user_name"): freed,
        (4, "user_name"): freed,
        (4, "external_id"): freed,
        (7, "user_name"): "users.import_row_repeats",
    }
    assert told[2, "user_name"][1].startswith("The user name NAME1 is somebody's until line 4 is imported")
    assert told[3, "user_name"][1].startswith("The user name name3 is somebody's until line 6 is imported")
    assert told[4, "external_id"][1].startswith("The external ID ID-0 is somebody's until line 2 is imported")
    assert counts(found) == (0, 1, 1, 4)
    write(found, ImportMode.GOOD)
    assert counts(run("email,user name\nnew@contoso.example,name3\n")) == (1, 0, 0, 0)


def test_what_somebody_keeps_is_taken_also_where_the_file_names_them() -> None:
    make_person("ada@contoso.example", user_name="ada")
    found = check("email,user name,title\nada@contoso.example,ada,T\n")
    assert problems(found) == []
    found = check("email,user name,title\nada@contoso.example,,T\ngrace@contoso.example,ada,T\n")
    assert problems(found) == [(3, "user_name", "users.user_name_taken")]


def test_every_problem_of_a_row_is_told() -> None:
    found = check("email,title,state\nno email,\x01,gone\n")
    assert [code for _, _, code in problems(found)] == [
        "users.email_invalid",
        "users.name_invalid",
        "users.import_state_unknown",
    ]
    assert found.problems == 1


# --- what changes between preview and confirmation -------------------------------------------------------------------

TWO = "email,title\nada@contoso.example,Countess\ngrace@contoso.example,Admiral\n"


def spoil() -> None:
    """Somebody takes the user name that a row was to get, and another person changes."""
    User.objects.filter(company_email="grace@contoso.example").update(title="Commodore")


def test_all_or_nothing_refuses_what_the_preview_did_not_show() -> None:
    make_person("grace@contoso.example")
    found = check(TWO)
    spoil()
    error = refused(ImportPeopleChanged, write, found=found)
    assert error.code == "users.import_people_changed"
    assert "line 3" in error.message
    assert not User.objects.filter(company_email="ada@contoso.example").exists()
    assert AuditEvent.objects.filter(action="users.people.imported", outcome="refused").count() == 1
    again = drive(PeopleImport.objects.get())
    assert "line 3" in again.restarted
    assert counts(again) == (1, 1, 0, 0)
    assert ["title", "Commodore", "Admiral"] in [change for sample in again.samples for change in sample["changes"]]
    assert counts(write(again)) == (1, 1, 0, 0)


def test_the_good_ones_leave_out_what_the_preview_did_not_show() -> None:
    make_person("grace@contoso.example")
    found = check(TWO)
    spoil()
    done = write(found, ImportMode.GOOD)
    assert counts(done) == (1, 0, 0, 1)
    assert problems(done) == [(3, "company_email", "users.import_row_changed")]
    assert User.objects.get(company_email="grace@contoso.example").title == "Commodore"


def test_a_change_that_leaves_nothing_to_do_is_no_surprise() -> None:
    make_person("grace@contoso.example")
    found = check(TWO)
    User.objects.filter(company_email="grace@contoso.example").update(title="Admiral")
    assert counts(write(found)) == (1, 0, 1, 0)


# --- in several transactions -----------------------------------------------------------------------------------------

FIVE = "email,title\n" + "".join(f"p{number}@contoso.example,T{number}\n" for number in range(5))


@pytest.mark.usefixtures("small_chunks")
def test_many_rows_are_written_a_chunk_at_a_time() -> None:
    make_person("p3@contoso.example")
    found = check(FIVE)
    assert (found.chunks, counts(found)) == (3, (4, 1, 0, 0))
    found = confirm_import(actor=OPERATOR, people_import=found, mode=ImportMode.ALL)
    seen = []
    while found.is_under_way:
        found = advance_import(actor=OPERATOR, people_import=found, seconds=0)
        seen.append((found.status, found.next_chunk, User.objects.count()))
    assert seen == [
        ("verify", 1, 1), ("verify", 2, 1), ("writing", 0, 1), ("writing", 1, 3), ("writing", 2, 4), ("done", 3, 5),
    ]  # fmt: skip
    assert counts(found) == (4, 1, 0, 0)
    assert not PeopleImportChunk.objects.exists()


@pytest.mark.usefixtures("small_chunks")
def test_what_changed_before_anything_is_written_is_refused_at_once() -> None:
    make_person("p3@contoso.example")
    found = confirm_import(actor=OPERATOR, people_import=check(FIVE), mode=ImportMode.ALL)
    User.objects.filter(company_email="p3@contoso.example").update(title="X")
    refused(ImportPeopleChanged, drive, found=found)
    assert User.objects.count() == 1
    assert counts(drive(PeopleImport.objects.get())) == (4, 1, 0, 0)


@pytest.mark.usefixtures("small_chunks")
def test_what_was_written_is_undone_where_a_later_row_cannot_be() -> None:
    group = Group.objects.create(name="Sales")
    ada = make_person("ada@contoso.example", display_name="Ada")
    make_person("p3@contoso.example")
    suspend_person(actor=OPERATOR, person=ada, reason="On leave")
    back = timezone.now() + timedelta(days=30)
    schedule_state(actor=OPERATOR, person=ada, state=State.ACTIVE, at=back, reason="Back from leave")
    text = "email,title,display name,groups,state\nada@contoso.example,Countess,Augusta,Sales,active\n" + "".join(
        f"p{number}@contoso.example,T,,,\n" for number in range(4)
    )
    before = list(User.objects.order_by("pk").values())
    found = confirm_import(actor=OPERATOR, people_import=check(text), mode=ImportMode.ALL)
    while found.status == "verify" or found.next_chunk < 2:
        found = advance_import(actor=OPERATOR, people_import=found, seconds=0)
    assert GroupMembership.objects.filter(person=ada, group=group).exists()
    assert User.objects.count() == 5
    User.objects.filter(company_email="p3@contoso.example").update(title="X")
    refused(ImportPeopleChanged, advance_import, actor=OPERATOR, people_import=found)
    undoing = PeopleImport.objects.get()
    assert undoing.status == "undoing"
    again = drive(undoing)
    User.objects.filter(company_email="p3@contoso.example").update(title="")
    now = list(User.objects.order_by("pk").values())
    assert [{**row, "updated_at": None} for row in now] == [{**row, "updated_at": None} for row in before]
    assert not GroupMembership.objects.exists()
    assert AuditEvent.objects.filter(action="users.person.import_undone").count() == 4
    assert (again.status, counts(again)) == ("checked", (3, 2, 0, 0))


@pytest.mark.usefixtures("small_chunks")
def test_housekeeping_finishes_what_was_confirmed_and_left_alone() -> None:
    found = confirm_import(actor=OPERATOR, people_import=check(FIVE), mode=ImportMode.GOOD)
    advance_import(actor=OPERATOR, people_import=found, seconds=0)
    assert finish_abandoned(OPERATOR) == 0
    with time_machine.travel(timezone.now() + timedelta(hours=2)):
        assert prune_imports() == 0
        assert finish_abandoned(OPERATOR) == 1
    assert User.objects.count() == 5


@pytest.mark.usefixtures("small_chunks")
@pytest.mark.parametrize("changed_meanwhile", [False, True])
def test_what_a_deleted_administrator_was_importing_is_finished_or_undone(changed_meanwhile: bool) -> None:
    make_administrator()
    owner = make_administrator(AdminRole.ADMINISTRATOR)
    actor = as_person(owner)
    make_person("p3@contoso.example")
    before = User.objects.count() - 1
    found = confirm_import(actor=actor, people_import=check(FIVE, actor), mode=ImportMode.ALL)
    while found.next_chunk != 1 or found.status != "writing":
        found = advance_import(actor=actor, people_import=found, seconds=0)
    delete_person(actor=OPERATOR, person=owner, confirmation=owner.company_email)
    assert imports_of(OPERATOR) == []
    refused(ImportNotFound, find_import, actor=OPERATOR, pk=found.pk)
    if changed_meanwhile:
        User.objects.filter(company_email="p3@contoso.example").update(title="X")
    with time_machine.travel(timezone.now() + timedelta(minutes=10)):
        assert finish_abandoned(OPERATOR) == 1
    assert User.objects.count() == before + (0 if changed_meanwhile else 4)


@pytest.mark.usefixtures("small_chunks")
def test_a_user_name_that_somebody_took_meanwhile_does_not_keep_the_rest_from_being_undone() -> None:
    make_person("ada@contoso.example", user_name="ada", external_id="one")
    make_person("p3@contoso.example")
    rows = "".join(f"p{number}@contoso.example,,,T\n" for number in range(4))
    found = check(f"email,user name,external id,title\nada@contoso.example,augusta,two,Countess\n{rows}")
    found = confirm_import(actor=OPERATOR, people_import=found, mode=ImportMode.ALL)
    while found.status == "verify" or found.next_chunk < 2:
        found = advance_import(actor=OPERATOR, people_import=found, seconds=0)
    make_person("other@contoso.example", user_name="ada", external_id="one")
    User.objects.filter(company_email="p3@contoso.example").update(title="X")
    refused(ImportPeopleChanged, advance_import, actor=OPERATOR, people_import=found)
    drive(PeopleImport.objects.get())
    ada = User.objects.get(company_email="ada@contoso.example")
    assert (ada.user_name, ada.external_id, ada.title) == ("augusta", "two", "")
    assert User.objects.count() == 3


def test_files_are_forgotten_after_an_hour() -> None:
    found = check(TWO)
    with time_machine.travel(timezone.now() + timedelta(minutes=61)):
        assert refused(ImportNotFound, find_import, actor=OPERATOR, pk=found.pk).code == "users.import_not_found"
        assert imports_of(OPERATOR) == []
        assert prune_imports() == 1
    assert not PeopleImportChunk.objects.exists()


# --- who --------------------------------------------------------------------------------------------------------------


def test_an_import_is_its_owners_alone() -> None:
    owner, other = (as_person(make_administrator(AdminRole.ADMINISTRATOR)) for _ in range(2))
    found = check(TWO, owner)
    assert imports_of(owner) == [found]
    assert imports_of(other) == []
    refused(ImportNotFound, find_import, actor=other, pk=found.pk)
    refused(ImportNotFound, find_import, actor=OPERATOR, pk=found.pk)


@pytest.mark.parametrize("role", [AdminRole.HELP_DESK, AdminRole.READ_ONLY])
def test_only_those_who_manage_people_import(role: AdminRole) -> None:
    actor = as_person(make_administrator(role))
    found = check(TWO)
    refused(PermissionRefused, upload_people, actor=actor, file_name="x", content=b"email\na@b.example\n")
    refused(PermissionRefused, find_import, actor=actor, pk=found.pk)
    for act in (advance_import, discard_import):
        refused(PermissionRefused, act, actor=actor, people_import=found)
    refused(PermissionRefused, confirm_import, actor=actor, people_import=found, mode=ImportMode.ALL)


def test_what_is_confirmed_is_not_confirmed_again_nor_discarded() -> None:
    found = confirm_import(actor=OPERATOR, people_import=check(TWO), mode=ImportMode.ALL)
    error = refused(ImportNotReady, confirm_import, actor=OPERATOR, people_import=found, mode=ImportMode.ALL)
    assert error.code == "users.import_not_ready"
    refused(ImportNotReady, discard_import, actor=OPERATOR, people_import=found)
    discard_import(actor=OPERATOR, people_import=drive(found))
    assert not PeopleImport.objects.exists()


def test_the_audit_log_knows_the_import_and_each_person() -> None:
    make_person("grace@contoso.example")
    actor = as_person(make_administrator())
    before = AuditEvent.objects.order_by("-id").first().pk
    done = write(check(TWO, actor), actor=actor)
    rows = {row.action: row for row in AuditEvent.objects.filter(id__gt=before)}
    assert set(rows) == {
        "users.people_import.confirmed", "users.person.added", "users.person.edited", "users.people.imported",
    }  # fmt: skip
    assert {row.actor_id for row in rows.values()} == {actor.person.pk}
    added, edited, whole = (rows[f"users.{name}"] for name in ("person.added", "person.edited", "people.imported"))
    assert (added.target_label, added.details) == ("ada@contoso.example", {"state": "staged", "import": str(done.pk)})
    assert edited.details["changes"] == {"title": {"from": "", "to": "Admiral"}}
    assert whole.details["file"] == "people.csv"
    assert [whole.details[name] for name in ("rows", "added", "updated", "unchanged", "problems")] == [2, 1, 1, 0, 0]


# --- two at once ------------------------------------------------------------------------------------------------------


@pytest.mark.django_db(transaction=True)
def test_two_tabs_do_nothing_twice() -> None:
    found = confirm_import(actor=OPERATOR, people_import=check(FIVE), mode=ImportMode.GOOD)
    ended = at_once(*[lambda: advance_import(actor=OPERATOR, people_import=found)] * 3)
    assert not [each for each in ended if isinstance(each, DirectoryError)]
    done = drive(PeopleImport.objects.get())
    assert counts(done) == (5, 0, 0, 0)
    assert User.objects.count() == AuditEvent.objects.filter(action="users.person.added").count() == 5


@pytest.mark.usefixtures("small_chunks")
def test_a_worker_that_comes_too_late_does_nothing_twice() -> None:
    found = upload_people(actor=OPERATOR, file_name="people.csv", content=FIVE.encode())
    for _ in range(2):
        import_steps.step(OPERATOR, found, lambda done: None)
    checked = PeopleImport.objects.get()
    assert (checked.next_chunk, counts(checked)) == (1, (2, 0, 0, 0))
    found = confirm_import(actor=OPERATOR, people_import=drive(found), mode=ImportMode.GOOD)
    assert (found.status, found.next_chunk) == ("writing", 0)
    for _ in range(2):
        import_steps.step(OPERATOR, found, lambda done: None)
    assert User.objects.count() == 2
    assert counts(drive(PeopleImport.objects.get())) == (5, 0, 0, 0)


@pytest.mark.django_db(transaction=True)
def test_the_same_file_twice_at_once_is_imported_once() -> None:
    files = [confirm_import(actor=OPERATOR, people_import=check(FIVE), mode=ImportMode.GOOD) for _ in range(2)]
    at_once(*[lambda each=each: drive(each) for each in files])
    done = [counts(PeopleImport.objects.get(pk=each.pk)) for each in files]
    assert sorted(done) == [(0, 0, 5, 0), (5, 0, 0, 0)]
    assert User.objects.count() == 5


@pytest.mark.django_db(transaction=True)
def test_two_files_that_name_the_same_people_in_opposite_order_do_not_wait_for_each_other() -> None:
    lines = [f"person{number}@contoso.example" for number in range(400)]
    texts = ["\n".join(["email", *each]) for each in (lines, lines[::-1])]
    files = [confirm_import(actor=OPERATOR, people_import=check(text), mode=ImportMode.GOOD) for text in texts]
    ended = at_once(*[lambda each=each: drive(each) for each in files])
    assert sorted(counts(done) for done in ended) == [(0, 0, 400, 0), (400, 0, 0, 0)]


def test_the_cache_of_sqlite_is_left_as_it_was() -> None:
    if connection.vendor == "sqlite":
        with connection.cursor() as cursor:
            cursor.execute("PRAGMA cache_size")
            before = cursor.fetchone()
            run(TWO)
            cursor.execute("PRAGMA cache_size")
            assert cursor.fetchone() == before


def test_new_people_begin_as_the_organization_settings_say() -> None:
    Organization.objects.update_or_create(pk=1, defaults={"default_state_import": State.ACTIVE})
    run("email,state\nada@contoso.example,\ngrace@contoso.example,staged\n")
    assert dict(User.objects.values_list("company_email", "state")) == {
        "ada@contoso.example": "active",
        "grace@contoso.example": "staged",
    }


def test_an_open_invitation_outlives_an_activation() -> None:
    ada = make_person("ada@contoso.example", state=State.STAGED)
    link, _ = action_links.issue(person=ada, purpose=LinkPurpose.INVITATION, made_by=None)
    run("email,state\nada@contoso.example,active\n")
    link.refresh_from_db()
    assert action_links.is_good(link)
