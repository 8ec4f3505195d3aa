"""Security: a person's own sessions, and ending them."""

import re
from datetime import timedelta

import pytest
from django.conf import settings
from django.utils import timezone

from idp.models import IdentityProvider
from tests.browsing import Browser, error_code, last_event
from tests.entra_tenant import PracticeTenant
from tests.factories import PASSWORD, make_administrator, make_person
from users.models import AuditEvent, Realm, User, UserSession
from users.sessions import SessionStore, hashed

pytestmark = pytest.mark.django_db

FIREFOX = "Mozilla/5.0 (Windows NT 10.0; Win64; x64; rv:140.0) Gecko/20100101 Firefox/140.0"
SAFARI = "Mozilla/5.0 (iPhone; CPU iPhone OS 18_5 like Mac OS X) AppleWebKit/605.1.15 Version/18.5 Safari/604.1"


@pytest.fixture
def person() -> User:
    """Somebody who signs in with a password."""
    return make_person("grace@contoso.example", display_name="Grace Hopper", password=PASSWORD)


def signed_in(person: User, agent: str = FIREFOX, address: str = "203.0.113.7") -> Browser:
    browser = Browser(headers={"user-agent": agent}, REMOTE_ADDR=address)
    assert browser.sign_in_with_password(person).status_code == 302
    return browser


def key_of(browser: Browser) -> str:
    return hashed(browser.session_cookie)


def text_of(browser: Browser, path: str = "/security/") -> str:
    page = browser.get(path).content.decode().replace("<wbr>", "")
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", page))


def test_the_page_says_where_since_when_and_how(person: User) -> None:
    here = signed_in(person)
    signed_in(person, SAFARI, "198.51.100.4")
    earlier = timezone.now() - timedelta(minutes=50)
    UserSession.objects.exclude(pk=key_of(here)).update(signed_in_at=earlier, last_seen_at=earlier)
    text = text_of(here)
    for part in ("Firefox on Windows This one 203.0.113.7", "Safari on iPhone 198.51.100.4", "Password User Portal"):
        assert part in text
    assert text.count(f"{earlier:%H:%M}") == 2  # since, and last used
    assert key_of(here) in here.get("/security/").content.decode()
    assert here.session_cookie not in here.get("/security/").content.decode()


def test_a_federated_session_names_the_provider(provider: IdentityProvider, ada: User, browser_client: Browser) -> None:
    browser_client.federated_sign_in()
    assert "Contoso Entra User Portal" in text_of(browser_client)


def test_one_session_is_ended_and_audited(person: User) -> None:
    here, there = signed_in(person), signed_in(person, SAFARI)
    answer = here.post(f"/security/sessions/{key_of(there)}/end/")
    assert (answer.status_code, answer["Location"]) == (302, "/security/")
    assert "That session was ended." in text_of(here)
    assert (here.is_signed_in, there.is_signed_in) == (True, False)
    event = last_event(action="users.session.ended")
    assert (event.actor_id, event.target_id, event.outcome) == (person.pk, str(person.pk), "success")
    assert event.details == {"sessions_ended": 1, "portal": "user", "address": "203.0.113.7"}


def test_ending_this_one_is_signing_out(person: User) -> None:
    here, there = signed_in(person), signed_in(person)
    answer = here.post(f"/security/sessions/{key_of(here)}/end/")
    assert (answer.status_code, answer["Location"]) == (302, "/signed-out/")
    assert (here.is_signed_in, there.is_signed_in) == (False, True)


def test_all_others_are_ended(person: User) -> None:
    here, *others = [signed_in(person) for _ in range(3)]
    stranger = signed_in(make_person(password=PASSWORD))
    here.post("/security/sessions/end-others/")
    assert "2 other sessions ended." in text_of(here)
    assert [browser.is_signed_in for browser in (here, *others, stranger)] == [True, False, False, True]
    assert last_event(action="users.session.ended").details == {"sessions_ended": 2, "others_only": True}
    here.post("/security/sessions/end-others/")
    assert "0 other sessions ended." in text_of(here)
    assert AuditEvent.objects.filter(action="users.session.ended").count() == 1


