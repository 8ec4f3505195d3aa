"""Identity Providers > People and links, as an administrator's browser sees it."""

import re
from uuid import uuid4

import pytest
from django.http import HttpResponse

from idp import links, pending_links
from idp.federation_errors import NoMatch
from idp.models import FederatedIdentity, IdentityProvider, PendingLink
from idp.protocol.types import IdTokenClaims
from tests.browsing import Browser, error_code
from tests.entra_tenant import PracticeTenant
from tests.factories import OPERATOR, PASSWORD, make_administrator, make_person, make_provider
from tests.idp.conformance.support import warm_up
from users.models import AdminRole, State, User

pytestmark = pytest.mark.django_db

INDEX = "/admin/directory-integrations/identity-providers/"
ADA, GRACE = "ada@contoso.example", "grace@contoso.example"
OID = "1b4e28ba-2fa1-11d2-883f-0016d3cca427"


def url(provider: IdentityProvider, path: str = "") -> str:
    return f"{INDEX}{provider.pk}/links/{path}"


def text_of(response: HttpResponse) -> str:
    """Return a page's text, with each run of blanks as one."""
    return " ".join(response.content.decode().replace("<wbr>", "").split())


def hidden(response: HttpResponse, name: str) -> str:
    found = re.search(rf'name="{name}"\s+value="([^"]*)"', response.content.decode())
    assert found, name
    return found[1]


def pre_link(provider: IdentityProvider, person: User, object_id: str = OID) -> FederatedIdentity:
    return links.pre_link_person(actor=OPERATOR, provider=provider, person=person, object_id=object_id)


def came(provider: IdentityProvider, subject: str, email: str = "x@example.com", error: NoMatch | None = None) -> None:
    claims = IdTokenClaims(
        issuer=provider.issuer, subject=subject, audience=("x",), issued_at=1, expires_at=2, email=email
    )
    pending_links.note(provider, claims, error or NoMatch(emails=[email]))


# --- the provider's page ---------------------------------------------------------------------------------------------


def test_the_provider_page_lists_its_domains_with_who_is_in_them(
    tenant: PracticeTenant, admin_browser: Browser
) -> None:
    provider = make_provider(tenant, email_domains=["contoso.example", "fabrikam.example"])
    for email in ("a@contoso.example", "b@contoso.example", "c@elsewhere.example"):
        make_person(email)
    came(provider, "1")
    page = text_of(admin_browser.get(f"{INDEX}{provider.pk}/"))
    assert "contoso.example: 2 active people" in page
    assert "fabrikam.example: 0 active people" in page
    assert "1 active person is outside of them, and cannot be linked by email." in page
    assert "1 account came and matched nobody" in page
    assert f'href="{url(provider)}"' in page
    assert f'href="{INDEX}{provider.pk}/edit/#id_email_domains"' in page


def test_without_domains_anybody_may_be_linked(provider: IdentityProvider, admin_browser: Browser) -> None:
    page = text_of(admin_browser.get(f"{INDEX}{provider.pk}/"))
    assert "Any: whoever has a company email here may be linked by it" in page
    assert "None: whoever came was matched" in page


# --- the two tables --------------------------------------------------------------------------------------------------


def test_the_empty_page_says_what_will_be_here(provider: IdentityProvider, admin_browser: Browser) -> None:
    page = text_of(admin_browser.get(url(provider)))
    assert "Nobody waits" in page and "Nobody is linked yet" in page


def test_it_shows_who_came_and_why_she_was_not_matched(
    tenant: PracticeTenant, provider: IdentityProvider, admin_browser: Browser
) -> None:
    for _ in range(2):
        Browser().federated_sign_in(ADA)
    page = text_of(admin_browser.get(url(provider)))
    assert f"Nobody here has the company email {ADA}." in page
    assert "Add the person with this company email" in page
    assert tenant.person(ADA).oid in page and "2 times since" in page


def test_it_shows_links_with_how_they_came_about(
    tenant: PracticeTenant, provider: IdentityProvider, ada: User, admin_browser: Browser
) -> None:
    warm_up(tenant)
    pre_link(provider, make_person(GRACE, display_name="Grace Hopper", state=State.STAGED))
    page = text_of(admin_browser.get(url(provider)))
    assert "Ada Lovelace" in page and "Company email" in page and tenant.person(ADA).oid in page
    assert "Grace Hopper" in page and "Pre-linked" in page and "Has not come yet" in page and "Staged" in page


