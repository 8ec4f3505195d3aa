"""`manage.py access`: conditional access policies, from a shell."""

import pytest

from idp.models import AccessPolicy
from tests.commands.running import run
from tests.factories import make_person
from tests.idp.test_access_policies import add
from tests.idp.test_routing import make_provider_row
from tests.idp.test_routing_policies import group_of
from users.models import User

pytestmark = pytest.mark.django_db

UNDERSTOOD = "--i-understand-the-impacts"


@pytest.fixture
def ada() -> User:
    """A member of the group Sales."""
    ada = make_person("ada@contoso.example")
    group_of(ada, name="Sales")
    return ada


def names() -> list[str]:
    return [row["name"] for row in run("access", "policies", "--json").json]


def test_a_policy_is_added_listed_changed_moved_switched_and_deleted(ada: User) -> None:
    make_provider_row(1)
    new = ("access", "add-policy", "--name", "Nights", "--action", "deny", "--group", "sales")
    nights = ("--within", "22:00-06:00", "--day", "mon", "--day", "fri", "--time-zone", "Europe/Berlin")
    refused = run(*new, *nights, "--json")
    assert (refused.status, refused.error["code"]) == (2, "idp.impact_not_confirmed")
    added = run(*new, *nights, "--outside", "203.0.113.0/24", "--signed-in-with", "local", UNDERSTOOD, "--json")
    assert (
        added.status == 0
        and added.json["groups"] == ["Sales"]
        and added.json["conditions"]
        == [
            "The client is outside 203.0.113.0/24",
            "Signed in with a Gatehouse password",
            "Mon, Fri, 22:00 to 06:00, Europe/Berlin",
        ]
    )
    two = ("access", "add-policy", "--name", "Two", "--action", "allow", "--person", "ada@contoso.example")
    assert run(*two, "--position", "1", "--signed-in-with", "oidc-1", UNDERSTOOD, "--json").json["position"] == 1
    assert names() == ["Two", "Nights", "Default policy"]
    assert run("access", "move-policy", "two", "2", UNDERSTOOD, "--json").json["position"] == 2
    edited = run("access", "edit-policy", "nights", "--everyone", "--except-group", "Sales", UNDERSTOOD, "--json").json
    assert (edited["action"], edited["everyone"], edited["except_groups"]) == ("deny", True, ["Sales"])
    assert edited["conditions"] == []
    assert run("access", "disable-policy", "nights", UNDERSTOOD, "--json").json["enabled"] is False
    assert run("access", "enable-policy", "nights", UNDERSTOOD, "--json").json["enabled"] is True
    assert run("access", "delete-policy", "nights", UNDERSTOOD, "--json").json["status"] == "deleted"
    assert run("access", "set-default", "deny", UNDERSTOOD, "--json").json["action"] == "deny"
    assert names() == ["Two", "Default policy"]
    assert "Default policy  deny" in run("access", "policies").out


def test_a_dry_run_prints_the_impact_and_changes_nothing(ada: User) -> None:
    policy = add("Shut", enabled=False)
    for arguments in (
        ("add-policy", "--name", "New", "--action", "deny", "--everyone"),
        ("edit-policy", "shut", "--group", "Sales"),
        ("enable-policy", "shut"),
        ("disable-policy", "shut"),
        ("move-policy", "shut", "1"),
        ("delete-policy", "shut"),
        ("set-default", "deny"),
    ):
        shown = run("access", *arguments, "--dry-run", "--json")
        assert shown.status == 0 and "changes_something" in shown.json, arguments
    said = run("access", "enable-policy", "shut", "--dry-run").out
    assert "1  of them can no longer open the User Portal" in said and f"({ada.label})" in said
    assert "Nothing that is in force changes." in run("access", "delete-policy", "shut", "--dry-run").out
    assert AccessPolicy.objects.get().revision == policy.revision


def test_a_sign_in_is_tried_out(ada: User) -> None:
    add("Office", "allow", network_side="inside", networks=["203.0.113.0/24"])
    add("Second factor", "require_second_factor", providers=[make_provider_row(1)], token_second_factor="absent")
    attempt = ("access", "try", "ADA@contoso.example", "--json")
    inside = run(*attempt, "--ip", "203.0.113.7").json
    assert (inside["action"], inside["policy"], inside["passed"]) == ("allow", "Office", [])
    outside = run(*attempt, "--ip", "198.51.100.1", "--signed-in-with", "oidc-1", "--at", "2030-01-31T18:00").json
    assert (outside["action"], outside["passed"]) == ("require_second_factor", ["Office asks for another network"])
    token = run(*attempt, "--signed-in-with", "oidc-1", "--token-second-factor").json
    assert (token["action"], token["policy"]) == ("allow", None)


@pytest.mark.parametrize(
    ("arguments", "code", "status"),
    [
        (("try", "who@contoso.example"), "idp.access.person_unknown", 2),
        (("try", "ada@contoso.example", "--ip", "here"), "idp.access.address_invalid", 2),
        (("try", "ada@contoso.example", "--signed-in-with", "nobody"), "idp.not_found", 4),
        (("enable-policy", "nothing"), "idp.access.not_found", 4),
        (("add-policy", "--name", "A", "--action", "deny"), "idp.access.audience_missing", 2),
        (("add-policy", "--name", "A", "--action", "deny", "--group", "No"), "idp.access.group_unknown", 2),
        (("add-policy", "--name", "A", "--action", "deny", "--person", "x"), "idp.access.person_unknown", 2),
    ],
)
def test_what_cannot_be_done_says_so(arguments: tuple[str, ...], code: str, status: int, ada: User) -> None:
    ended = run("access", *arguments, "--json")
    assert (ended.status, ended.error["code"]) == (status, code)
