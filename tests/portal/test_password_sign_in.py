"""Signing in to the User Portal and out of it: email first, a password for people outside federation."""

import re

import pytest
from django.http import HttpResponse

from idp.activation import deactivate_provider
from idp.models import IdentityProvider
from tests.browsing import Browser, assert_refused, last_event, parameters
from tests.entra_tenant import PracticeTenant
from tests.factories import OPERATOR, PASSWORD, make_administrator, make_person, make_provider
from users.models import User, UserSession

pytestmark = pytest.mark.django_db


def give_email(browser: Browser, email: str, **further: str) -> HttpResponse:
    return browser.post("/login/", {"email": email, **further})


def give_password(browser: Browser, email: str, password: str, **further: str) -> HttpResponse:
    return browser.post("/login/password/", {"email": email, "password": password, **further})


def anonymised(response: HttpResponse, email: str) -> str:
    """Return a page without what differs from request to request anyway."""
    text = response.content.decode().replace(email, "EMAIL")
    text = re.sub(r'name="csrfmiddlewaretoken" value="\w+"', "CSRF", text)
    return re.sub(r"[0-9A-F]{4}(-[0-9A-F]{4}){2}", "REFERENCE", text)


def test_the_email_leads_to_the_password_and_the_password_home(browser_client: Browser) -> None:
    person = make_person(display_name="Grace Hopper", password=PASSWORD)
    assert give_email(browser_client, person.company_email)["Location"] == "/login/password/"
    assert f'value="{person.company_email}"' in browser_client.get("/login/password/").content.decode()
    assert give_password(browser_client, person.company_email.upper(), PASSWORD)["Location"] == "/"
    home = browser_client.get("/").content.decode()
    assert "Grace Hopper" in home and "your Gatehouse password" in home
    assert last_event(action="portal.sign_in.succeeded").details["method"] == "password"


def test_the_page_asked_for_is_kept_through_both_steps(browser_client: Browser) -> None:
    person = make_person(password=PASSWORD)
    assert browser_client.get("/security/")["Location"] == "/login/?next=%2Fsecurity%2F"
    step = give_email(browser_client, person.company_email, next="/security/")["Location"]
    assert step == "/login/password/?next=%2Fsecurity%2F"
    assert 'name="next" value="/security/"' in browser_client.get(step).content.decode()
    assert give_password(browser_client, person.company_email, PASSWORD, next="/security/")["Location"] == "/security/"


@pytest.mark.parametrize(
    "elsewhere",
    [
        "https://evil.example/",
        "//evil.example",
        "///evil.example",
        "/\\evil.example",
        "/%5cevil.example",
        "javascript:x",
    ]
    + [
        "/\tevil",
        "/%09/evil.example",
        "/%2f%2fevil.example",
        "evil.example",
        "/a\x00",
        "/" + "x" * 3000,
        "http:/evil.example",
    ],
)
def test_it_leads_to_no_other_site(elsewhere: str, browser_client: Browser) -> None:
    person = make_person(password=PASSWORD)
    assert give_email(browser_client, person.company_email, next=elsewhere)["Location"] == "/login/password/"
    assert give_password(browser_client, person.company_email, PASSWORD, next=elsewhere)["Location"] == "/"
    assert browser_client.get("/login/", {"next": elsewhere})["Location"] == "/"


def test_without_federation_every_email_gets_the_same_answer(administrator: User, browser_client: Browser) -> None:
    emails = [make_person(password=PASSWORD).company_email, "nobody@contoso.example", administrator.company_email]
    answers = [give_email(browser_client, email) for email in emails]
    assert {(answer.status_code, answer["Location"]) for answer in answers} == {(302, "/login/password/")}


def test_under_federation_every_email_gets_the_same_answer(
    provider: IdentityProvider, administrator: User, ada: User
) -> None:
    shapes = set()
    for email in (ada.company_email, "nobody@contoso.example", administrator.company_email):
        answer = give_email(Browser(), email)
        given = parameters(answer["Location"])
        assert given.pop("login_hint") == email
        shapes.add((answer.status_code, answer["Location"].partition("?")[0], tuple(sorted(given))))
    assert len(shapes) == 1


@pytest.mark.parametrize("federated", [False, True])
def test_every_wrong_password_gets_the_same_page(federated: bool, request: pytest.FixtureRequest) -> None:
    administrator, person, without = make_administrator(), make_person(password=PASSWORD), make_person()
    if federated:
        request.getfixturevalue("provider")
    pages = set()
    for email in (person.company_email, without.company_email, "nobody@contoso.example", administrator.company_email):
        response = give_password(Browser(), email, "not the password")
        pages.add((response.status_code, anonymised(response, email)))
        assert response.status_code == 401
    assert len(pages) == 1


