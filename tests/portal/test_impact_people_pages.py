"""The people behind an impact in the Admin Portal: a list with a filter, pages and a file; also of policies."""

import pytest

from idp.models import IdentityProvider
from tests.browsing import Browser
from tests.commands.running import run
from tests.factories import make_person
from tests.idp.test_routing import make_policy, make_provider_row
from tests.idp.test_routing_policies import group_of
from tests.portal.test_home_page import text_of
from users.models import User

pytestmark = pytest.mark.django_db

PROVIDERS = "/admin/directory-integrations/identity-providers/"


@pytest.fixture
def entra(administrator: User) -> IdentityProvider:
    """A draft that nobody is sent to yet."""
    return make_provider_row(1, "draft")


def test_the_dialog_leads_to_the_names_and_the_file(admin_browser: Browser, entra: IdentityProvider) -> None:
    group = group_of(make_person("ann@contoso.example", display_name="Ann"))
    make_person("bea@contoso.example", display_name="Bea")
    asked = f"act=activate&scope=group&group={group.pk}"
    dialog = admin_browser.get(f"{PROVIDERS}{entra.pk}/activate/?scope=group&group={group.pk}").content.decode()
    for name in ("impact/", "impact.csv"):
        assert f'{PROVIDERS}{entra.pk}/{name}?{asked.replace("&", "&amp;")}"' in dialog
    said = text_of(admin_browser.get(f"{PROVIDERS}{entra.pk}/impact/?{asked}"))
    assert "Ann ann@contoso.example Gatehouse password Provider 1 Matched by company email" in said
    assert "Bea bea@contoso.example Gatehouse password Gatehouse password Local, no policy" in said
    assert "Administrators (1)" in said
    only = text_of(admin_browser.get(f"{PROVIDERS}{entra.pk}/impact/?{asked}&who=no_policy"))
    assert "Bea" in only and "ann@contoso.example" not in only
    answer = admin_browser.get(f"{PROVIDERS}{entra.pk}/impact.csv?{asked}")
    assert answer["Content-Type"] == "text/csv; charset=utf-8"
    assert "oidc-1-activate-" in answer["Content-Disposition"]
    assert b'"ann@contoso.example","Ann","active","Gatehouse password","Provider 1","email"' in answer.getvalue()


def test_the_list_is_paged(admin_browser: Browser, entra: IdentityProvider) -> None:
    for number in range(60):
        make_person(f"p{number:02}@contoso.example")
    first = admin_browser.get(f"{PROVIDERS}{entra.pk}/impact/")
    assert first.context["next_url"] and not first.context["first_url"]
    second = admin_browser.get(f"{PROVIDERS}{entra.pk}/impact/{first.context['next_url']}")
    assert [row.person.company_email for row in second.context["rows"]][-1] == "p59@contoso.example"
    assert second.context["first_url"] and not second.context["next_url"]


@pytest.mark.parametrize("query", ["act=nothing", "act=activate&scope=group&group=nowhere"])
def test_what_cannot_be_meant_is_refused(admin_browser: Browser, entra: IdentityProvider, query: str) -> None:
    assert admin_browser.get(f"{PROVIDERS}{entra.pk}/impact/?{query}").status_code in {400, 404}


def test_what_concerns_nobody_says_so(admin_browser: Browser, entra: IdentityProvider) -> None:
    said = text_of(admin_browser.get(f"{PROVIDERS}{entra.pk}/impact/?act=deactivate&who=nonsense&after=%00"))
    assert "Nobody is concerned" in said


def test_a_policy_names_whom_it_moves_before_it_is_confirmed(admin_browser: Browser) -> None:
    entra = make_provider_row(1)
    policy = make_policy(
        entra, groups=(group_of(make_person("ann@contoso.example", display_name="Ann")),), enabled=False
    )
    make_person("bea@contoso.example")
    url = f"{PROVIDERS}routing-policies/{policy.pk}/enable/"
    assert "Who exactly" in text_of(admin_browser.post(url))
    said = text_of(admin_browser.post(url, {"names": "yes", "fingerprint": "x"}))
    assert "Ann ann@contoso.example Gatehouse password Provider 1" in said and "bea@" not in said
    answer = admin_browser.post(url, {"as_csv": "yes", "fingerprint": "x", "understood": "yes"})
    assert b"ann@contoso.example" in answer.getvalue() and b"bea@" not in answer.getvalue()
    policy.refresh_from_db()
    assert not policy.enabled


def test_a_shell_lists_them_too(entra: IdentityProvider) -> None:
    make_person("ann@contoso.example")
    rows = run("idp", "impact", "oidc-1", "--who", "email", "--json").json
    assert [(row["company_email"], row["would_sign_in"]) for row in rows] == [("ann@contoso.example", "Provider 1")]
    assert run("idp", "impact", "oidc-1", "--act", "deactivate").out.strip() == "Nobody is concerned."
