"""`manage.py idp` about claims, from a shell."""

import pytest

from idp.models import IdentityProvider
from tests.browsing import Browser
from tests.commands.running import run
from tests.entra_tenant import PracticeTenant
from tests.factories import OPERATOR
from tests.idp.rehearsing import rehearse
from tests.idp.test_routing import make_provider_row
from users.groups import add_group
from users.models import Group, User

pytestmark = pytest.mark.django_db


@pytest.fixture
def entra() -> IdentityProvider:
    """A provider without rules."""
    return make_provider_row(1)


@pytest.fixture
def sales() -> Group:
    return add_group(actor=OPERATOR, name="Sales")


def test_rules_are_made_shown_and_removed(entra: IdentityProvider, sales: Group) -> None:
    assert run("idp", "map-claim", "oidc-1", "jobTitle", "title", "--json").json["fields"] == {"title": "jobTitle"}
    rule = ("oidc-1", "roles", "Sales.Rep", "sales")
    assert run("idp", "map-group", *rule, "--json").json["groups"] == [
        {"claim": "roles", "value": "Sales.Rep", "group": "Sales"}
    ]
    shown = run("idp", "claims", "oidc-1")
    assert "jobTitle keeps title" in shown.out and "roles Sales.Rep gives Sales" in shown.out
    assert run("idp", "map-group", *rule, "--json").error["code"] == "idp.claims.rule_taken"
    assert run("idp", "unmap-group", *rule, "--json").json["groups"] == []
    assert run("idp", "unmap-claim", "oidc-1", "title", "--json").json["fields"] == {}
    refused = run("idp", "unmap-group", *rule, "--json")
    assert (refused.status, refused.error["code"]) == (4, "idp.claims.rule_not_found")
    refused = run("idp", "map-claim", "oidc-1", "sub", "title", "--json")
    assert (refused.status, refused.error["code"]) == (2, "idp.claims.protocol_claim")
    assert run("idp", "map-claim", "oidc-1", "x", "company_email").status == 2
    assert run("idp", "map-group", "oidc-1", "roles", "x", "Nobody", "--json").error["code"] == "users.group_not_found"


def test_people_are_added_or_not(entra: IdentityProvider, sales: Group) -> None:
    refused = run("idp", "set-jit", "oidc-1", "--enable", "--json")
    assert (refused.status, refused.error["code"]) == (2, "idp.jit.domains_missing")
    given = ("--domain", "contoso.example", "--state", "active", "--group", "sales")
    shown = run("idp", "set-jit", "oidc-1", "--enable", *given, "--json").json
    assert (shown["jit_enabled"], shown["jit_domains"]) == (True, ["contoso.example"])
    assert (shown["jit_state"], shown["jit_groups"]) == ("active", ["Sales"])
    shown = run("idp", "set-jit", "oidc-1", "--disable", "--json").json
    assert (shown["jit_enabled"], shown["jit_domains"]) == (False, ["contoso.example"])
    assert (shown["jit_state"], shown["jit_groups"]) == ("active", ["Sales"])


def test_a_rule_is_tried_out_on_the_last_rehearsal(
    draft: IdentityProvider, tenant: PracticeTenant, admin_browser: Browser, ada: User, sales: Group
) -> None:
    rule = ("entra", "roles", "Sales.Rep", "Sales")
    assert "No rehearsal of this provider" in run("idp", "map-group", *rule, "--dry-run").out
    with tenant.lying(claims={"roles": ["Sales.Rep"]}):
        rehearse(admin_browser, draft)
    (line,) = run("idp", "map-group", *rule, "--dry-run", "--json").json
    assert (line["person"], line["subject"], line["changes"]) == ("ada@contoso.example", "Sales", True)
    assert line["words"] == "Joins"
    assert not draft.claim_groups.exists()
    refused = run("idp", "map-group", "entra", "oid", "x", "Sales", "--dry-run", "--json")
    assert refused.error["code"] == "idp.claims.protocol_claim"


def test_a_persons_locale_is_set_and_shown(entra: IdentityProvider) -> None:
    added = run("users", "add", "ada@contoso.example", "--locale", "en_gb", "--json")
    assert added.status == 0
    assert run("users", "show", "ada@contoso.example", "--json").json["locale"] == "en-GB"
    refused = run("users", "add", "grace@contoso.example", "--locale", "English", "--json")
    assert (refused.status, refused.error["code"]) == (2, "users.locale_invalid")
