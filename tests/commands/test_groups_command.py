"""`manage.py groups`."""

import pytest

from tests.commands.running import run
from tests.factories import OPERATOR, make_person
from users.groups import add_group, add_members
from users.models import Group

pytestmark = pytest.mark.django_db


def test_a_groups_life() -> None:
    assert run("groups", "list").out.strip() == "There are no groups yet."
    added = run("groups", "add", "Engineers", "--description", "Who build it", "--json")
    assert (added.status, added.json["name"], added.json["members"]) == (0, "Engineers", 0)
    for email in ("ada@contoso.example", "grace@contoso.example"):
        make_person(email)
    joined = run("groups", "add-members", "engineers", "ADA@contoso.example", "nobody@contoso.example", "--json")
    assert joined.json == {"group": "Engineers", "added": 1, "already": 0, "unknown": ["nobody@contoso.example"]}
    pasted = run(
        "groups", "add-members", added.json["id"], "--json", stdin="Ada <ada@contoso.example>\ngrace@contoso.example\n"
    )
    assert (pasted.json["added"], pasted.json["already"]) == (1, 1)
    shown = run("groups", "show", "Engineers", "--json").json
    assert (shown["members"], shown["emails"]) == (2, ["ada@contoso.example", "grace@contoso.example"])
    assert run("groups", "show", "Engineers", "--limit", "1", "--json").json["emails"] == ["ada@contoso.example"]
    assert "Engineers  2        Who build it" in run("groups", "list").out
    assert run("groups", "list", "--search", "sales", "--json").json == []
    removed = run("groups", "remove-members", "Engineers", "ada@contoso.example", "x@y.example", "--json").json
    assert removed == {"group": "Engineers", "removed": 1, "unknown": ["x@y.example"]}
    deleted = run("groups", "delete", "Engineers", "--yes-delete", "Engineers", "--json").json
    assert (deleted["deleted"], deleted["members"]) == (True, 1)
    assert not Group.objects.exists()


def test_a_group_is_changed() -> None:
    add_group(actor=OPERATOR, name="Engineers", description="Who build it")
    changed = run("groups", "edit", "ENGINEERS", "--name", "Builders", "--json").json
    assert (changed["name"], changed["description"]) == ("Builders", "Who build it")
    assert "Builders" in run("groups", "edit", "builders", "--description", "").out
    assert Group.objects.get().description == ""


def test_a_list_that_holds_not_all_says_so() -> None:
    names = ["Engineers", "Sales"]
    group, _ = (add_group(actor=OPERATOR, name=name) for name in names)
    add_members(actor=OPERATOR, group=group, people=[make_person().pk for _ in range(2)])
    for command in (("list",), ("show", "Engineers")):
        cut = run("groups", *command, "--limit", "1", "--json")
        assert cut.json and cut.err.startswith("There are more ")
        assert run("groups", *command, "--limit", "2").err == ""


@pytest.mark.parametrize(
    ("arguments", "code", "status"),
    [
        (("show", "nobody"), "users.group_not_found", 4),
        (("add", ""), "users.group_name_invalid", 2),
        (("add", "engineers"), "users.group_name_taken", 3),
        (("add", "Sales", "--description", "x" * 501), "users.group_description_invalid", 2),
        (("edit", "nobody", "--name", "Sales"), "users.group_not_found", 4),
        (("edit", "Engineers", "--name", " "), "users.group_name_invalid", 2),
        (("delete", "Engineers"), "users.group_deletion_not_confirmed", 2),
        (("delete", "Engineers", "--yes-delete", "Sales"), "users.group_deletion_not_confirmed", 2),
        (("add-members", "nobody", "ada@contoso.example"), "users.group_not_found", 4),
        (("remove-members", "nobody", "ada@contoso.example"), "users.group_not_found", 4),
    ],
)
def test_a_refusal_ends_with_its_own_status_and_code(arguments: tuple[str, ...], code: str, status: int) -> None:
    group = add_group(actor=OPERATOR, name="Engineers")
    add_members(actor=OPERATOR, group=group, people=[make_person().pk])
    ran = run("groups", *arguments, "--json")
    assert (ran.status, ran.out, ran.error["code"]) == (status, "", code)
    assert Group.objects.count() == 1