def test_a_federated_person_is_pointed_to_the_provider(
    administrator: User, tenant: PracticeTenant, browser_client: Browser
) -> None:
    person = make_person(password=PASSWORD)
    provider = make_provider(tenant)
    refused = give_password(browser_client, person.company_email, PASSWORD)
    page = refused.content.decode()
    assert refused.status_code == 401 and not browser_client.is_signed_in
    assert f"Continue with {provider.name}" in page and 'href="/oauth/login/entra/"' in page
    event = last_event(action="portal.sign_in.failed")
    assert event.error_code == "users.password_managed_externally"
    wrong = give_password(browser_client, person.company_email, "wrong-wrong-wrong")
    assert anonymised(wrong, "@@") == anonymised(refused, "@@"), "it would tell which password was right"
    deactivate_provider(actor=OPERATOR, provider=provider)
    assert give_password(browser_client, person.company_email, PASSWORD)["Location"] == "/"


def test_an_administrator_keeps_the_password_under_federation(
    provider: IdentityProvider, administrator: User, browser_client: Browser
) -> None:
    assert give_password(browser_client, administrator.company_email, PASSWORD)["Location"] == "/"
    assert browser_client.is_signed_in and not browser_client.is_administering


def test_too_many_failures_lock_with_a_clear_page(browser_client: Browser) -> None:
    person = make_person(password=PASSWORD)
    for _ in range(5):
        give_password(browser_client, person.company_email, "wrong")
    locked = give_password(browser_client, person.company_email, PASSWORD)
    assert locked.status_code == 429
    assert_refused(locked, "portal.sign_in_locked")


def test_a_person_without_a_password_cannot_sign_in_with_any(browser_client: Browser) -> None:
    person = make_person()
    for guess in ("!", person.password, "None", " "):
        assert give_password(Browser(), person.company_email, guess).status_code in {401, 422}


def test_whoever_is_signed_in_is_not_asked_again(browser_client: Browser) -> None:
    browser_client.sign_in_with_password(make_person(password=PASSWORD))
    assert browser_client.get("/login/")["Location"] == "/"
    assert browser_client.get("/login/", {"next": "/profile/"})["Location"] == "/profile/"


def test_pages_show_the_person_and_her_sessions(browser_client: Browser) -> None:
    person = make_person(display_name="Grace Hopper", user_name="grace", password=PASSWORD)
    browser_client.sign_in_with_password(person)
    profile, security = (browser_client.get(path).content.decode() for path in ("/profile/", "/security/"))
    assert all(text in profile for text in ("Grace Hopper", person.company_email, "grace"))
    assert "Kept by Gatehouse" in security and "This one" in security and "127.0.0.1" in security


def test_signing_out_here_ends_the_session(browser_client: Browser) -> None:
    person = make_person(password=PASSWORD)
    browser_client.sign_in_with_password(person)
    key = browser_client.session_cookie
    assert browser_client.post("/logout/")["Location"] == "/signed-out/"
    assert browser_client.get("/signed-out/", {"state": "x"}).status_code == 200
    browser_client.cookies["gatehouse_session"] = key
    assert not browser_client.is_signed_in and not UserSession.objects.filter(person=person).exists()
    assert last_event(action="portal.sign_out").actor_id == person.pk


def test_signing_out_goes_on_to_the_provider_with_hint_and_way_back(
    provider: IdentityProvider, tenant: PracticeTenant, ada: User, browser_client: Browser
) -> None:
    browser_client.federated_sign_in()
    location = browser_client.post("/logout/")["Location"]
    assert location.partition("?")[0] == tenant.end_session_endpoint
    given = parameters(location)
    assert given["post_logout_redirect_uri"] == "http://127.0.0.1:8000/signed-out/"
    assert given["logout_hint"] and given["client_id"] == provider.client_id
    assert not browser_client.is_signed_in


def test_without_a_hint_signing_out_at_the_provider_works_too(
    administrator: User, plain_tenant: PracticeTenant, ada: User, browser_client: Browser
) -> None:
    make_provider(plain_tenant)
    browser_client.federated_sign_in()
    given = parameters(browser_client.post("/logout/")["Location"])
    assert given["post_logout_redirect_uri"] and "logout_hint" not in given


def test_a_provider_without_an_address_for_it_is_not_asked(
    administrator: User, tenant: PracticeTenant, ada: User, browser_client: Browser
) -> None:
    with tenant.lying(drop_discovery=("end_session_endpoint",)):
        make_provider(tenant)
    browser_client.federated_sign_in()
    assert browser_client.post("/logout/")["Location"] == "/signed-out/"


def test_signing_out_works_after_the_provider_was_deleted(
    provider: IdentityProvider, ada: User, browser_client: Browser
) -> None:
    browser_client.federated_sign_in()
    IdentityProvider.objects.all().delete()  # past the service that ends sessions
    assert browser_client.post("/logout/")["Location"] == "/signed-out/"
    assert not browser_client.is_signed_in


def test_signing_out_twice_or_without_a_session_is_no_error(browser_client: Browser) -> None:
    assert [browser_client.post("/logout/")["Location"] for _ in range(2)] == ["/signed-out/"] * 2
