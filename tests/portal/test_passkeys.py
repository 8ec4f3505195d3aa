"""Passkeys through the pages, with an authenticator of our own that can also lie (Web Authentication, section 7)."""

import json
from copy import deepcopy
from datetime import timedelta

import pytest
import time_machine
from axes.models import AccessAttempt
from cryptography.hazmat.primitives.asymmetric import ec
from django.conf import LazySettings
from django.http import HttpResponse
from django.utils import timezone

from tests.browsing import Browser, last_event
from tests.factories import PASSWORD, make_administrator, make_person
from tests.second_factors import ACCOUNT, App, codes_on, give_passkey, options_on, seed_on
from tests.soft_authenticator import USER_PRESENT, SoftAuthenticator, base64url
from tests.users.support import as_person, at_once, refused
from users.errors import NameInvalid
from users.factor_errors import PasskeysUnavailable
from users.factors import factors_of
from users.models import AuditEvent, Passkey, User
from users.passkeys import add_passkey, are_available, rp_id, spend_passkey
from users.second_factor_rule import set_second_factor_rule

pytestmark = pytest.mark.django_db

STEP, ADD = "/admin/login/second-factor/", f"{ACCOUNT['admin']}passkeys/add/"


@pytest.fixture(autouse=True)
def at_localhost(settings: LazySettings) -> None:
    """Be at an address at which browsers offer passkeys."""
    settings.PUBLIC_URL = "http://localhost:8000"


@pytest.fixture
def key(admin_browser: Browser) -> SoftAuthenticator:
    """A passkey of the administrator's."""
    return give_passkey(admin_browser)


def second_step(administrator: User) -> tuple[Browser, str]:
    """Give the password, and return the browser with what its passkeys are asked."""
    browser = Browser()
    assert browser.sign_in_as_administrator(administrator)["Location"] == STEP
    return browser, options_on(browser.get(STEP))


def check_refused(browser: Browser, answer: HttpResponse, code: str) -> None:
    assert answer.status_code == 401 and not browser.is_administering
    event = last_event(action="admin_portal.sign_in.failed")
    assert (event.error_code, event.outcome) == (code, "refused")


def test_the_options_ask_for_what_they_should(
    key: SoftAuthenticator, administrator: User, admin_browser: Browser
) -> None:
    asked = json.loads(options_on(admin_browser.get(ADD)))
    assert asked["rp"] == {"name": "Gatehouse", "id": "localhost"}
    assert asked["user"]["id"] == base64url(administrator.pk.bytes)
    assert [known["id"] for known in asked["excludeCredentials"]] == [base64url(key.credential_id)]
    assert asked["authenticatorSelection"]["userVerification"] == "preferred"
    _, options = second_step(administrator)
    wanted = json.loads(options)
    assert wanted["rpId"] == "localhost" and wanted["userVerification"] == "preferred"
    assert wanted["allowCredentials"] == [
        {"id": base64url(key.credential_id), "type": "public-key", "transports": ["internal"]}
    ]


@pytest.mark.parametrize("counts", [True, False])
def test_a_passkey_opens_the_second_step(counts: bool, admin_browser: Browser, administrator: User) -> None:
    key = give_passkey(admin_browser, counts=counts)
    for _ in range(2):
        browser, options = second_step(administrator)
        assert browser.post(STEP, {"passkey": key.sign(options)})["Location"] == "/admin/"
        assert browser.is_administering
    event = last_event(action="admin_portal.sign_in.succeeded")
    assert event.details["method"] == "password+passkey"
    stored = Passkey.objects.get()
    assert (stored.sign_count, stored.last_used_at is not None) == (2 if counts else 0, True)


