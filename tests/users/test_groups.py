"""Groups and their members."""

from uuid import uuid4

import pytest

from bench.crowd import fill
from tests.factories import OPERATOR, make_administrator, make_person
from tests.users.support import as_person, at_once, refused
from users.errors import PermissionRefused
from users.group_errors import (
    GroupChangedMeanwhile,
    GroupDeletionNotConfirmed,
    GroupDescriptionInvalid,
    GroupNameInvalid,
    GroupNameTaken,
    GroupNotFound,
)
from users.group_list import count_members, find_group, find_groups, groups_of, members_in_words
from users.groups import (
    Pasted,
    add_group,
    add_members,
    add_members_by_email,
    delete_group,
    edit_group,
    remove_members,
)
from users.models import AdminRole, AuditEvent, Group, GroupMembership, User
from users.pasted_emails import emails_in

pytestmark = pytest.mark.django_db


def make_group(name: str = "Engineers", **more: str) -> Group:
    return add_group(actor=OPERATOR, name=name, **more)


def actions() -> list[str]:
    return list(AuditEvent.objects.order_by("id").values_list("action", flat=True))


def test_a_group_is_made_changed_and_found() -> None:
    group = make_group("  Analytical   Engine ", description="Those who\nbuild it.")
    assert (group.name, group.description) == ("Analytical Engine", "Those who build it.")
    assert find_group("ANALYTICAL engine") == find_group(str(group.pk)) == group
    edited = edit_group(actor=OPERATOR, group=group, name="analytical engine", seen=group.updated_at)
    assert AuditEvent.objects.latest("id").details == {
        "changes": {"name": {"from": "Analytical Engine", "to": "analytical engine"}}
    }
    error = refused(GroupChangedMeanwhile, edit_group, actor=OPERATOR, group=group, name="B", seen=group.created_at)
    assert error.code == "users.group_changed_meanwhile"
    assert edit_group(actor=OPERATOR, group=edited, description="").description == ""
    assert refused(GroupNotFound, find_group, identifier="nobody\x00").code == "users.group_not_found"


@pytest.mark.parametrize(
    ("error", "code", "values"),
    [
        (GroupNameInvalid, "users.group_name_invalid", {"name": "  "}),
        (GroupNameInvalid, "users.group_name_invalid", {"name": "x" * 101}),
        (GroupNameInvalid, "users.group_name_invalid", {"name": "a\x00b"}),
        (GroupDescriptionInvalid, "users.group_description_invalid", {"name": "A", "description": "x" * 501}),
        (GroupNameTaken, "users.group_name_taken", {"name": "ENGINEERS"}),
    ],
)
def test_bad_input_makes_no_group(error: type, code: str, values: dict[str, str]) -> None:
    make_group()
    assert refused(error, add_group, actor=OPERATOR, **values).code == code
    assert AuditEvent.objects.latest("id").error_code == code
    other = make_group("Other")
    assert refused(error, edit_group, actor=OPERATOR, group=other, **values).code == code


def test_members_come_and_go_and_each_has_an_audit_row() -> None:
    group, people = make_group(), [make_person() for _ in range(3)]
    keys = [person.pk for person in people]
    assert add_members(actor=OPERATOR, group=group, people=keys[:2]) == 2
    assert add_members(actor=OPERATOR, group=group, people=[*keys, keys[0], uuid4()]) == 1
    assert add_members(actor=OPERATOR, group=group, people=keys) == 0
    rows = AuditEvent.objects.filter(action="users.group.member_added").order_by("id")
    assert {row.target_id for row in rows} == {str(key) for key in keys} and len(rows) == 3
    assert rows[0].details == {"group": "Engineers", "group_id": str(group.pk)}
    totals = AuditEvent.objects.filter(action="users.group.members_added").order_by("id")
    assert [row.details for row in totals] == [{"added": 2}, {"added": 1}]
    assert list(groups_of(people[0])) == [group] and count_members(group) == 3
    assert remove_members(actor=OPERATOR, group=group, people=[keys[0], uuid4()]) == 1
    assert remove_members(actor=OPERATOR, group=group, people=keys[:1]) == 0
    assert AuditEvent.objects.get(action="users.group.member_removed").target_label == people[0].label
    assert count_members(group) == 2


def test_deleting_a_group_with_members_takes_its_name() -> None:
    group, person = make_group(), make_person()
    add_members(actor=OPERATOR, group=group, people=[person.pk])
    error = refused(GroupDeletionNotConfirmed, delete_group, actor=OPERATOR, group=group, confirmation="Other")
    assert error.code == "users.group_deletion_not_confirmed"
    assert delete_group(actor=OPERATOR, group=group, confirmation="engineers") == 1
    assert actions()[-2:] == ["users.group.member_removed", "users.group.deleted"]
    last = AuditEvent.objects.latest("id")
    assert (last.target_id, last.target_label, last.details) == (str(group.pk), "Engineers", {"members": 1})
    assert User.objects.filter(pk=person.pk).exists() and not GroupMembership.objects.exists()
    for act in (delete_group, edit_group):
        refused(GroupNotFound, act, actor=OPERATOR, group=group)
    assert delete_group(actor=OPERATOR, group=make_group("Empty")) == 0