def test_it_warns_of_links_to_a_former_issuer(provider: IdentityProvider, admin_browser: Browser) -> None:
    pre_link(provider, make_person())
    FederatedIdentity.objects.update(issuer="https://former.example")
    page = text_of(admin_browser.get(url(provider)))
    assert "Some links belong to a former issuer" in page and "Former issuer" in page
    assert "Some belong to a former issuer" in text_of(admin_browser.get(f"{INDEX}{provider.pk}/"))


def test_it_searches_sorts_and_pages(provider: IdentityProvider, admin_browser: Browser) -> None:
    for number in range(52):
        pre_link(provider, make_person(f"p{number:02}@contoso.example"), str(uuid4()))
    query, seen = "?sort=email&search=p", []
    while query:
        page = admin_browser.get(url(provider) + query).content.decode()
        seen += re.findall(r'<p class="small">(p\d\d)@', page)
        following = re.findall(r'rel="next" href="([^"]+)"', page)
        query = following[0].replace("&amp;", "&") if following else ""
    assert seen == [f"p{number:02}" for number in range(52)]
    assert "p07@" in text_of(admin_browser.get(url(provider), {"search": "P07"}))
    nothing = text_of(admin_browser.get(url(provider), {"search": "nobody"}))
    assert "Nobody fits this search" in nothing and "Show all" in nothing


@pytest.mark.parametrize(
    "value",
    [
        *("\x00", "x" * 5000, "' OR 1=1 --", "%", "\u202e", "<b>", "~", f"never~{OID}"),
        *(f"0001-01-01T00:00:00+14:00~{OID}", f"9999-12-31T23:59:59-14:00~{OID}", f"2026-01-01T00:00:00~{OID}"),
    ],
)
@pytest.mark.parametrize("name", ["search", "sort", "after", "pending", "pending_after"])
def test_a_forged_address_is_harmless(
    name: str, value: str, provider: IdentityProvider, admin_browser: Browser
) -> None:
    pre_link(provider, make_person())
    came(provider, "1")
    response = admin_browser.get(url(provider), {name: value})
    assert response.status_code == 200
    assert "<b>" not in response.content.decode()


def test_pending_accounts_are_paged(provider: IdentityProvider, admin_browser: Browser) -> None:
    for number in range(15):
        came(provider, f"{number:02}", f"x{number:02}@example.com")
    first = admin_browser.get(url(provider)).content.decode()
    second = re.findall(r'rel="next" href="([^"]+)"', first)[0].replace("&amp;", "&")
    shown = re.findall(r'mono muted small">(\d\d)<', first)
    shown += re.findall(r'mono muted small">(\d\d)<', admin_browser.get(url(provider) + second).content.decode())
    assert shown == [f"{number:02}" for number in reversed(range(15))]


def test_a_stranger_s_words_are_shown_escaped(provider: IdentityProvider, admin_browser: Browser) -> None:
    came(provider, "<script>1</script>", "<img src=x>")
    waiting = PendingLink.objects.get()
    for path in ("", f"pending/{waiting.pk}/"):
        page = admin_browser.get(url(provider, path)).content.decode()
        assert "<script>1" not in page and "<img src" not in page and "&lt;img src" in page


# --- resolving -------------------------------------------------------------------------------------------------------


def test_a_pending_account_is_linked_in_three_steps(
    tenant: PracticeTenant, provider: IdentityProvider, admin_browser: Browser, browser_client: Browser
) -> None:
    sign_in = Browser()
    sign_in.federated_sign_in(ADA)
    person = make_person("countess@lovelace.example", display_name="Countess Lovelace")
    where = url(provider, f"pending/{PendingLink.objects.get().pk}/")
    assert where in text_of(admin_browser.get(url(provider)))
    chooser = text_of(admin_browser.get(where, {"person": "countess"}))
    assert "Is it this person?" in chooser and "Countess Lovelace" in chooser
    page = admin_browser.get(where, {"person": person.company_email})
    assert "Yes, link Countess Lovelace" in text_of(page)
    assert not FederatedIdentity.objects.exists()
    response = admin_browser.post(where, {"person": hidden(page, "person")}, follow=True)
    assert "Countess Lovelace is linked to this account from now on." in text_of(response)
    assert sign_in.federated_sign_in(ADA).status_code == 303
    assert admin_browser.get(where).status_code == 404