def test_the_first_passkey_brings_recovery_codes(admin_browser: Browser, administrator: User) -> None:
    key = SoftAuthenticator()
    form = {"name": " My  key ", "passkey": key.register(options_on(admin_browser.get(ADD)))}
    assert len(codes_on(admin_browser.post(ADD, form))) == 10
    assert Passkey.objects.get().name == "My key"
    page = admin_browser.get(ACCOUNT["admin"]).content.decode()
    assert "My key" in page and "Not yet" in page
    assert last_event(action="users.second_factor.added").details["name"] == "My key"


def test_several_passkeys_each_work_and_one_is_removed(
    key: SoftAuthenticator, admin_browser: Browser, administrator: User
) -> None:
    other = give_passkey(admin_browser, name="Second")
    first = Passkey.objects.get(name="Key")
    assert admin_browser.post(f"{ACCOUNT['admin']}passkeys/{first.pk}/remove/").status_code == 302
    assert "“Key” was removed" in admin_browser.get(ACCOUNT["admin"]).content.decode()
    browser, options = second_step(administrator)
    check_refused(browser, browser.post(STEP, {"passkey": key.sign(options)}), "users.passkey_refused")
    assert browser.post(STEP, {"passkey": other.sign(options_on(browser.get(STEP)))}).status_code == 302


LIES = {
    "another origin": {"origin": "https://evil.example"},
    "another port": {"origin": "http://localhost:8001"},
    "a sub-domain": {"origin": "http://x.localhost:8000"},
    "https in place of http": {"origin": "https://localhost:8000"},
    "another RP": {"rp_id": "evil.example"},
    "a registration": {"type": "webauthn.create"},
    "nobody there": {"flags": 0x00},
    "verified but nobody there": {"flags": 0x04},
    "another key": {"key": ec.generate_private_key(ec.SECP256R1())},
    "another person's handle": {"user_handle": b"0123456789abcdef"},
}


@pytest.mark.parametrize("lie", LIES)
def test_a_wrong_answer_is_refused(lie: str, key: SoftAuthenticator, administrator: User) -> None:
    browser, options = second_step(administrator)
    answer = browser.post(STEP, {"passkey": key.sign(options, **LIES[lie])})
    check_refused(browser, answer, "users.passkey_refused")
    assert Passkey.objects.get().last_used_at is None


def test_without_verification_of_the_user_it_is_a_second_factor_all_the_same(
    key: SoftAuthenticator, administrator: User
) -> None:
    browser, options = second_step(administrator)
    right = key.sign(options, flags=0x01, user_handle=administrator.pk.bytes)
    assert browser.post(STEP, {"passkey": right}).status_code == 302


def test_a_challenge_that_was_not_asked_is_refused(key: SoftAuthenticator, administrator: User) -> None:
    browser, options = second_step(administrator)
    for challenge in (base64url(b"x" * 32), "", json.loads(second_step(administrator)[1])["challenge"]):
        answer = browser.post(STEP, {"passkey": key.sign(options, challenge=challenge)})
        check_refused(browser, answer, "users.passkey_challenge_over")


def test_an_answer_is_good_once(key: SoftAuthenticator, administrator: User) -> None:
    browser, options = second_step(administrator)
    answer = key.sign(options)
    assert browser.post(STEP, {"passkey": answer}).status_code == 302
    again, _ = second_step(administrator)
    check_refused(again, again.post(STEP, {"passkey": answer}), "users.passkey_challenge_over")


def test_a_challenge_is_used_up_by_a_wrong_answer(key: SoftAuthenticator, administrator: User) -> None:
    browser, options = second_step(administrator)
    browser.post(STEP, {"passkey": key.sign(options, origin="https://evil.example")})
    check_refused(browser, browser.post(STEP, {"passkey": key.sign(options)}), "users.passkey_challenge_over")


def test_a_challenge_lives_five_minutes(key: SoftAuthenticator, administrator: User) -> None:
    browser, options = second_step(administrator)
    with time_machine.travel(timezone.now() + timedelta(minutes=5.1), tick=False):
        late = browser.post(STEP, {"passkey": key.sign(options)})
        check_refused(browser, late, "users.passkey_challenge_over")
        assert browser.post(STEP, {"passkey": key.sign(options_on(late))}).status_code == 302


