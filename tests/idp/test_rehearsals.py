"""A rehearsal: a real round trip that signs nobody in, and says what a sign-in would have come to."""

from datetime import timedelta
from typing import Any

import pytest
from django.conf import settings
from django.utils import timezone
from time_machine import travel

from idp import activation, services
from idp.models import FederatedIdentity, IdentityProvider, Rehearsal, RoutingException, RoutingPolicy
from idp.protocol.types import IdTokenClaims
from idp.rehearsal_report import shown_claims
from tests.browsing import Browser, last_event, parameters
from tests.entra_tenant import PracticeTenant
from tests.factories import OPERATOR, make_administrator, make_person, make_provider, provider_input
from tests.idp.rehearsing import ADA, PROVIDERS, begin, outcomes, rehearse, traces
from users.models import AdminRole, AuditEvent, State, User, UserSession


@pytest.fixture(params=["draft", "active"])
def either(request: pytest.FixtureRequest, draft: IdentityProvider, administrator: User) -> IdentityProvider:
    """A draft, or an active provider."""
    if request.param == "active":
        activation.activate_provider(actor=OPERATOR, provider=draft, understood=True, fingerprint=None)
        draft.refresh_from_db()
    return draft


def test_it_says_who_would_be_signed_in_and_signs_nobody_in(
    either: IdentityProvider, admin_browser: Browser, ada: User, administrator: User
) -> None:
    before, events = traces(), AuditEvent.objects.count()
    sessions = set(UserSession.objects.values_list("session_key", flat=True))
    done = rehearse(admin_browser, either)
    assert (done.succeeded, outcomes(done)) == (True, ["passed"] * 4)
    assert (done.verdict["rule"], done.verdict["person"], done.verdict["email"]) == ("email", ada.label, ADA)
    assert done.claims["email"] == ADA and done.claims["name"] == "Ada Lovelace"
    assert traces() == before
    assert set(UserSession.objects.values_list("session_key", flat=True)) == sessions
    assert settings.SESSION_COOKIE_NAME not in admin_browser.cookies
    assert admin_browser.is_administering and not admin_browser.is_signed_in
    assert AuditEvent.objects.count() == events + 1
    event = last_event(action="idp.provider.rehearsed")
    assert (event.outcome, event.actor_id, event.target_id) == ("success", administrator.pk, str(either.pk))
    assert event.details == {"rehearsal": str(done.pk), "rule": "email", "person": "Ada Lovelace"}


def test_of_an_active_provider_it_says_where_routing_policies_send_the_person(
    admin_browser: Browser, tenant: PracticeTenant, administrator: User, ada: User
) -> None:
    tenant.auto_sign_in = ADA
    provider = make_provider(tenant)
    everyone = RoutingPolicy.objects.get()
    assert (
        rehearse(admin_browser, provider).verdict["routing"].startswith("Here: Everyone to Contoso Entra is the first")
    )
    RoutingException.objects.create(policy=everyone, person=ada)
    done = rehearse(admin_browser, provider)
    assert "Not here but nowhere, so a sign-in would be refused. No routing policy takes them." in str(done.verdict)
    page = admin_browser.get(f"{PROVIDERS}{provider.pk}/rehearsals/{done.pk}/").content.decode()
    assert "Where routing policies send them" in page


def test_it_goes_the_way_of_a_real_sign_in(
    draft: IdentityProvider, admin_browser: Browser, tenant: PracticeTenant
) -> None:
    asked = parameters(begin(admin_browser, draft))
    assert asked["redirect_uri"] == draft.redirect_uri
    assert (asked["response_type"], asked["scope"]) == ("code", "openid profile email")
    assert (asked["code_challenge_method"], asked["prompt"]) == ("S256", "select_account")
    assert asked["state"].startswith("rehearsal-") and len(asked["state"]) == len("rehearsal-") + 43
    assert len(asked["nonce"]) == 43 and asked["client_id"] == tenant.client_id


def test_other_kinds_are_asked_with_a_prompt_that_they_know(
    plain_tenant: PracticeTenant, admin_browser: Browser, ada: User
) -> None:
    plain_tenant.auto_sign_in = ADA
    provider = make_provider(plain_tenant, active=False)
    assert parameters(begin(admin_browser, provider))["prompt"] == "login"
    assert rehearse(admin_browser, provider).verdict["rule"] == "email"