def test_the_person_whom_the_facts_name_is_suggested(
    tenant: PracticeTenant, provider: IdentityProvider, admin_browser: Browser
) -> None:
    make_person(ADA, state=State.STAGED, display_name="Ada Lovelace")
    Browser().federated_sign_in(ADA)
    page = text_of(admin_browser.get(url(provider, f"pending/{PendingLink.objects.get().pk}/")))
    assert "Yes, link Ada Lovelace" in page and "used once the person is active" in page


def test_a_beginning_offers_people_to_choose_from(provider: IdentityProvider, admin_browser: Browser) -> None:
    came(provider, "1")
    where = url(provider, f"pending/{PendingLink.objects.get().pk}/")
    one, two = make_person("grace.a@contoso.example"), make_person("grace.b@contoso.example")
    page = text_of(admin_browser.get(where, {"person": "Grace."}))
    assert f'href="?person={one.pk}"' in page and f'href="?person={two.pk}"' in page
    nobody = admin_browser.get(where, {"person": "nobody"})
    assert nobody.status_code == 422 and "There is no person nobody." in text_of(nobody)
    assert "Say whom you mean." in text_of(admin_browser.get(where, {"person": ""}))
    assert "Say whom you mean." not in text_of(admin_browser.get(where))


def test_what_stands_in_the_way_is_said_before_the_act_and_at_it(
    provider: IdentityProvider, admin_browser: Browser, administrator: User
) -> None:
    came(provider, "1")
    where = url(provider, f"pending/{PendingLink.objects.get().pk}/")
    linked = make_person()
    pre_link(provider, linked)
    for person, words in ((administrator, "administrators never sign in"), (linked, "linked to another account")):
        page = text_of(admin_browser.get(where, {"person": person.company_email}))
        assert words in page and "Yes, link" not in page
        refused = admin_browser.post(where, {"person": person.pk})
        assert refused.status_code == 409 and words in text_of(refused)
    assert admin_browser.post(where, {"person": "nobody"}).status_code == 404
    assert FederatedIdentity.objects.get().person == linked


def test_dismissed_accounts_can_be_seen_and_restored(provider: IdentityProvider, admin_browser: Browser) -> None:
    came(provider, "1", "stranger@example.com")
    where = url(provider, f"pending/{PendingLink.objects.get().pk}/")
    page = text_of(admin_browser.post(f"{where}dismiss/", follow=True))
    assert "stays off the list" in page and "1 dismissed" in page and "Nobody waits" in page
    assert "stranger@example.com" in text_of(admin_browser.get(url(provider), {"pending": "dismissed"}))
    page = text_of(admin_browser.post(f"{where}restore/", follow=True))
    assert "is on the list again" in page and "Nobody waits" not in page


# --- before the first sign-in ----------------------------------------------------------------------------------------


def test_a_person_is_pre_linked_after_a_look_at_who_that_is(
    tenant: PracticeTenant, provider: IdentityProvider, ada: User, admin_browser: Browser
) -> None:
    where = url(provider, "pre-link/")
    assert "Object ID" in text_of(admin_browser.get(where))
    page = admin_browser.get(where, {"person": "ada", "object_id": OID.upper()})
    assert "Yes, link Ada Lovelace" in text_of(page) and f"{tenant.tenant_id}.{OID}" in text_of(page)
    given = {"person": hidden(page, "person"), "object_id": hidden(page, "object_id")}
    assert admin_browser.post(where, given)["Location"] == url(provider)
    assert FederatedIdentity.objects.get().rule == "pre_link"
    again = admin_browser.get(where, {"person": GRACE, "object_id": OID})
    assert again.status_code == 422
    make_person(GRACE)
    assert f"This account is linked to {ADA} already." in text_of(
        admin_browser.get(where, {"person": GRACE, "object_id": OID})
    )


def test_a_wrong_object_id_is_said_beside_its_field(provider: IdentityProvider, ada: User) -> None:
    browser = Browser()
    browser.sign_in_as_administrator(make_administrator())
    page = browser.get(url(provider, "pre-link/"), {"person": "ada", "object_id": "nope"})
    assert page.status_code == 422
    assert "This is not an object ID of Entra." in text_of(page).split('id="id_object_id_error"')[1][:400]
    refused = browser.post(url(provider, "pre-link/"), {"person": "ada", "object_id": "nope"})
    assert refused.status_code == 422 and "This is not an object ID of Entra." in text_of(refused)