def test_a_challenge_for_one_purpose_is_good_for_no_other(
    key: SoftAuthenticator, admin_browser: Browser, administrator: User
) -> None:
    registration = options_on(admin_browser.get(ADD))
    wrong = admin_browser.post("/admin/confirm/", {"passkey": key.sign(registration)})
    assert wrong.status_code == 401
    assert last_event(action="portal.confirmation.failed").error_code == "users.passkey_challenge_over"
    confirmation = options_on(admin_browser.get("/admin/confirm/"))
    form = {"name": "x", "passkey": SoftAuthenticator().register(confirmation)}
    assert admin_browser.post(ADD, form).status_code == 422
    assert last_event(action="users.second_factor.added").error_code == "users.passkey_challenge_over"


def test_another_persons_passkey_is_refused(key: SoftAuthenticator, administrator: User) -> None:
    other_browser, other = Browser(), make_administrator()
    other_browser.sign_in_as_administrator(other)
    others = give_passkey(other_browser)
    browser, options = second_step(administrator)
    check_refused(browser, browser.post(STEP, {"passkey": others.sign(options)}), "users.passkey_refused")


def test_a_counter_that_goes_back_is_refused(key: SoftAuthenticator, administrator: User) -> None:
    browser, options = second_step(administrator)
    assert browser.post(STEP, {"passkey": key.sign(options, count=10)}).status_code == 302
    for count in (10, 9, 0):
        browser, options = second_step(administrator)
        refusal = browser.post(STEP, {"passkey": key.sign(options, count=count)})
        check_refused(browser, refusal, "users.passkey_counter_went_back")
    browser, options = second_step(administrator)
    assert browser.post(STEP, {"passkey": key.sign(options, count=11)}).status_code == 302


MALFORMED = [
    "x",
    "[]",
    "null",
    "{}",
    '{"response": 1}',
    '{"response": {"clientDataJSON": "e30"}}',
    "[" * 5000,
    '{"response": {"clientDataJSON": "' + "A" * 60_000 + '"}}',
    '{"id": "\\u0000", "response": {"clientDataJSON": "AAAA"}}',
]


@pytest.mark.parametrize("malformed", MALFORMED)
def test_what_is_no_answer_is_refused(malformed: str, key: SoftAuthenticator, administrator: User) -> None:
    browser, _ = second_step(administrator)
    check_refused(browser, browser.post(STEP, {"passkey": malformed}), "users.passkey_refused")


@pytest.mark.parametrize("member", ["authenticatorData", "signature", "clientDataJSON"])
@pytest.mark.parametrize("value", [None, 7, "", "AAAA", "%%%", {"a": 1}])
def test_a_broken_member_is_refused(member: str, value: object, key: SoftAuthenticator, administrator: User) -> None:
    browser, options = second_step(administrator)
    answer = json.loads(key.sign(options))
    answer["response"][member] = value
    check_refused(browser, browser.post(STEP, {"passkey": json.dumps(answer)}), "users.passkey_refused")


def test_wrong_passkeys_count_for_the_lock_out(key: SoftAuthenticator, administrator: User) -> None:
    browser, options = second_step(administrator)
    for _ in range(5):
        answer = browser.post(STEP, {"passkey": key.sign(options, origin="https://evil.example")})
        options = options_on(browser.get(STEP))
    assert answer.status_code == 429
    assert browser.post(STEP, {"passkey": key.sign(options)}).status_code == 429
    assert not browser.is_administering