def test_a_signed_in_person_in_the_same_browser_stays_signed_in(
    provider: IdentityProvider, tenant: PracticeTenant, admin_browser: Browser, ada: User
) -> None:
    assert admin_browser.federated_sign_in().status_code == 303
    links = list(FederatedIdentity.objects.values())
    key, data = admin_browser.session_cookie, UserSession.objects.get(realm="user").session_data
    tenant.auto_sign_in = ADA
    done = rehearse(admin_browser, provider)
    assert (done.verdict["rule"], done.succeeded) == ("link", True)
    assert admin_browser.session_cookie == key and admin_browser.is_signed_in
    assert UserSession.objects.get(realm="user").session_data == data
    assert list(FederatedIdentity.objects.values()) == links


def test_the_external_id_is_a_rule_of_its_own(
    draft: IdentityProvider, tenant: PracticeTenant, admin_browser: Browser
) -> None:
    account = tenant.person(ADA)
    assert account is not None
    person = make_person("augusta@contoso.example", external_id=account.oid)
    verdict = rehearse(admin_browser, draft).verdict
    assert (verdict["rule"], verdict["email"]) == ("external_id", person.company_email)


def test_an_administrators_own_account_is_fine_and_says_why(
    draft: IdentityProvider, tenant: PracticeTenant, admin_browser: Browser
) -> None:
    tenant.auto_sign_in = "hedy@contoso.example"
    make_administrator(AdminRole.READ_ONLY, "hedy@contoso.example")
    done = rehearse(admin_browser, draft)
    assert (done.succeeded, outcomes(done)) == (True, ["passed"] * 4)
    assert done.verdict["code"] == "federation.person_is_administrator"
    assert "never sent to a provider" in done.verdict["cause"]
    assert last_event(action="idp.provider.rehearsed").outcome == "success"


@pytest.mark.parametrize(
    ("who", "lie", "code", "cause", "cure"),
    [
        ("claude@contoso.example", {}, "federation.no_match", "claude@contoso.example", "Link a person"),
        ("annie@contoso.example", {}, "federation.person_staged", "not active yet", "users activate"),
        ("charles@contoso.example", {}, "federation.person_suspended", "suspended", "users activate"),
        (ADA, {"drop": ("email", "upn")}, "federation.email_missing", "neither", "Token configuration"),
        (ADA, {"claims": {"email": "аda@contoso.example"}}, "federation.email_not_plain", "imitate", "link"),
        (ADA, {"claims": {"xms_edov": False}}, "federation.email_unverified", "vouch", "Verify"),
        (
            ADA,
            {"claims": {"email": "ada@fabrikam.example", "upn": "ada@fabrikam.example"}},
            "federation.email_outside_domains",
            "fabrikam.example",
            "Email domains",
        ),
        (
            ADA,
            {"claims": {"upn": "grace@contoso.example"}},
            "federation.match_ambiguous",
            "grace@contoso.example",
            "link",
        ),
        ("grace@contoso.example", {}, "federation.external_id_contradicts", "another account", "Users"),
        ("alan@contoso.example", {}, "federation.person_linked_elsewhere", "another account", "old link"),
        ("emmy@fabrikam.example", {}, "idp.token.guest", "guest", "Allow guests"),
    ],
)
def test_it_says_exactly_why_nobody_would_be_matched_and_what_cures_it(
    tenant: PracticeTenant,
    admin_browser: Browser,
    ada: User,
    who: str,
    lie: dict[str, Any],
    code: str,
    cause: str,
    cure: str,
) -> None:
    make_person("annie@contoso.example", state=State.STAGED)
    make_person("charles@contoso.example", state=State.SUSPENDED)
    make_person("grace@contoso.example", external_id="0f1e2d3c-4b5a-4978-8695-a4b3c2d1e0f0")
    alan = make_person("alan@contoso.example")
    provider = make_provider(tenant, active=False, email_domains=["contoso.example"])
    FederatedIdentity.objects.create(person=alan, provider=provider, issuer=provider.issuer, subject="another")
    tenant.auto_sign_in = who
    with tenant.lying(**lie):
        done = rehearse(admin_browser, provider)
    assert (done.succeeded, done.verdict["code"], done.steps[-1]["outcome"]) == (
        False,
        code,
        "skipped" if code.startswith("idp.") else "failed",
    )
    assert cause in done.verdict["cause"] and cure in done.verdict["cure"]
    assert done.verdict["message"] and done.verdict["hint"]
    assert bool(done.claims) == code.startswith("federation.")
    event = last_event(action="idp.provider.rehearsed")
    assert (event.outcome, event.error_code) == ("refused", code)
    assert FederatedIdentity.objects.count() == 1


def test_a_guest_who_may_come_is_not_found_by_email(
    tenant: PracticeTenant, admin_browser: Browser, administrator: User
) -> None:
    make_person("emmy@fabrikam.example")
    tenant.auto_sign_in = "emmy@fabrikam.example"
    done = rehearse(admin_browser, make_provider(tenant, active=False, allow_guests=True))
    assert done.verdict["code"] == "federation.guest_not_linked"


