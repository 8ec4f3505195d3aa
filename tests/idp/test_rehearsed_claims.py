"""What a rehearsal says of claims: a diff of the person's fields and groups, overage, and who would be added."""

from typing import Any

from idp.claim_rules import JitInput, add_claim_group, map_claim, set_jit
from idp.models import IdentityProvider, Rehearsal
from tests.browsing import Browser
from tests.entra_tenant import PracticeTenant
from tests.factories import OPERATOR, make_administrator
from tests.idp.rehearsing import PROVIDERS, rehearse, traces
from users.groups import add_group, add_members
from users.models import AuditEvent, Group, GroupMembership, User

OVERAGE = {"_claim_names": {"groups": "src1"}, "_claim_sources": {"src1": {"endpoint": "https://graph.example/x"}}}


def rules(provider: IdentityProvider, **groups: str) -> None:
    """Map title and department, and put bearers of roles into groups: `Sales="Sales.Rep"`."""
    for field in ("title", "department", "given_name"):
        map_claim(actor=OPERATOR, provider=provider, field=field, claim=field)
    for name, value in groups.items():
        group = Group.objects.filter(name=name).first() or add_group(actor=OPERATOR, name=name)
        add_claim_group(actor=OPERATOR, provider=provider, claim="roles", value=value, group=group)


def page_of(browser: Browser, provider: IdentityProvider, done: Rehearsal) -> str:
    page = browser.get(f"{PROVIDERS}{provider.pk}/rehearsals/{done.pk}/").content.decode()
    return " ".join(page.split())


def outcomes(rows: list[dict[str, Any]], name: str) -> dict[str, str]:
    return {row[name]: row["outcome"] for row in rows}


def test_a_diff_is_shown_and_nothing_is_written(
    draft: IdentityProvider, tenant: PracticeTenant, admin_browser: Browser, ada: User
) -> None:
    by_hand = add_group(actor=OPERATOR, name="By hand")
    add_members(actor=OPERATOR, group=by_hand, people=[ada.pk])
    rules(draft, Sales="Sales.Rep", Staff="Staff")
    add_claim_group(actor=OPERATOR, provider=draft, claim="roles", value="x", group=by_hand)
    before, memberships, events = traces(), list(GroupMembership.objects.values()), AuditEvent.objects.count()
    with tenant.lying(claims={"title": "Countess", "department": 7, "roles": ["Sales.Rep"]}):
        done = rehearse(admin_browser, draft)
    assert (traces(), list(GroupMembership.objects.values())) == (before, memberships)
    assert AuditEvent.objects.count() == events + 1
    fields = outcomes(done.changes["fields"], "field")
    assert fields == {"title": "changes", "department": "unusable", "given_name": "changes"}
    groups = outcomes(done.changes["groups"], "group")
    assert groups == {"By hand": "by_administrator", "Sales": "joins", "Staff": "outside"}
    page = page_of(admin_browser, draft, done)
    assert "<del>empty</del> → <ins>Countess</ins>" in page
    assert "the claim holds something else than text" in page and "an administrator put them there" in page
    assert done.sent["roles"] == ["Sales.Rep"] and "oid" not in done.sent


def test_overage_is_said_loudly_also_of_an_administrators_account(
    draft: IdentityProvider, tenant: PracticeTenant, admin_browser: Browser
) -> None:
    make_administrator(email="ada@contoso.example")
    with tenant.lying(claims=OVERAGE):
        done = rehearse(admin_browser, draft)
    assert done.changes == {"left_out": ["groups"]}
    page = page_of(admin_browser, draft, done)
    assert "Groups overage" in page and "use app roles in place of groups" in page


def test_who_would_be_added_is_shown_and_not_added(
    draft: IdentityProvider, tenant: PracticeTenant, admin_browser: Browser
) -> None:
    rules(draft, Sales="Sales.Rep")
    given = JitInput(True, ["contoso.example"], groups=[add_group(actor=OPERATOR, name="New people")])
    draft = set_jit(actor=OPERATOR, provider=draft, given=given)
    tenant.auto_sign_in = "claude@contoso.example"
    people = User.objects.count()
    with tenant.lying(claims={"title": "Professor", "roles": "Sales.Rep"}):
        done = rehearse(admin_browser, draft)
    assert User.objects.count() == people
    assert (done.succeeded, done.verdict["rule"], done.verdict["email"]) == (True, "created", "claude@contoso.example")
    assert done.changes["new_person"]["groups"] == ["New people"]
    assert outcomes(done.changes["groups"], "group") == {"Sales": "joins"}
    page = page_of(admin_browser, draft, done)
    assert "Claude Shannon would be added" in page and "waits until an administrator activates it" in page
    assert "Professor" in page and "New people" in page
    listed = admin_browser.get(f"{PROVIDERS}{draft.pk}/").content.decode()
    assert "Claude Shannon would be added" in listed


def test_somebody_outside_the_domains_would_not_be_added(
    draft: IdentityProvider, tenant: PracticeTenant, admin_browser: Browser
) -> None:
    draft = set_jit(actor=OPERATOR, provider=draft, given=JitInput(True, ["fabrikam.example"]))
    tenant.auto_sign_in = "claude@contoso.example"
    done = rehearse(admin_browser, draft)
    assert (done.succeeded, done.verdict["code"]) == (False, "federation.no_match")