@pytest.mark.django_db(transaction=True)
def test_of_two_with_the_same_answer_one_gets_in(administrator: User, admin_browser: Browser) -> None:
    key = give_passkey(admin_browser, counts=False)  # so that the challenge alone decides
    browser, options = second_step(administrator)
    answer, twin = key.sign(options), Browser()
    twin.cookies = deepcopy(browser.cookies)
    at_once(*[lambda each=each: each.post(STEP, {"passkey": answer}) for each in (browser, twin)])
    assert sorted([browser.is_administering, twin.is_administering]) == [False, True]
    assert AuditEvent.objects.filter(action="admin_portal.sign_in.succeeded").count() == 2  # one made the passkey


# --- adding ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "lie",
    [
        {"origin": "https://evil.example"},
        {"rp_id": "evil.example"},
        {"type": "webauthn.get"},
        {"flags": 0x00},
    ],
)
def test_a_registration_that_lies_is_refused(lie: dict[str, object], admin_browser: Browser) -> None:
    answer = SoftAuthenticator().register(options_on(admin_browser.get(ADD)), **lie)
    assert admin_browser.post(ADD, {"name": "Key", "passkey": answer}).status_code == 422
    assert last_event(action="users.second_factor.added").error_code == "users.passkey_refused"
    assert not Passkey.objects.exists()


def test_a_passkey_is_known_whosever_it_is(key: SoftAuthenticator, admin_browser: Browser) -> None:
    for browser in (admin_browser, Browser()):
        if browser is not admin_browser:
            browser.sign_in_as_administrator(make_administrator())
        answer = key.register(options_on(browser.get(ADD)))
        assert "was added before" in browser.post(ADD, {"name": "Key", "passkey": answer}).content.decode()
        assert last_event(action="users.second_factor.added").error_code == "users.passkey_known"


def test_there_are_at_most_ten(key: SoftAuthenticator, admin_browser: Browser) -> None:
    for number in range(9):
        give_passkey(admin_browser, name=f"Key {number}")
    answer = SoftAuthenticator().register(options_on(admin_browser.get(ADD)))
    admin_browser.post(ADD, {"name": "One more", "passkey": answer})
    assert last_event(action="users.second_factor.added").error_code == "users.passkeys_too_many"
    assert Passkey.objects.count() == 10


def test_a_passkey_needs_a_name(admin_browser: Browser, administrator: User) -> None:
    answer = SoftAuthenticator().register(options_on(admin_browser.get(ADD)))
    assert admin_browser.post(ADD, {"name": " ", "passkey": answer}).status_code == 422
    arguments = {"actor": as_person(administrator), "person": administrator, "challenge": b"", "answer": "{}"}
    refused(NameInvalid, add_passkey, name="  ", **arguments)
    refused(NameInvalid, add_passkey, name="a\nb", **arguments)


@pytest.mark.parametrize(
    ("url", "available"),
    [
        ("https://gatehouse.example", True),
        ("https://gatehouse.example:8443", True),
        ("http://localhost:8000", True),
        ("http://127.0.0.1:8000", False),
        ("https://192.0.2.1", False),
        ("https://[2001:db8::1]", False),
        ("http://gatehouse.example", False),
    ],
)
def test_browsers_offer_them_at_a_name_with_https(
    url: str, available: bool, settings: LazySettings, admin_browser: Browser, administrator: User
) -> None:
    settings.PUBLIC_URL = url
    assert are_available() == available
    page = admin_browser.get(ADD).content.decode()
    assert ("No passkeys at this address" in page) != available
    assert ("Browsers offer no passkeys at" in admin_browser.get(ACCOUNT["admin"]).content.decode()) != available
    if available:
        assert rp_id() in page
    else:
        arguments = {"actor": as_person(administrator), "person": administrator, "name": "x", "challenge": b""}
        error = refused(PasskeysUnavailable, add_passkey, answer="{}", **arguments)
        assert error.code == "users.passkeys_unavailable"


def test_after_a_move_to_an_address_without_passkeys_codes_are_left(
    key: SoftAuthenticator, administrator: User, settings: LazySettings
) -> None:
    settings.PUBLIC_URL = "http://127.0.0.1:8000"
    browser = Browser()
    browser.sign_in_as_administrator(administrator)
    page = browser.get(STEP).content.decode()
    assert "Use a passkey" not in page and 'name="code"' in page


