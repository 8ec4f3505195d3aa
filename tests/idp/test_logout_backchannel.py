"""Back-channel logout: who ends by a good token, and what is answered to anything else."""

from collections.abc import Callable
from datetime import timedelta

import pytest
import time_machine
from django.conf import LazySettings
from django.http import HttpResponse
from django.utils import timezone

from idp import activation, upstream
from idp.models import IdentityProvider, SpentState
from tests.browsing import Browser, last_event
from tests.entra_tenant import Fault, PracticeTenant, SignWith
from tests.factories import OPERATOR, PASSWORD, make_person, make_provider
from tests.idp.conformance.support import all_at_once
from users.models import AuditEvent, User, UserSession

URL = "/oauth/backchannel-logout/oidc"
ACTION = "idp.logout.backchannel"
FORM = "application/x-www-form-urlencoded"


@pytest.fixture
def plain(plain_tenant: PracticeTenant, administrator: User) -> IdentityProvider:
    """The plain OpenID provider, connected and active."""
    return make_provider(plain_tenant)


@pytest.fixture
def signed_in(plain: IdentityProvider, ada: User, browser_client: Browser) -> Browser:
    """A browser in which Ada is signed in through the plain provider."""
    assert browser_client.federated_sign_in().status_code == 303
    return browser_client


def send(body: str, content_type: str = FORM, slug: str = "oidc") -> HttpResponse:
    """Post a body as the provider's server does: no cookies, no CSRF token."""
    server = Browser(enforce_csrf_checks=True)
    return server.post(f"/oauth/backchannel-logout/{slug}", body, content_type=content_type)


def token_for(tenant: PracticeTenant, person: User, sid: str = "") -> str:
    known = tenant.person(person.company_email)
    assert known is not None
    return tenant.logout_token(known, sid or UserSession.objects.filter(person=person)[0].upstream_sid)


def refuses(answer: HttpResponse, code: str) -> None:
    """Check a refusal as a whole: JSON, no caching, an audit row under the same code."""
    assert answer.status_code == 400 and answer["Content-Type"] == "application/json"
    assert "no-store" in answer["Cache-Control"] and not answer.cookies
    assert answer.json()["error"] == "invalid_request" and f"[{code}]" in answer.json()["error_description"]
    event = last_event(action=ACTION)
    assert (event.error_code, event.outcome, event.actor_id) == (code, "refused", None)


@pytest.mark.spec("OIDC Back-Channel Logout", "2.7")
def test_a_session_is_ended_by_its_name_and_others_of_the_person_stay(
    plain_tenant: PracticeTenant, ada: User, signed_in: Browser
) -> None:
    token = token_for(plain_tenant, ada)
    other = Browser()
    other.federated_sign_in()
    answer = send(f"logout_token={token}")
    assert (answer.status_code, answer.content) == (200, b"") and "no-store" in answer["Cache-Control"]
    assert (signed_in.is_signed_in, other.is_signed_in) == (False, True)
    event = last_event(action=ACTION)
    assert event.details == {"sessions_ended": 1, "by": "sid"} and event.target_label == "Contoso Entra"


@pytest.mark.spec("OIDC Back-Channel Logout", "2.7")
def test_without_a_session_all_that_the_provider_opened_for_the_person_end(
    plain_tenant: PracticeTenant, plain: IdentityProvider, administrator: User, ada: User, signed_in: Browser
) -> None:
    make_person("grace@contoso.example")
    second, grace, office = Browser(), Browser(), Browser()
    second.federated_sign_in()
    grace.federated_sign_in("grace@contoso.example")
    office.sign_in_as_administrator(administrator)
    with plain_tenant.lying(drop=("sid",)):
        assert send(f"logout_token={token_for(plain_tenant, ada)}").status_code == 200
    assert [browser.is_signed_in for browser in (signed_in, second, grace)] == [False, False, True]
    assert office.is_administering
    assert last_event(action=ACTION).details == {"sessions_ended": 2, "by": "sub"}


@pytest.mark.spec("OIDC Back-Channel Logout", "2.8")
@pytest.mark.parametrize("lie", [{"claims": {"sid": "unknown"}}, {"claims": {"sub": "nobody"}, "drop": ("sid",)}])
def test_a_session_that_is_not_there_is_a_success(
    lie: dict, plain_tenant: PracticeTenant, ada: User, signed_in: Browser
) -> None:
    with plain_tenant.lying(**lie):
        assert send(f"logout_token={token_for(plain_tenant, ada)}").status_code == 200
    assert signed_in.is_signed_in


