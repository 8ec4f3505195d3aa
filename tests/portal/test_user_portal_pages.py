"""Home, profile and security: what people see of themselves, what is theirs to change, and why the rest is not."""

import re

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from idp.models import IdentityProvider
from tests.browsing import Browser, assert_refused
from tests.factories import OPERATOR, PASSWORD, make_administrator, make_person
from users.models import AuditEvent, Group, GroupMembership, User
from users.organization_profile import set_support

pytestmark = pytest.mark.django_db

FIREFOX = "Mozilla/5.0 (Windows NT 10.0; Win64; x64; rv:140.0) Gecko/20100101 Firefox/140.0"


@pytest.fixture
def local(db: None) -> User:
    """A person with a password of her own."""
    person = make_person("ada@contoso.example", display_name="Ada Lovelace", password=PASSWORD)
    User.objects.filter(pk=person.pk).update(title="Analyst", department="Engines", phone_number="4711")
    GroupMembership.objects.create(group=Group.objects.create(name="Everybody"), person=person)
    return person


@pytest.fixture
def browser(local: User) -> Browser:
    """A browser in which she is signed in."""
    browser = Browser(headers={"user-agent": FIREFOX}, REMOTE_ADDR="203.0.113.7")
    browser.sign_in_with_password(local)
    return browser


def words(browser: Browser, path: str) -> str:
    """Return what a page says, in one line."""
    main = browser.get(path).content.decode().partition("<main")[2].partition("</main")[0]
    return " ".join(re.sub(r"<[^>]*>", " ", main).replace("&#x27;", "'").split())


# --- home -----------------------------------------------------------------------------------------------------------


def test_home_says_how_the_session_came_about_and_who_was_here_before(local: User, browser: Browser) -> None:
    said = words(browser, "/")
    assert "Welcome, Ada Lovelace" in said and "You signed in with your Gatehouse password." in said
    assert "This session Firefox on Windows, 203.0.113.7 Since" in said and "opened with your password" in said
    assert "The one before None that Gatehouse remembers." in said
    second = Browser(REMOTE_ADDR="203.0.113.8")
    second.sign_in_with_password(local)
    said = words(second, "/")
    assert "The one before Firefox on Windows, 203.0.113.7" in said and "to the User Portal" in said
    assert "Was one of them not you?" in said and "tell your company's administrators" in said


def test_home_names_the_provider_and_whom_to_tell(ada: User, provider: IdentityProvider) -> None:
    set_support(actor=OPERATOR, note="Ask the IT desk.")
    browser = Browser()
    browser.federated_sign_in()
    said = words(browser, "/")
    assert "You signed in with Contoso Entra ." in said and "opened with Contoso Entra" in said
    assert "change your password at Contoso Entra" in said and "Ask the IT desk." in said


def test_home_asks_little_of_the_database(browser: Browser) -> None:
    browser.get("/")
    with CaptureQueriesContext(connection) as captured:
        browser.get("/")
    # The session, the person, the active provider, the access policies, and the sign-in before.
    assert len(captured) == 5


# --- profile --------------------------------------------------------------------------------------------------------


def test_profile_says_of_each_fact_whose_it_is(browser: Browser) -> None:
    said = words(browser, "/profile/")
    for fact in (
        "Name Ada Lovelace Yours to change. Change : Name",
        "Phone 4711 Yours to change.",
        "Title Analyst Your company's administrators keep this.",
        "Department Engines Your company's administrators keep this.",
        "Company email ada@contoso.example You sign in with it, so only your company's administrators change it.",
        "User name ada Other systems know you by it",
        "Groups Everybody Your company's administrators decide who belongs to which group.",
    ):
        assert fact in said, fact


