"""Names of groups without regard to case, in every script and on both databases."""

import json
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest
from django.db import IntegrityError, transaction

from tests.browsing import Browser
from tests.commands.running import in_shell, run
from tests.factories import OPERATOR, make_person
from tests.users.support import refused
from users.group_errors import GroupNameTaken
from users.group_list import find_group, find_groups
from users.groups import add_group, delete_group, edit_group
from users.models import Group

LIST = "/admin/user-management/groups/"


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("name", "other"), [("ÉCOLE", "école"), ("Ωmega", "ωMEGA"), ("Straße", "STRASSE"), ("Éa", "e\u0301A")]
)
def test_a_name_in_other_letters_is_the_same_name(name: str, other: str) -> None:
    group = add_group(actor=OPERATOR, name=name)
    assert refused(GroupNameTaken, add_group, actor=OPERATOR, name=other).code == "users.group_name_taken"
    another = add_group(actor=OPERATOR, name="Another")
    refused(GroupNameTaken, edit_group, actor=OPERATOR, group=another, name=other)
    with pytest.raises(IntegrityError), transaction.atomic():
        Group.objects.create(name=other)
    assert find_group(other) == group
    assert [found.pk for found in find_groups(search=other).rows] == [group.pk]
    group.people.add(make_person())
    assert delete_group(actor=OPERATOR, group=find_group(name), confirmation=other) == 1


@pytest.mark.django_db
def test_an_accent_makes_another_name() -> None:
    add_group(actor=OPERATOR, name="école")
    assert add_group(actor=OPERATOR, name="Ecole").name == "Ecole"


@pytest.mark.django_db
def test_pages_and_files_find_a_group_in_other_letters(admin_browser: Browser, tmp_path: Path) -> None:
    group = add_group(actor=OPERATOR, name="ÉCOLE")
    again = admin_browser.post(f"{LIST}add/", {"name": "école"})
    assert again.status_code == 422 and "There is a group école already." in again.content.decode()
    assert "ÉCOLE" in admin_browser.get(LIST, {"search": "école"}).content.decode()
    file = tmp_path / "people.csv"
    file.write_text("email,groups\nada@contoso.example,école | Écoles\n")
    problems = run("users", "import", str(file), "--dry-run", "--json").json["problem_rows"]
    assert len(problems) == 1 and "Écoles" in problems[0]["reason"]
    file.write_text("email,groups\nada@contoso.example,école | École\n")
    assert run("users", "import", str(file), "--json").json["added"] == 1
    assert group.people.get().company_email == "ada@contoso.example"


def test_groups_that_have_one_name_by_then_are_told_apart(tmp_path: Path) -> None:
    """From a directory of the version before; on SQLite, where there can be such."""
    url = {"DATABASE_URL": f"sqlite:///{tmp_path}/old.sqlite3"}
    assert in_shell("migrate", "users", "0011_audit_log", **url).status == 0
    rows = [("école", 2), ("ÉCOLE", 1), ("École (2)", 3), ("é" * 100, 4), ("É" * 100, 5), ("Sales", 6)]
    with closing(sqlite3.connect(tmp_path / "old.sqlite3")) as old:
        for name, number in rows:
            moment = f"2026-01-0{number} 00:00:00"
            old.execute(
                "INSERT INTO users_group (id, name, description, created_at, updated_at) VALUES (?, ?, '', ?, ?)",
                (f"{number:032}", name, moment, moment),
            )
        old.commit()
    assert in_shell("migrate", **url).status == 0
    names = {group["name"] for group in in_shell("groups", "list", "--json", **url).json}
    long = "É" * 96 + " (2)"
    assert names == {"ÉCOLE", "école (3)", "École (2)", "é" * 100, long, "Sales"}
    told = in_shell("audit", "list", "--action", "users.group.edited", "--json", **url)
    changes = [event["details"]["changes"]["name"] for event in json.loads(told.out)]
    assert {"from": "école", "to": "école (3)"} in changes and len(changes) == 2