@pytest.mark.spec("OIDC Back-Channel Logout", "2.6")
def test_a_token_works_once(plain_tenant: PracticeTenant, ada: User, signed_in: Browser) -> None:
    with plain_tenant.lying(drop=("sid",)):
        token = token_for(plain_tenant, ada)
    assert send(f"logout_token={token}").status_code == 200
    signed_in.federated_sign_in()
    refuses(send(f"logout_token={token}"), "federation.logout_token_replayed")
    assert signed_in.is_signed_in


@pytest.mark.django_db(transaction=True)
def test_of_two_at_once_one_works(plain_tenant: PracticeTenant, ada: User, signed_in: Browser) -> None:
    token = token_for(plain_tenant, ada)
    upstream.keys().clear()
    answers = all_at_once(lambda _: send(f"logout_token={token}"), range(8))
    assert sorted(answer.status_code for answer in answers) == [200] + [400] * 7
    assert AuditEvent.objects.filter(action=ACTION, outcome="success").count() == 1


def test_what_is_remembered_of_a_token_outlives_it(plain_tenant: PracticeTenant, ada: User, signed_in: Browser) -> None:
    """A token that says that it is good for a year is too old after ten minutes, and its `jti` is kept until then."""
    with plain_tenant.lying(claims={"exp": lambda claims: claims["iat"] + 366 * 86_400}):
        token = token_for(plain_tenant, ada)
    assert send(f"logout_token={token}").status_code == 200
    kept_until = SpentState.objects.order_by("-expires_at")[0].expires_at
    assert timedelta(minutes=10) < kept_until - timezone.now() < timedelta(minutes=25)
    with time_machine.travel(kept_until + timedelta(seconds=1)):
        refuses(send(f"logout_token={token}"), "idp.logout_token.too_old")


@pytest.mark.spec("OIDC Back-Channel Logout", "2.6")
@pytest.mark.parametrize(
    ("lie", "code"),
    [
        ({"drop": ("jti",)}, "idp.logout_token.id_missing"),
        ({"drop": ("iat",)}, "idp.logout_token.issued_at_missing"),
        ({"drop": ("exp",)}, "idp.logout_token.expiry_missing"),
        ({"drop": ("sub", "sid")}, "idp.logout_token.who_missing"),
        ({"claims": {"exp": 1}}, "idp.logout_token.expired"),
        ({"claims": {"exp": 10**400}}, "idp.logout_token.expiry_malformed"),
        ({"header": {"typ": "at+jwt"}}, "idp.logout_token.type"),
        ({"sign_with": SignWith.FOREIGN}, "idp.logout_token.signature"),
        ({"corrupt_signature": True}, "idp.logout_token.signature"),
        ({"header": {"kid": "unknown"}}, "idp.logout_token.key"),
        ({"claims": {"sid": 7}}, "idp.logout_token.who_malformed"),
        ({"claims": {"padding": "x" * 20_000}}, "idp.logout_token.too_large"),
        ({"id_token": "rubbish"}, "idp.logout_token.malformed"),
    ],
)
def test_a_bad_token_is_refused(
    lie: dict, code: str, plain_tenant: PracticeTenant, ada: User, signed_in: Browser
) -> None:
    with plain_tenant.lying(**lie):
        refuses(send(f"logout_token={token_for(plain_tenant, ada)}"), code)
    assert signed_in.is_signed_in


@pytest.mark.spec("OIDC Back-Channel Logout", "2.5")
@pytest.mark.parametrize(
    ("body", "content_type"),
    [
        ("", FORM),
        ("logout_token=", FORM),
        ("logout_token={token}&logout_token={token}", FORM),
        ("token={token}", FORM),
        ('{{"logout_token": "{token}"}}', "application/json"),
        ("logout_token={token}", "text/plain"),
        ("logout_token={token}", "multipart/form-data; boundary=x"),
        ("logout_token={token}&padding=" + "x" * 40_000, FORM),
        ("&".join(["a=1"] * 50) + "&logout_token={token}", FORM),
        ("logout_token=\xff", FORM),
    ],
)
def test_what_is_no_form_with_one_token_is_refused(
    body: str, content_type: str, plain_tenant: PracticeTenant, ada: User, signed_in: Browser
) -> None:
    answer = send(body.format(token=token_for(plain_tenant, ada)), content_type)
    refuses(answer, "federation.logout_token_not_posted")
    assert signed_in.is_signed_in