def test_other_kinds_have_subjects(plain_tenant: PracticeTenant, admin_browser: Browser, ada: User) -> None:
    provider = make_provider(plain_tenant)
    assert "Subject (sub)" in text_of(admin_browser.get(url(provider, "pre-link/")))
    admin_browser.post(url(provider, "pre-link/"), {"person": "ada", "object_id": "S|1"})
    assert FederatedIdentity.objects.get().subject == "S|1"
    assert "gives each application" in text_of(admin_browser.get(url(provider, "relink/"))).replace("give ", "gives ")


# --- unlinking and linking anew --------------------------------------------------------------------------------------


def test_unlinking_says_what_it_means_and_ends_sessions(
    tenant: PracticeTenant, provider: IdentityProvider, ada: User, admin_browser: Browser
) -> None:
    person = warm_up(tenant)
    where = url(provider, f"{FederatedIdentity.objects.get().pk}/unlink/")
    page = text_of(admin_browser.get(where))
    assert "1 session that Contoso Entra opened ends now." in page and "This keeps nobody out" in page
    assert "1 session ended." in text_of(admin_browser.post(where, follow=True))
    assert not person.is_signed_in
    gone = admin_browser.post(where)
    assert (gone.status_code, error_code(gone)) == (404, "idp.link.not_found")


def test_links_are_forgotten_after_the_impact_was_seen(provider: IdentityProvider, admin_browser: Browser) -> None:
    pre_link(provider, make_person(display_name="Ada Lovelace"))
    where = url(provider, "forget/")
    assert "A new app registration in the same tenant needs none of this" in text_of(
        admin_browser.get(url(provider, "relink/"))
    )
    assert "Yes, forget them" not in text_of(admin_browser.get(where, {"scope": "former"}))
    page = admin_browser.get(where, {"scope": "all"})
    assert "1 </span>" in text_of(page) or "can be linked again by company email" in text_of(page)
    given = {"scope": hidden(page, "scope"), "fingerprint": hidden(page, "fingerprint")}
    unticked = admin_browser.post(where, given)
    assert unticked.status_code == 400 and "the impact was not confirmed" in text_of(unticked)
    pre_link(provider, make_person(), str(uuid4()))
    stale = admin_browser.post(where, {**given, "understood": "yes"})
    assert stale.status_code == 409 and "Things have changed" in text_of(stale)
    assert FederatedIdentity.objects.count() == 2
    fresh = {"scope": "all", "fingerprint": hidden(stale, "fingerprint"), "understood": "yes"}
    assert "2 links forgotten." in text_of(admin_browser.post(where, fresh, follow=True))
    assert not FederatedIdentity.objects.exists()


def test_links_are_mapped_after_the_lines_were_checked(provider: IdentityProvider, admin_browser: Browser) -> None:
    person = make_person()
    pre_link(provider, person)
    new, where = str(uuid4()), url(provider, "map/")
    assert "Lines" in text_of(admin_browser.get(where))
    assert "Paste at least one line." in text_of(admin_browser.post(where, {"lines": ""}))
    wrong = admin_browser.post(where, {"lines": f"{OID},nope\nx,y,z"})
    assert wrong.status_code == 422
    assert "line 1: nope is not an object ID of Entra" in text_of(wrong) and "line 2: two values" in text_of(wrong)
    lines = f"\r\n{person.company_email},{new}\r\n"
    page = admin_browser.post(where, {"lines": lines})
    assert "link goes over to the new account" in text_of(page)
    given = {"lines": lines, "fingerprint": hidden(page, "fingerprint")}
    assert admin_browser.post(where, given).status_code == 400
    stale = admin_browser.post(where, {**given, "lines": f"{OID},{uuid4()}", "understood": "yes"})
    assert stale.status_code == 409 and "Things have changed" in text_of(stale)
    assert FederatedIdentity.objects.get().subject.endswith(OID)
    assert admin_browser.post(where, {**given, "understood": "yes"})["Location"] == url(provider)
    assert FederatedIdentity.objects.get().subject.endswith(new)


def test_readers_see_the_tables_without_their_buttons(
    tenant: PracticeTenant, provider: IdentityProvider, ada: User
) -> None:
    warm_up(tenant)
    came(provider, "1")
    reader = Browser()
    reader.sign_in_as_administrator(make_administrator(AdminRole.READ_ONLY), PASSWORD)
    page = text_of(reader.get(url(provider)))
    assert "Ada Lovelace" in page and "x@example.com" in page
    for button in ("Unlink", "Dismiss", "Link a person", "Re-link", ">Link<"):
        assert button not in page
    assert "#id_email_domains" not in text_of(reader.get(f"{INDEX}{provider.pk}/"))