def test_all_are_ended_this_one_too_here_and_at_the_provider(
    tenant: PracticeTenant, provider: IdentityProvider, ada: User
) -> None:
    here, there = Browser(), Browser()
    for browser in (here, there):
        browser.federated_sign_in()
    answer = here.post("/security/sessions/end-all/")
    assert answer["Location"].startswith(tenant.end_session_endpoint)
    assert (here.is_signed_in, there.is_signed_in) == (False, False)
    assert not UserSession.objects.filter(person=ada).exists()


@pytest.mark.parametrize("made_up", ["x", "0" * 40, "a" * 4000])
def test_what_is_no_session_of_hers_is_left_alone(made_up: str, person: User) -> None:
    here, stranger = signed_in(person), signed_in(make_person(password=PASSWORD))
    for key in (made_up, key_of(stranger)):
        assert here.post(f"/security/sessions/{key}/end/")["Location"] == "/security/"
        assert "That session has ended already." in text_of(here)
        assert last_event(action="users.session.ended").error_code == "users.session_not_found"
    assert stranger.is_signed_in and here.is_signed_in


def test_nothing_of_it_works_by_a_link_or_without_a_token_or_a_session(person: User) -> None:
    here = signed_in(person)
    here.handler.enforce_csrf_checks = True
    for path in (
        f"/security/sessions/{key_of(here)}/end/",
        *(f"/security/sessions/end-{w}/" for w in ("all", "others")),
    ):
        assert here.get(path).status_code == 405
        assert error_code(here.post(path)) == "portal.form_expired"
        assert Browser().post(path)["Location"] == "/login/"
    assert here.is_signed_in


@pytest.mark.parametrize("cookie", ["SESSION_COOKIE_NAME", "ADMIN"])
def test_what_the_page_names_a_session_by_opens_nothing(cookie: str, person: User) -> None:
    key, thief = key_of(signed_in(person)), Browser()
    name = settings.SESSION_COOKIE_NAME
    thief.cookies[settings.ADMIN_COOKIE_NAMES[name] if cookie == "ADMIN" else name] = key
    assert not thief.is_signed_in and not thief.is_administering
    assert SessionStore(key).load() == {}
    assert thief.post(f"/security/sessions/{key}/end/")["Location"] == "/login/"


def test_many_sessions_come_in_pages(person: User) -> None:
    here, now = signed_in(person), timezone.now()
    row = UserSession.objects.get(pk=key_of(here))
    for number in range(119):
        row.pk = f"{number:040d}"
        row.user_agent, row.signed_in_at = f"Client {number:03d}", now - timedelta(seconds=number // 3)
        row.save(force_insert=True)
    seen: list[str] = []
    path = "/security/"
    for _ in range(6):
        page = here.get(path).content.decode()
        seen += re.findall(r"Client \d{3}(?=\s*<p)", page)
        links = re.findall(r'rel="next" href="([^"]+)"', page)
        path = "/security/" + (links[0].replace("&amp;", "&") if links else "")
    assert not links and len(seen) == len(set(seen)) == 119


@pytest.mark.parametrize("before", ["x", "-", "9" * 40, "1-", "\x00", "1e9-0", "-5-x", "٣-x"])
def test_a_place_that_is_none_shows_a_page(before: str, person: User) -> None:
    assert signed_in(person).get("/security/", {"before": before}).status_code == 200


def test_the_sessions_of_both_portals_are_hers() -> None:
    administrator = make_administrator()
    here = signed_in(administrator)
    here.sign_in_as_administrator(administrator)
    text = text_of(here)
    assert "Password User Portal" in text and "Password Admin Portal" in text
    here.post("/security/sessions/end-others/")
    assert (here.is_signed_in, here.is_administering) == (True, False)
    assert not UserSession.objects.filter(realm=Realm.ADMIN).exists()