def test_other_methods_are_none(signed_in: Browser) -> None:
    assert Browser().get(URL).status_code == Browser().put(URL).status_code == 405


def test_an_id_token_is_no_logout_token(plain_tenant: PracticeTenant, ada: User, signed_in: Browser) -> None:
    """A leaked ID token of a session must not end it."""
    with plain_tenant.lying(drop=("events",), header={"typ": "JWT"}):
        refuses(send(f"logout_token={token_for(plain_tenant, ada)}"), "idp.logout_token.events_missing")


def test_nobody_else_has_an_address_here(plain_tenant: PracticeTenant, ada: User, signed_in: Browser) -> None:
    refuses(send(f"logout_token={token_for(plain_tenant, ada)}", slug="okta"), "federation.logout_provider_unknown")


def test_a_draft_has_no_sessions_to_end(plain_tenant: PracticeTenant, ada: User, administrator: User) -> None:
    make_provider(plain_tenant, active=False)
    refuses(send(f"logout_token={token_for(plain_tenant, ada, 'sid')}"), "federation.logout_unavailable")


def test_a_provider_that_was_in_use_is_still_heard(
    plain_tenant: PracticeTenant, plain: IdentityProvider, ada: User, signed_in: Browser
) -> None:
    activation.deactivate_provider(actor=OPERATOR, provider=plain)
    assert send(f"logout_token={token_for(plain_tenant, ada, 'sid')}").status_code == 200


def test_a_provider_whose_keys_cannot_be_had_is_answered_all_the_same(
    plain_tenant: PracticeTenant, ada: User, signed_in: Browser
) -> None:
    token = token_for(plain_tenant, ada)
    upstream.keys().clear()
    plain_tenant.fault("keys", Fault.DOWN)
    answer = send(f"logout_token={token}")
    assert answer.status_code == 400 and answer.json()["error"] == "invalid_request"
    assert signed_in.is_signed_in
    plain_tenant.clear_faults()
    upstream.keys().clear()
    assert send(f"logout_token={token}").status_code == 200  # it was not used up


def test_a_session_of_another_provider_with_the_same_name_stays(
    tenant: PracticeTenant,
    plain_tenant: PracticeTenant,
    provider: IdentityProvider,
    ada: User,
    browser_client: Browser,
) -> None:
    """Two providers may give their sessions the same name."""
    browser_client.federated_sign_in()
    sid = UserSession.objects.get(person=ada).upstream_sid
    activation.deactivate_provider(actor=OPERATOR, provider=provider)
    other = make_provider(plain_tenant, name="Fabrikam")
    activation.deactivate_provider(actor=OPERATOR, provider=other)
    activation.activate_provider(actor=OPERATOR, provider=provider, understood=True, fingerprint=None)
    browser_client.federated_sign_in()
    UserSession.objects.filter(person=ada).update(upstream_sid=sid)
    assert send(f"logout_token={token_for(plain_tenant, ada, sid)}").status_code == 200
    assert browser_client.is_signed_in


@pytest.mark.parametrize("rubbish", [lambda number: "x", lambda number: f"a.b.{number}"])
def test_rubbish_does_not_fill_the_audit_log(
    rubbish: Callable[[int], str], plain: IdentityProvider, settings: LazySettings
) -> None:
    for number in range(80):
        assert send(f"logout_token={rubbish(number)}").status_code == 400
    rows = AuditEvent.objects.filter(action=ACTION)
    assert rows.count() <= 25
    assert sum(rows.values_list("occurrences", flat=True)) == 80


def test_a_local_session_is_never_ended_by_a_provider(
    plain_tenant: PracticeTenant, plain: IdentityProvider, ada: User, signed_in: Browser
) -> None:
    activation.deactivate_provider(actor=OPERATOR, provider=plain)
    person = make_person(password=PASSWORD)
    local = Browser()
    local.sign_in_with_password(person)
    UserSession.objects.filter(person=person).update(upstream_sid="borrowed")
    assert send(f"logout_token={token_for(plain_tenant, ada, 'borrowed')}").status_code == 200
    assert local.is_signed_in