def test_the_last_passkey_stays_where_a_factor_is_required(
    key: SoftAuthenticator, admin_browser: Browser, administrator: User
) -> None:
    set_second_factor_rule(actor=as_person(administrator), required=True)
    remove = f"{ACCOUNT['admin']}passkeys/{Passkey.objects.get().pk}/remove/"
    admin_browser.post(remove)
    assert last_event(action="users.second_factor.removed").error_code == "users.second_factor_needed"
    app = App(seed_on(admin_browser.get(f"{ACCOUNT['admin']}app/")))
    admin_browser.post(f"{ACCOUNT['admin']}app/", {"code": app.code()})
    admin_browser.post(remove)
    assert not factors_of(administrator).passkeys and factors_of(administrator).app
    admin_browser.post(remove)
    assert last_event(action="users.second_factor.removed").error_code == "users.factor_not_found"


# --- elsewhere -------------------------------------------------------------------------------------------------------


def test_a_passkey_alone_confirms(key: SoftAuthenticator, admin_browser: Browser) -> None:
    with time_machine.travel(timezone.now() + timedelta(minutes=11), tick=False):
        options = options_on(admin_browser.get("/admin/confirm/", {"next": ADD}))
        refusal = admin_browser.post("/admin/confirm/", {"passkey": key.sign(options, rp_id="evil.example")})
        assert refusal.status_code == 401 and admin_browser.get(ADD).status_code == 302
        form = {"passkey": key.sign(options_on(refusal)), "next": ADD}
        assert admin_browser.post("/admin/confirm/", form)["Location"] == ADD
        assert admin_browser.get(ADD).status_code == 200
    assert last_event(action="portal.confirmation.succeeded").details == {"method": "passkey"}


def test_a_touch_alone_does_not_confirm(key: SoftAuthenticator, admin_browser: Browser) -> None:
    """A key that was left in the machine says that somebody is there, and not who."""
    with time_machine.travel(timezone.now() + timedelta(minutes=11), tick=False):
        options = options_on(admin_browser.get("/admin/confirm/", {"next": ADD}))
        assert json.loads(options)["userVerification"] == "required"
        touched = admin_browser.post("/admin/confirm/", {"passkey": key.sign(options, flags=USER_PRESENT)})
        assert touched.status_code == 401 and "was touched" in touched.content.decode()
        assert admin_browser.get(ADD).status_code == 302
    assert last_event(action="portal.confirmation.failed").error_code == "users.passkey_only_touched"
    assert not AccessAttempt.objects.exists(), "it was the right key: nobody guessed"


def test_a_touch_does_after_the_password(key: SoftAuthenticator, administrator: User) -> None:
    browser, options = second_step(administrator)
    assert json.loads(options)["userVerification"] == "preferred"
    assert browser.post(STEP, {"passkey": key.sign(options, flags=USER_PRESENT)}).status_code == 302


def test_a_person_signs_in_to_the_user_portal_with_one(browser_client: Browser) -> None:
    person = make_person(password=PASSWORD)
    browser_client.sign_in_with_password(person)
    key = give_passkey(browser_client, portal="user")
    browser = Browser()
    assert browser.sign_in_with_password(person)["Location"] == "/login/second-factor/"
    answer = key.sign(options_on(browser.get("/login/second-factor/")))
    assert browser.post("/login/second-factor/", {"passkey": answer})["Location"] == "/"
    assert browser.is_signed_in and last_event(action="portal.sign_in.succeeded").actor_id == person.pk


def test_a_passkey_of_somebody_else_is_not_spent(key: SoftAuthenticator) -> None:
    nobody = make_person()
    with pytest.raises(Exception, match="not accepted"):
        spend_passkey(person=nobody, challenge=b"x", answer=json.dumps({"id": base64url(key.credential_id)}))