def test_profile_of_somebody_whom_a_provider_keeps(ada: User, provider: IdentityProvider) -> None:
    browser = Browser()
    browser.federated_sign_in()
    said = words(browser, "/profile/")
    assert "Name Ada Lovelace Contoso Entra keeps your account, so this is not changed here." in said
    assert "Change" not in said and "Phone Not set" in said and "Groups None" in said
    assert "Linked accounts" in said and "Contoso Entra ada@contoso.example" in said
    written = AuditEvent.objects.count()
    answer = browser.get("/profile/edit/", follow=True)
    assert answer.redirect_chain == [("/profile/", 302)]
    assert "Your details come from Contoso Entra, so they are not changed here." in answer.content.decode()
    assert AuditEvent.objects.count() == written
    answer = browser.post("/profile/edit/", {"display_name": "A"})
    assert_refused(answer, "users.profile_managed_externally", action="users.own_profile.changed")
    ada.refresh_from_db()
    assert ada.display_name == "Ada Lovelace"


def test_she_changes_what_is_hers_and_nothing_else(local: User, browser: Browser) -> None:
    assert 'value="Ada Lovelace"' in browser.get("/profile/edit/").content.decode()
    given = {"display_name": "Ada King", "phone_number": "0815", "company_email": "ceo@contoso.example", "title": "CEO"}
    answer = browser.post("/profile/edit/", {**given, "state": "suspended", "admin_role": "administrator"})
    assert answer["Location"] == "/profile/"
    assert "Your profile was saved." in words(browser, "/profile/")
    local.refresh_from_db()
    assert (local.display_name, local.phone_number, local.title) == ("Ada King", "0815", "Analyst")
    assert (local.company_email, local.admin_role, local.state) == ("ada@contoso.example", None, "active")


@pytest.mark.parametrize(
    ("given", "says"),
    [
        ({"display_name": ""}, "Enter your name."),
        ({"display_name": "x" * 151}, "Use at most 150 characters."),
        ({"display_name": "a\u2028b"}, "This name cannot be kept."),
        ({"phone_number": "call me"}, "This is not a phone number."),
    ],
)
def test_what_is_wrong_is_said_beside_it(given: dict[str, str], says: str, local: User, browser: Browser) -> None:
    answer = browser.post("/profile/edit/", {"display_name": "Ada King", "phone_number": "0815", **given})
    page = answer.content.decode()
    kept = {"display_name": "Ada King", "phone_number": "0815"}
    assert answer.status_code == 422 and says in page
    assert all(f'value="{value}"' in page for name, value in kept.items() if name not in given)
    local.refresh_from_db()
    assert local.display_name == "Ada Lovelace"


@pytest.mark.parametrize("path", ["/profile/", "/profile/edit/", "/security/", "/"])
def test_nobody_else_sees_it(path: str) -> None:
    visitor = Browser()
    assert visitor.get(path)["Location"].startswith("/login/")
    administrator = Browser()
    administrator.sign_in_as_administrator(make_administrator())
    assert administrator.get(path)["Location"].startswith("/login/")


# --- security -------------------------------------------------------------------------------------------------------


def test_security_says_how_one_signs_in(local: User, browser: Browser) -> None:
    said = words(browser, "/security/")
    assert "How you sign in With your company email and a password." in said and "Password Kept by Gatehouse" in said


def test_security_of_somebody_whom_a_provider_keeps(ada: User, provider: IdentityProvider) -> None:
    browser = Browser()
    browser.federated_sign_in()
    said = words(browser, "/security/")
    assert "Gatehouse sends you to Contoso Entra, which says who you are." in said
    assert "Password Managed by Contoso Entra Gatehouse has no password of yours" in said


def test_security_of_an_administrator_while_others_are_federated(
    administrator: User, provider: IdentityProvider
) -> None:
    browser = Browser()
    browser.sign_in_with_password(administrator)
    said = words(browser, "/security/")
    assert "Others sign in with Contoso Entra; administrators do not" in said


def test_security_lists_the_newest_sign_ins(local: User, browser: Browser) -> None:
    Browser(REMOTE_ADDR="203.0.113.9").sign_in_with_password(local, "guess")
    said = words(browser, "/security/")
    assert "Recent sign-ins The newest ones, also those that were refused." in said
    refused = said.index("203.0.113.9 User Portal Refused That email")
    assert refused < said.rindex("203.0.113.7 User Portal Signed in")
