"""The page of a provider's claims: rules with their preview, and whom the provider adds."""

from datetime import timedelta
from typing import Any

import pytest
from django.http import HttpResponse
from django.utils import timezone

from idp import activation
from idp.claim_rules import add_claim_group
from idp.models import ClaimGroup, ClaimMapping, ClaimOverage, IdentityProvider
from tests.browsing import Browser
from tests.entra_tenant import PracticeTenant
from tests.factories import OPERATOR
from tests.idp.rehearsing import PROVIDERS, rehearse
from tests.idp.test_routing import make_policy
from users.groups import add_group
from users.models import Group, User


@pytest.fixture
def sales(db: None) -> Group:
    return add_group(actor=OPERATOR, name="Sales")


def post(browser: Browser, provider: IdentityProvider, act: str, **data: Any) -> HttpResponse:
    return browser.post(f"{PROVIDERS}{provider.pk}/claims/{act}/", data)


def text_of(response: HttpResponse) -> str:
    return " ".join(response.content.decode().split())


def page(browser: Browser, provider: IdentityProvider) -> str:
    response = browser.get(f"{PROVIDERS}{provider.pk}/claims/")
    assert response.status_code == 200
    return text_of(response)


def test_a_field_is_mapped_and_unmapped(draft: IdentityProvider, admin_browser: Browser) -> None:
    assert post(admin_browser, draft, "map", field="title", claim="jobTitle").status_code == 302
    shown = page(admin_browser, draft)
    assert "Job title is kept by a claim" in shown and "jobTitle" in shown
    refused = post(admin_browser, draft, "map", field="title", claim="oid")
    assert refused.status_code == 422 and "belongs to the sign-in itself" in text_of(refused)
    assert post(admin_browser, draft, "unmap/title").status_code == 302
    assert not ClaimMapping.objects.exists()
    assert post(admin_browser, draft, "unmap/company_email").status_code == 400


def test_a_rule_is_previewed_before_it_is_stored(
    draft: IdentityProvider, tenant: PracticeTenant, admin_browser: Browser, ada: User, sales: Group
) -> None:
    given = {"claim": "roles", "value": "Sales.Rep", "group": "sales"}
    asked = post(admin_browser, draft, "add-group", **given)
    assert asked.status_code == 200 and "There is no rehearsal to try it out on" in text_of(asked)
    with tenant.lying(claims={"roles": ["Sales.Rep"]}):
        rehearse(admin_browser, draft)
    asked = text_of(post(admin_browser, draft, "add-group", **given))
    assert "Ada Lovelace (ada@contoso.example) would change" in asked and "<strong>Joins</strong>" in asked
    assert "A routing policy names this group" not in asked
    assert not ClaimGroup.objects.exists()
    assert post(admin_browser, draft, "add-group", **given, seen="1").status_code == 302
    assert ClaimGroup.objects.get().group == sales
    make_policy(draft, groups=(sales,))
    assert "Routing policies name groups that claims fill" in page(admin_browser, draft)
    assert "A routing policy names this group" in text_of(post(admin_browser, draft, "add-group", **given))
    again = post(admin_browser, draft, "add-group", **given, seen="1")
    assert again.status_code == 422 and "There is this rule already" in text_of(again)
    unknown = post(admin_browser, draft, "add-group", **given | {"group": "Nobody"})
    assert unknown.status_code == 422 and "There is no group Nobody." in text_of(unknown)
    assert post(admin_browser, draft, "add-group", **given | {"claim": "sub"}).status_code == 422
    assert post(admin_browser, draft, f"remove-group/{ClaimGroup.objects.get().pk}").status_code == 302
    assert not ClaimGroup.objects.exists()


def test_many_rules_are_paged(draft: IdentityProvider, admin_browser: Browser, sales: Group) -> None:
    ClaimGroup.objects.bulk_create(
        ClaimGroup(provider=draft, claim="roles", value=f"role-{number:03}", group=sales) for number in range(30)
    )
    assert "role-014" in page(admin_browser, draft) and "role-015" not in page(admin_browser, draft)
    second = admin_browser.get(f"{PROVIDERS}{draft.pk}/claims/?after=15").content.decode()
    assert "role-015" in second and "role-014" not in second
    assert admin_browser.get(f"{PROVIDERS}{draft.pk}/claims/?after=-1").status_code == 200


def test_new_people_are_switched_on_with_limits(draft: IdentityProvider, admin_browser: Browser, sales: Group) -> None:
    given = {"enabled": "on", "domains": "contoso.example", "state": "active", "groups": "sales\nSales"}
    assert post(admin_browser, draft, "new-people", **given, revision=draft.revision).status_code == 302
    draft.refresh_from_db()
    assert (draft.jit_enabled, draft.jit_domains, draft.jit_state) == (True, ["contoso.example"], "active")
    assert list(draft.jit_groups.values_list("group__name", flat=True)) == ["Sales"]
    stale = post(admin_browser, draft, "new-people", **given, revision=draft.revision - 1)
    assert stale.status_code == 422
    none = post(admin_browser, draft, "new-people", **given | {"domains": ""}, revision=draft.revision)
    assert none.status_code == 422 and "Say for which email domains" in text_of(none)
    listed = text_of(admin_browser.get(f"{PROVIDERS}{draft.pk}/"))
    assert "Added at their first sign-in, active, with an email of contoso.example" in listed


def test_overage_is_said_on_the_providers_pages_while_rules_ask_for_the_claim(
    provider: IdentityProvider, admin_browser: Browser, sales: Group
) -> None:
    overage = ClaimOverage.objects.create(provider=provider, claim="groups")
    places = ("/admin/", f"{PROVIDERS}{provider.pk}/", f"{PROVIDERS}{provider.pk}/claims/")

    def told() -> list[bool]:
        return ["assigned to the application" in text_of(admin_browser.get(place)) for place in places]

    assert told() == [False] * 3
    add_claim_group(actor=OPERATOR, provider=provider, claim="groups", value="s", group=sales)
    assert told() == [True] * 3
    ClaimOverage.objects.filter(pk=overage.pk).update(last_at=timezone.now() - timedelta(days=15))
    assert told() == [False] * 3


def test_an_archived_provider_keeps_its_rules_and_takes_no_new_ones(
    provider: IdentityProvider, admin_browser: Browser, sales: Group
) -> None:
    add_claim_group(actor=OPERATOR, provider=provider, claim="groups", value="s", group=sales)
    activation.archive_provider(actor=OPERATOR, provider=provider)
    shown = page(admin_browser, provider)
    assert "It is archived" in shown and "Sales" in shown and "Preview the rule" not in shown
    assert post(admin_browser, provider, "map", field="title", claim="jobTitle").status_code == 422
