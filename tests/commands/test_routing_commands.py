"""`manage.py idp` about routing policies: who goes where, from a shell."""

import pytest

from idp import routing
from idp.models import IdentityProvider, RoutingPolicy
from tests.commands.running import run
from tests.entra_tenant import PracticeTenant
from tests.factories import make_administrator, make_person, make_provider
from tests.idp.test_routing import make_policy, make_provider_row, set_health
from tests.idp.test_routing_policies import group_of
from users.models import User

pytestmark = pytest.mark.django_db

UNDERSTOOD = "--i-understand-the-impacts"


@pytest.fixture
def entra() -> IdentityProvider:
    """An active provider, and somebody who could repair it."""
    make_administrator()
    return make_provider_row(1)


@pytest.fixture
def ada() -> User:
    """A member of the group Sales."""
    ada = make_person("ada@contoso.example")
    group_of(ada, name="Sales")
    return ada


def test_a_policy_is_added_listed_changed_moved_switched_and_deleted(entra: IdentityProvider, ada: User) -> None:
    added = run("idp", "add-policy", "oidc-1", "--name", "Sales", "--group", "sales", "--json")
    assert (added.status, added.error["code"]) == (2, "idp.impact_not_confirmed")
    added = run("idp", "add-policy", "oidc-1", "--name", "Sales", "--group", "sales", UNDERSTOOD, "--json")
    assert added.status == 0 and added.json["groups"] == ["Sales"] and added.json["in_force"] is True
    make_policy(make_provider_row(2), position=2, everyone=True)
    (first, second) = run("idp", "policies", "--count", "--json").json
    assert (first["position"], first["people"], second["people"]) == (1, 1, 0)
    asked = run("idp", "who-goes-where", "ADA@contoso.example", "--json").json
    assert (asked["provider"], asked["policy"], asked["known"]) == ("oidc-1", "Sales", True)
    edit = ("idp", "edit-policy", "sales", "--everyone", "--except-person", "ada@contoso.example", UNDERSTOOD)
    assert run(*edit, "--json").json["except_people"] == ["ada@contoso.example"]
    assert run("idp", "who-goes-where", "ada@contoso.example", "--json").json["provider"] == "oidc-2"
    assert run("idp", "move-policy", "sales", "2", UNDERSTOOD, "--json").json["position"] == 2
    assert run("idp", "disable-policy", "Policy 2", UNDERSTOOD, "--json").json["enabled"] is False
    assert routing.provider_of(ada) is None
    assert run("idp", "enable-policy", "Policy 2", UNDERSTOOD, "--json").json["enabled"] is True
    assert run("idp", "delete-policy", "sales", UNDERSTOOD, "--json").json["status"] == "deleted"
    assert RoutingPolicy.objects.get().position == 1


def test_passwords_while_the_provider_is_down_are_allowed_and_forbidden(entra: IdentityProvider, ada: User) -> None:
    add = ("idp", "add-policy", "oidc-1", "--name", "Sales", "--group", "sales", "--description", "Because", UNDERSTOOD)
    assert run(*add, "--json").json["password_while_down"] is False
    opened = run("idp", "edit-policy", "sales", "--password-while-down", "--json")
    # What is not given stays, whom it takes as well: so nobody is moved, and there is nothing to confirm.
    assert opened.status == 0 and opened.json["password_while_down"] is True
    assert (opened.json["groups"], opened.json["description"]) == (["Sales"], "Because")
    assert opened.json["passwords_open"] is False
    set_health(entra, "down")
    (row,) = run("idp", "policies", "--json").json
    assert row["password_while_down"] is True and row["passwords_open"] is True
    asked = run("idp", "who-goes-where", "ada@contoso.example", "--json").json["why"]
    assert asked.endswith("so they may use a Gatehouse password now.")
    assert run("idp", "edit-policy", "sales", "--name", "People who sell", "--json").json["password_while_down"] is True
    shut = run("idp", "edit-policy", "People who sell", "--no-password-while-down", "--json")
    assert shut.json["password_while_down"] is False
    assert run(*add, "--password-while-down", "--json").json["password_while_down"] is True