@pytest.mark.parametrize("role", [AdminRole.HELP_DESK, AdminRole.READ_ONLY])
def test_only_those_who_manage_people_manage_groups(role: AdminRole) -> None:
    group, actor = make_group(), as_person(make_administrator(role))
    for act, more in (
        (add_group, {"name": "New"}),
        (edit_group, {"group": group, "name": "New"}),
        (delete_group, {"group": group}),
        (add_members, {"group": group, "people": []}),
        (add_members_by_email, {"group": group, "text": ""}),
        (remove_members, {"group": group, "people": []}),
    ):
        refused(PermissionRefused, act, actor=actor, **more)
    assert AuditEvent.objects.latest("id").target_id == str(group.pk)


# --- pasted emails ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "emails", "wrong"),
    [
        ("ada@x.example\r\ngrace@x.example\n", ["ada@x.example", "grace@x.example"], []),
        ("ada@x.example, grace@x.example;bob@x.example", ["ada@x.example", "grace@x.example", "bob@x.example"], []),
        ("ADA@x.example ada@x.example", ["ada@x.example"], []),
        ("Ada Lovelace <ada@x.example>", ["ada@x.example"], []),
        ('"Lovelace, Ada" <ada@x.example>; Hopper, Grace <grace@x.example>', ["ada@x.example", "grace@x.example"], []),
        ("Ada Lovelace\tada@x.example\tEngines", ["ada@x.example"], []),
        ('"ada@x.example","grace@x.example"', ["ada@x.example", "grace@x.example"], []),
        ("<mailto:ada@x.example>", ["ada@x.example"], []),
        ("\n , ;\n\t\n", [], []),
        ("Ada Lovelace\nada@\n<nobody>", [], ["Ada Lovelace", "ada@", "nobody"]),
        ("ad\u212a@x.example", [], ["ad\u212a@x.example"]),
    ],
)
def test_emails_are_found_in_any_form(text: str, emails: list[str], wrong: list[str]) -> None:
    assert emails_in(text) == (emails, wrong)


def test_a_paste_says_what_became_of_each() -> None:
    group = make_group()
    ada, grace = make_person("ada@contoso.example"), make_person("grace@contoso.example")
    add_members(actor=OPERATOR, group=group, people=[grace.pk])
    text = "Ada <ADA@contoso.example>, grace@contoso.example\nnobody@contoso.example; what is this"
    result = add_members_by_email(actor=OPERATOR, group=group, text=text)
    assert result == Pasted(added=1, already=1, unknown=("nobody@contoso.example", "what is this"))
    assert list(groups_of(ada)) == [group]
    assert AuditEvent.objects.latest("id").details == {"added": 1, "already": 1, "unknown": 2}


def test_ten_thousand_lines_are_no_trouble() -> None:
    fill(10_000)
    group = make_group()
    text = "\n".join(User.objects.values_list("company_email", flat=True))
    result = add_members_by_email(actor=OPERATOR, group=group, text=text)
    assert (result.added, result.already, result.unknown) == (10_000, 0, ())
    assert AuditEvent.objects.filter(action="users.group.member_added").count() == 10_000
    assert members_in_words(count_members(group)) == "10,000 members"
    add_members(actor=OPERATOR, group=group, people=[make_person().pk])
    assert members_in_words(count_members(group)) == "more than 10,000 members"
    assert find_groups().rows[0].members == 10_001  # type: ignore[attr-defined]
    assert delete_group(actor=OPERATOR, group=group, confirmation=group.name) == 10_001


@pytest.mark.django_db(transaction=True)
def test_two_who_add_the_same_people_at_once_add_each_once() -> None:
    group, keys = make_group(), [make_person().pk for _ in range(20)]
    results = at_once(*[lambda: add_members(actor=OPERATOR, group=group, people=keys)] * 3)
    assert sorted(results) == [0, 0, 20]


# --- lists -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("sort", ["name", "-name", "created", "-created"])
def test_pages_of_groups_follow_each_other_in_both_directions(sort: str) -> None:
    for number in range(7):
        make_group(f"{'Team' if number % 2 else 'team'} {number}")
    everything = [group.name for group in find_groups(sort=sort).rows]
    assert len(everything) == 7 and everything[0].endswith("6" if sort.startswith("-") else "0")
    forth, after = [], ""
    while True:
        page = find_groups(sort=sort, after=after, limit=3)
        forth += [group.name for group in page.rows]
        if not page.next:
            break
        after = page.next
    assert forth == everything
    back = find_groups(sort=sort, before=page.previous, limit=3)
    assert [group.name for group in back.rows] == everything[3:6] and back.next
    first = find_groups(sort=sort, before=back.previous, limit=3)
    assert [group.name for group in first.rows] == everything[:3] and not first.previous


def test_groups_are_found_by_part_of_the_name() -> None:
    for name in ("Engineers", "Night engineers", "Sales", "100 %"):
        make_group(name)
    assert [group.name for group in find_groups(search=" ENGIN ").rows] == ["Engineers", "Night engineers"]
    assert [group.name for group in find_groups(search="%").rows] == ["100 %"]
    assert find_groups(search="\x00").rows == []
    for wrong in ("x", "a~b", "\x00~00000000-0000-0000-0000-000000000000"):
        assert len(find_groups(after=wrong).rows) == 4
        assert len(find_groups(before=wrong, sort="created").rows) == 4
