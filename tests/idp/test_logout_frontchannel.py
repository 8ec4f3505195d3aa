"""Front-channel logout: an address that anybody can open, and that ends the named session only."""

import pytest
from django.http import HttpResponse

from idp import activation
from idp.models import IdentityProvider
from tests.browsing import Browser, last_event
from tests.entra_tenant import PracticeTenant
from tests.factories import OPERATOR, make_person, make_provider
from users.models import AuditEvent, User, UserSession

URL = "/oauth/frontchannel-logout/entra"
ACTION = "idp.logout.frontchannel"


@pytest.fixture
def signed_in(provider: IdentityProvider, ada: User, browser_client: Browser) -> Browser:
    """A browser in which Ada is signed in through the provider."""
    assert browser_client.federated_sign_in().status_code == 303
    return browser_client


def sid_of(person: User) -> str:
    return UserSession.objects.get(person=person).upstream_sid


def is_empty(answer: HttpResponse) -> bool:
    """Whether it is the one answer that everybody gets."""
    assert (answer.status_code, answer.content) == (200, b"")
    assert answer["Cache-Control"] == "no-store"
    assert "X-Frame-Options" not in answer
    return not answer.cookies


@pytest.mark.spec("OIDC Front-Channel Logout", "2")
def test_the_answer_can_be_framed_by_the_provider_alone(tenant: PracticeTenant, signed_in: Browser) -> None:
    answer = Browser().get(URL, {"sid": "unknown"})
    assert is_empty(answer)
    assert answer["Content-Security-Policy"] == f"default-src 'none'; frame-ancestors {tenant.base_url}"
    nobody = Browser().get("/oauth/frontchannel-logout/entra-9", {"sid": "unknown"})
    assert is_empty(nobody)
    assert nobody["Content-Security-Policy"] == "default-src 'none'; frame-ancestors 'none'"
    assert Browser().get("/login/")["X-Frame-Options"] == "DENY"


def test_a_session_that_ends_is_audited_with_the_provider_as_the_one_who_acts(ada: User, signed_in: Browser) -> None:
    assert is_empty(Browser().get(URL, {"sid": sid_of(ada)}, REMOTE_ADDR="203.0.113.5"))
    assert not signed_in.is_signed_in
    event = last_event(action=ACTION)
    assert (event.outcome, event.actor_label, event.client_ip) == ("success", "Contoso Entra", "203.0.113.5")
    assert event.details == {"sessions_ended": 1}


@pytest.mark.spec("OIDC Front-Channel Logout", "2")
def test_all_sessions_of_one_upstream_session_end(provider: IdentityProvider, ada: User, signed_in: Browser) -> None:
    other = Browser()
    other.federated_sign_in()
    UserSession.objects.filter(person=ada).update(upstream_sid="one-session-two-browsers")
    Browser().get(URL, {"sid": "one-session-two-browsers", "iss": provider.issuer})
    assert (signed_in.is_signed_in, other.is_signed_in) == (False, False)
    assert last_event(action=ACTION).details == {"sessions_ended": 2}


@pytest.mark.parametrize(
    "query", ["", "sid=", "sid=%00", "sid=unknown", "sid=%FF", f"sid={'x' * 3000}", "iss=https://evil.example", "x=1"]
)
def test_nothing_ends_where_no_session_is_named(query: str, signed_in: Browser) -> None:
    assert is_empty(Browser().get(f"{URL}?{query}"))
    assert signed_in.is_signed_in
    assert not AuditEvent.objects.filter(action=ACTION, outcome="success").exists()


def test_local_sessions_which_have_no_name_at_a_provider_stay(
    provider: IdentityProvider, administrator: User, signed_in: Browser
) -> None:
    office = Browser()
    office.sign_in_as_administrator(administrator)
    UserSession.objects.filter(person__admin_role__isnull=True).update(upstream_sid="")
    Browser().get(f"{URL}?sid=")
    assert office.is_administering and signed_in.is_signed_in


@pytest.mark.spec("OIDC Front-Channel Logout", "2")
@pytest.mark.parametrize(
    ("query", "code"),
    [
        ("sid={sid}&iss=https://evil.example", "federation.logout_issuer_wrong"),
        ("sid={sid}&iss=", "federation.logout_issuer_wrong"),
        ("sid={sid}&sid={sid}", "federation.logout_parameter_duplicated"),
        ("sid={sid}&sid=other", "federation.logout_parameter_duplicated"),
        ("sid={sid}&iss=a&iss=b", "federation.logout_parameter_duplicated"),
    ],
)
def test_what_contradicts_itself_ends_nothing_and_is_audited(
    query: str, code: str, ada: User, signed_in: Browser
) -> None:
    assert is_empty(Browser().get(f"{URL}?{query.format(sid=sid_of(ada))}"))
    assert signed_in.is_signed_in
    event = last_event(action=ACTION)
    assert (event.error_code, event.outcome, event.target_label) == (code, "refused", "Contoso Entra")


@pytest.mark.parametrize("method", ["HEAD", "POST", "PUT", "DELETE", "OPTIONS"])
def test_no_other_method_ends_anything(method: str, ada: User, signed_in: Browser) -> None:
    stranger = Browser(enforce_csrf_checks=True)
    assert stranger.generic(method, f"{URL}?sid={sid_of(ada)}").status_code == 200
    assert signed_in.is_signed_in


def test_the_name_of_a_session_counts_at_its_own_provider_only(
    tenant: PracticeTenant, provider: IdentityProvider, ada: User, signed_in: Browser
) -> None:
    second = make_provider(tenant, name="Fabrikam Entra", active=False)
    Browser().get(f"/oauth/frontchannel-logout/{second.slug}", {"sid": sid_of(ada)})
    assert signed_in.is_signed_in


def test_a_provider_that_is_not_active_any_more_gets_the_same_answer(
    provider: IdentityProvider, signed_in: Browser
) -> None:
    activation.deactivate_provider(actor=OPERATOR, provider=provider)
    assert is_empty(Browser().get(URL, {"sid": "anything"}))


def test_the_browsers_own_session_plays_no_part(ada: User, administrator: User, signed_in: Browser) -> None:
    """Somebody who follows a forged link ends nothing and is not named in the audit log."""
    make_person("grace@contoso.example")
    other = Browser()
    other.federated_sign_in("grace@contoso.example")
    assert is_empty(other.get(f"{URL}?sid={sid_of(ada)}&iss=https://evil.example"))
    assert last_event(action=ACTION).actor_id is None
    assert signed_in.is_signed_in


def test_a_flood_of_forged_links_is_folded(ada: User, signed_in: Browser) -> None:
    for _ in range(60):
        Browser().get(URL, {"sid": "x", "iss": "https://evil.example"})
    rows = AuditEvent.objects.filter(action=ACTION)
    assert rows.count() <= 25
    assert sum(rows.values_list("occurrences", flat=True)) == 60