def test_a_dry_run_prints_the_impact_and_changes_nothing(entra: IdentityProvider, ada: User) -> None:
    policy = make_policy(entra, everyone=True, enabled=False)
    for arguments in (
        ("add-policy", "oidc-1", "--name", "New", "--domain", "contoso.example"),
        ("edit-policy", "Policy 1", "--domain", "contoso.example"),
        ("enable-policy", "Policy 1"),
        ("disable-policy", "Policy 1"),
        ("move-policy", "Policy 1", "1"),
        ("delete-policy", "Policy 1"),
    ):
        shown = run("idp", *arguments, "--dry-run", "--json")
        assert shown.status == 0 and shown.json["act"] == "routing", arguments
    assert "1  active person will sign in with Provider 1" in run("idp", "enable-policy", "Policy 1", "--dry-run").out
    assert RoutingPolicy.objects.get().revision == policy.revision


def test_refusals_have_their_exit_status(entra: IdentityProvider) -> None:
    for arguments, status, code in (
        (("delete-policy", "nowhere"), 4, "idp.routing.not_found"),
        (("add-policy", "nowhere", "--name", "X", "--everyone"), 4, "idp.not_found"),
        (("add-policy", "oidc-1", "--name", "X"), 2, "idp.routing.audience_missing"),
        (("add-policy", "oidc-1", "--name", "X", "--group", "nowhere"), 2, "idp.routing.group_unknown"),
        (
            ("add-policy", "oidc-1", "--name", "X", "--everyone", "--except-person", "who@x.example"),
            2,
            "idp.routing.person_unknown",
        ),
    ):
        refused = run("idp", *arguments, "--json")
        assert (refused.status, refused.error["code"]) == (status, code)


def test_archive_and_unarchive(tenant: PracticeTenant) -> None:
    make_administrator()
    make_provider(tenant)
    assert run("idp", "archive", "entra", "--dry-run", "--json").json["act"] == "archive"
    assert run("idp", "archive", "entra", "--json").json["status"] == "archived"
    refused = run("idp", "activate", "entra", UNDERSTOOD, "--json")
    assert (refused.status, refused.error["code"]) == (3, "idp.archived")
    assert run("idp", "unarchive", "entra", "--json").json["status"] == "draft"


def test_activation_for_a_pilot_group_or_as_the_policies_say(tenant: PracticeTenant, ada: User) -> None:
    make_administrator()
    make_person()
    make_provider(tenant, active=False)
    shown = run("idp", "activate", "entra", "--group", "Sales", "--dry-run", "--json").json
    assert {line["key"]: line["count"] for line in shown["lines"]}["people_sent"] == 1
    assert run("idp", "activate", "entra", "--group", "Sales", UNDERSTOOD, "--json").json["status"] == "active"
    assert RoutingPolicy.objects.get().name == "Sales to Contoso Entra"
    run("idp", "deactivate", "entra")
    assert run("idp", "activate", "entra", "--as-policies-say", UNDERSTOOD, "--json").status == 0
    assert RoutingPolicy.objects.count() == 1
    unknown = run("idp", "activate", "entra", "--group", "nowhere", "--dry-run", "--json")
    assert (unknown.status, unknown.error["code"]) == (4, "users.group_not_found")


def test_enabling_on_trial_is_listed_confirmed_and_taken_back(tenant: PracticeTenant) -> None:
    make_administrator()
    make_provider(tenant, active=False)
    ada = make_person("ada@contoso.example")
    assert run("idp", "guards").out.strip() == "Nothing is on trial, and nothing went back by itself."
    refused = run("idp", "activate", "entra", UNDERSTOOD, "--guard", "2", "--json")
    assert (refused.status, refused.error["code"]) == (2, "idp.guard.minutes_invalid")
    assert run("idp", "activate", "entra", UNDERSTOOD, "--guard", "--failure-percent", "20", "--json").status == 0
    (row,) = run("idp", "guards", "--json").json
    assert (row["provider"], row["outcome"], row["failure_percent"]) == ("entra", "watching", 20)
    assert run("idp", "confirm", "entra", "--json").json == {"provider": "entra", "confirmed": 1}
    over = run("idp", "confirm", "entra", "--json")
    assert (over.status, over.error["code"]) == (3, "idp.guard.not_found")
    given = ("add-policy", "entra", "--name", "Sub", "--domain", "sub.example", UNDERSTOOD, "--guard", "60", "--json")
    assert run("idp", *given).json["on_trial_until"]
    assert run("idp", "take-back", "entra", "--json").json == {"provider": "entra", "taken_back": 1}
    assert routing.provider_of(ada) is not None
    assert [row["enabled"] for row in run("idp", "policies", "--json").json] == [True, False]