@pytest.mark.parametrize(
    ("lie", "code", "steps"),
    [
        ({"authorize_error": 65004}, "idp.authorization.refused", ["failed", "skipped", "skipped", "skipped"]),
        (
            {"response": {"id_token": "x"}},
            "federation.response_with_token",
            ["failed", "skipped", "skipped", "skipped"],
        ),
        ({"drop_response": ("code",)}, "federation.code_missing", ["failed", "skipped", "skipped", "skipped"]),
        (
            {"response": {"iss": "https://other.example"}},
            "federation.response_issuer_wrong",
            ["failed", "skipped", "skipped", "skipped"],
        ),
        ({"token_error": 7000215}, "idp.token_endpoint.refused", ["passed", "failed", "skipped", "skipped"]),
        ({"claims": {"nonce": "another"}}, "idp.token.nonce", ["passed", "passed", "failed", "skipped"]),
        ({"corrupt_signature": True}, "idp.token.signature", ["passed", "passed", "failed", "skipped"]),
    ],
)
def test_it_refuses_what_a_sign_in_refuses(
    draft: IdentityProvider,
    tenant: PracticeTenant,
    admin_browser: Browser,
    ada: User,
    lie: dict[str, Any],
    code: str,
    steps: list[str],
) -> None:
    before = traces()
    with tenant.lying(**lie):
        done = rehearse(admin_browser, draft)
    assert (done.succeeded, done.verdict["code"], outcomes(done)) == (False, code, steps)
    assert last_event(action="idp.provider.rehearsed").error_code == code
    assert traces() == before


def test_what_microsoft_says_is_told_with_screen_field_and_numbers_to_quote(
    draft: IdentityProvider, tenant: PracticeTenant, admin_browser: Browser
) -> None:
    with tenant.lying(token_error=7000215):
        done = rehearse(admin_browser, draft)
    step = done.steps[1]
    assert "AADSTS7000215" in step["detail"] and "Certificates & secrets" in step["hint"]
    assert set(step["facts"]) == {"Correlation ID", "Time", "The provider's own words"}
    assert done.verdict["field"] == "Client Secret"
    assert "secret" not in done.verdict["message"]


def test_a_provider_that_was_changed_meanwhile_is_to_be_rehearsed_again(
    draft: IdentityProvider, tenant: PracticeTenant, admin_browser: Browser
) -> None:
    where = admin_browser.at_provider(begin(admin_browser, draft))
    given = provider_input(tenant, client_secret=None, allow_guests=True)
    services.update_provider(actor=OPERATOR, provider=draft, given=given)
    admin_browser.come_back(where)
    done = Rehearsal.objects.get()
    assert (done.succeeded, done.verdict["code"]) == (False, "federation.provider_changed")


def test_an_answer_after_ten_minutes_is_too_late(draft: IdentityProvider, admin_browser: Browser) -> None:
    where = admin_browser.at_provider(begin(admin_browser, draft))
    with travel(timezone.now() + timedelta(minutes=11), tick=True):
        admin_browser.come_back(where)
    assert Rehearsal.objects.get().verdict["code"] == "federation.state_expired"


# --- what is kept of it ----------------------------------------------------------------------------------------------


def test_nothing_secret_is_kept(
    draft: IdentityProvider, tenant: PracticeTenant, admin_browser: Browser, ada: User
) -> None:
    asked = parameters(where := begin(admin_browser, draft))
    came = parameters(back := admin_browser.at_provider(where))
    admin_browser.come_back(back)
    done = Rehearsal.objects.get()
    kept = str([done.steps, done.claims, done.verdict, list(AuditEvent.objects.values())])
    secrets = [asked["nonce"], asked["state"], came["code"], came["session_state"], tenant.client_secret]
    assert [secret for secret in secrets if secret in kept] == []
    assert not {"nonce", "sid", "login_hint", "aio", "rh", "uti"} & set(done.claims)


def test_claims_are_shown_in_words_and_handles_are_not() -> None:
    raw = {
        "iat": 1767000000,
        "amr": ["pwd", "mfa"],
        "address": {"country": "DE"},
        "sub": "x" * 60,
        "xms_handle": "A" * 60,
        "UTI": "short",
        "note": "y \x00" * 200,
    }
    shown = shown_claims(IdTokenClaims("https://i.example", "x", ("c",), 0, 0, raw=raw))
    assert shown["iat"] == "2025-12-29 09:20:00 UTC"
    assert (shown["amr"], shown["address"]) == ("pwd, mfa", '{"country": "DE"}')
    assert set(shown) == {"iat", "amr", "address", "sub", "note"}
    assert "\x00" not in shown["note"] and len(shown["note"]) == 200
