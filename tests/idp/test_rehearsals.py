"""A rehearsal: a real round trip that signs nobody in, and says what a sign-in would have come to."""

from datetime import timedelta
from typing import Any

import pytest
from django.conf import settings
from django.http import HttpResponse
from django.utils import timezone
from time_machine import travel

from idp import activation, certificates, credentials, rehearsals, services
from idp.impact import Act, impact_of
from idp.models import FederatedIdentity, IdentityProvider, Rehearsal, SpentState
from idp.protocol.types import IdTokenClaims
from idp.rehearsal_report import shown_claims
from tests.browsing import Browser, assert_refused, error_code, last_event, parameters
from tests.entra_tenant import PracticeTenant
from tests.factories import OPERATOR, PASSWORD, make_administrator, make_person, make_provider, provider_input
from users.audit import Actor
from users.errors import DirectoryError
from users.models import AdminRole, AuditEvent, State, User, UserSession

PROVIDERS = "/admin/directory-integrations/identity-providers/"
ADA = "ada@contoso.example"


@pytest.fixture
def draft(tenant: PracticeTenant, db: None) -> IdentityProvider:
    """A draft at a tenant that signs in Ada without asking."""
    tenant.auto_sign_in = ADA
    return make_provider(tenant, active=False)


def begin(browser: Browser, provider: IdentityProvider) -> str:
    """Press Rehearse a sign-in, and return where it leads."""
    response = browser.post(f"{PROVIDERS}{provider.pk}/rehearse/")
    assert response.status_code == 303, response.content
    return response["Location"]


def rehearse(browser: Browser, provider: IdentityProvider) -> Rehearsal:
    """Do a whole rehearsal, and return what is stored of it."""
    answer = browser.come_back(browser.at_provider(begin(browser, provider)))
    assert answer.status_code == 303, answer.content.decode()[-2000:]
    done = Rehearsal.objects.order_by("-started_at")[0]
    assert answer["Location"] == f"{PROVIDERS}{provider.pk}/rehearsals/{done.pk}/"
    return done


def outcomes(rehearsal: Rehearsal) -> list[str]:
    """Return how each step ended."""
    return [step["outcome"] for step in rehearsal.steps]


def traces() -> list[str]:
    """Return all that a sign-in would leave behind."""
    return [str(model.objects.order_by("pk").values()) for model in (User, FederatedIdentity, IdentityProvider)]


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


# --- whose answer it is ----------------------------------------------------------------------------------------------


def refused(response: HttpResponse, code: str) -> None:
    """Check that an answer was refused with a page and an audit row, and that nothing was noted."""
    assert_refused(response, code, action="idp.provider.rehearsed")
    assert not Rehearsal.objects.filter(finished_at__isnull=False).exists()


def test_an_answer_works_once(draft: IdentityProvider, admin_browser: Browser, ada: User) -> None:
    where = admin_browser.at_provider(begin(admin_browser, draft))
    assert admin_browser.come_back(where).status_code == 303
    again = admin_browser.come_back(where)
    assert_refused(again, "federation.state_used", action="idp.provider.rehearsed")
    assert Rehearsal.objects.count() == SpentState.objects.count() == 1


def test_two_answers_at_once_are_one(draft: IdentityProvider, admin_browser: Browser, ada: User) -> None:
    where = admin_browser.at_provider(begin(admin_browser, draft))
    session = UserSession.objects.get(realm="admin").session_data
    assert admin_browser.come_back(where).status_code == 303
    # The other answer read the session before the first one wrote it: the database decides.
    UserSession.objects.filter(realm="admin").update(session_data=session)
    assert_refused(admin_browser.come_back(where), "federation.state_used", action="idp.provider.rehearsed")


def test_without_the_admin_portals_session_the_answer_is_nobodys(
    draft: IdentityProvider, admin_browser: Browser
) -> None:
    where = admin_browser.at_provider(begin(admin_browser, draft))
    refused(Browser().come_back(where), "idp.rehearsal_session_missing")
    admin_browser.post("/admin/logout/")
    refused(admin_browser.come_back(where), "idp.rehearsal_session_missing")


def test_a_session_of_the_user_portal_is_no_administrators(
    draft: IdentityProvider, admin_browser: Browser, browser_client: Browser
) -> None:
    where = admin_browser.at_provider(begin(admin_browser, draft))
    person = Browser()
    person.sign_in_with_password(make_person(password=PASSWORD))
    person.cookies[settings.ADMIN_COOKIE_NAMES[settings.SESSION_COOKIE_NAME]] = person.session_cookie
    refused(person.come_back(where), "idp.rehearsal_session_missing")


def test_another_administrators_rehearsal_is_not_hers(draft: IdentityProvider, admin_browser: Browser) -> None:
    where = admin_browser.at_provider(begin(admin_browser, draft))
    other = Browser()
    other.sign_in_as_administrator(make_administrator())
    refused(other.come_back(where), "federation.state_unknown")
    assert admin_browser.come_back(where).status_code == 303


def test_who_has_lost_the_role_meanwhile_is_refused(
    draft: IdentityProvider, admin_browser: Browser, administrator: User
) -> None:
    where = admin_browser.at_provider(begin(admin_browser, draft))
    User.objects.filter(pk=administrator.pk).update(admin_role=AdminRole.READ_ONLY)
    refused(admin_browser.come_back(where), "users.permission_refused")


def test_who_was_suspended_meanwhile_is_refused(
    draft: IdentityProvider, admin_browser: Browser, administrator: User
) -> None:
    where = admin_browser.at_provider(begin(admin_browser, draft))
    User.objects.filter(pk=administrator.pk).update(state=State.SUSPENDED)
    refused(admin_browser.come_back(where), "idp.rehearsal_session_missing")


def test_an_answer_at_another_providers_address_is_a_mix_up(
    draft: IdentityProvider, tenant: PracticeTenant, admin_browser: Browser
) -> None:
    other = make_provider(tenant, active=False, name="Second tenant")
    where = admin_browser.at_provider(begin(admin_browser, draft))
    refused(admin_browser.come_back(where.replace("/entra?", f"/{other.slug}?")), "federation.state_other_provider")
    refused(admin_browser.come_back(where.replace("/entra?", "/nowhere?")), "federation.provider_unavailable")
    assert admin_browser.come_back(where).status_code == 303


@pytest.mark.parametrize("name", ["state", "code", "iss", "error"])
def test_a_parameter_that_comes_twice_is_refused(draft: IdentityProvider, admin_browser: Browser, name: str) -> None:
    where = admin_browser.at_provider(begin(admin_browser, draft))
    refused(admin_browser.come_back(f"{where}&{name}=x&{name}=y"), "federation.parameter_duplicated")


def test_a_posted_answer_says_what_is_wrong_at_the_provider(draft: IdentityProvider, admin_browser: Browser) -> None:
    """Browsers send no cookie of ours along with another site's form."""
    where = admin_browser.at_provider(begin(admin_browser, draft))
    answer = Browser().post("/oauth/callback/entra", parameters(where))
    refused(answer, "federation.response_posted")
    assert admin_browser.post("/oauth/callback/entra", parameters(where)).status_code == 303


def test_a_made_up_state_is_refused(draft: IdentityProvider, admin_browser: Browser) -> None:
    refused(admin_browser.come_back("/oauth/callback/entra?state=rehearsal-x&code=y"), "federation.state_unknown")


def test_a_rehearsals_state_signs_nobody_in(
    provider: IdentityProvider, tenant: PracticeTenant, admin_browser: Browser, ada: User
) -> None:
    """Whoever is lured to finish somebody else's rehearsal gets no session by it."""
    tenant.auto_sign_in = ADA
    where = admin_browser.at_provider(begin(admin_browser, provider))
    victim = Browser()
    refused(victim.come_back(where), "idp.rehearsal_session_missing")
    assert not victim.is_signed_in and not FederatedIdentity.objects.exists()


def test_only_the_five_latest_of_a_browser_are_waited_for(draft: IdentityProvider, admin_browser: Browser) -> None:
    answers = [admin_browser.at_provider(begin(admin_browser, draft)) for _ in range(6)]
    refused(admin_browser.come_back(answers[0]), "federation.state_unknown")
    assert [admin_browser.come_back(where).status_code for where in answers[1:]] == [303] * 5


def test_only_the_twenty_latest_of_a_provider_are_kept(draft: IdentityProvider, administrator: User) -> None:
    actor = Actor(administrator, administrator.label)
    begun = [rehearsals.begin_rehearsal(actor=actor, provider=draft).rehearsal.pk for _ in range(22)]
    assert set(Rehearsal.objects.values_list("pk", flat=True)) == set(begun[2:])


def test_a_rehearsal_that_was_removed_meanwhile_is_not_found(draft: IdentityProvider, admin_browser: Browser) -> None:
    where = admin_browser.at_provider(begin(admin_browser, draft))
    Rehearsal.objects.all().delete()
    assert error_code(admin_browser.come_back(where)) == "idp.rehearsal_not_found"
    assert last_event(action="idp.provider.rehearsed").error_code == "idp.rehearsal_not_found"


def test_a_shell_has_no_browser_to_rehearse_in(draft: IdentityProvider) -> None:
    with pytest.raises(DirectoryError) as caught:
        rehearsals.begin_rehearsal(actor=OPERATOR, provider=draft)
    assert caught.value.code == "idp.rehearsal_session_missing"


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


# --- activation ------------------------------------------------------------------------------------------------------


def activate(browser: Browser, provider: IdentityProvider, **form: str) -> HttpResponse:
    """Confirm the impact dialog as it is now."""
    provider.refresh_from_db()
    fingerprint = impact_of(Act.ACTIVATE, provider).fingerprint
    where = f"{PROVIDERS}{provider.pk}/activate/"
    return browser.post(where, {"fingerprint": fingerprint, "understood": "yes", **form})


def test_a_rehearsal_is_enough_to_activate(draft: IdentityProvider, admin_browser: Browser, ada: User) -> None:
    rehearse(admin_browser, draft)
    assert activate(admin_browser, draft).status_code == 302
    details = last_event(action="idp.provider.activated").details
    assert details["rehearsed"] is True and "without_rehearsal" not in details


def test_without_one_activation_asks_for_a_second_confirmation(draft: IdentityProvider, admin_browser: Browser) -> None:
    refusal = activate(admin_browser, draft)
    page = refusal.content.decode()
    assert refusal.status_code == 409 and "you have not rehearsed a sign-in" in page
    assert page.split('name="understood"')[1].split(">")[0].count("checked") == 1
    assert last_event(action="idp.provider.activated").error_code == "idp.rehearsal_missing"
    assert not IdentityProvider.objects.get().is_active
    assert activate(admin_browser, draft, without_rehearsal="yes").status_code == 302
    details = last_event(action="idp.provider.activated").details
    assert (details["rehearsed"], details["without_rehearsal"]) == (False, True)


@pytest.mark.parametrize(
    "reason",
    ["an hour ago", "another's", "failed", "other settings", "another secret", "promoted secret", "certificate"],
)
def test_some_rehearsals_are_not_enough(
    reason: str, draft: IdentityProvider, tenant: PracticeTenant, admin_browser: Browser, ada: User
) -> None:
    browser = admin_browser
    if reason == "another's":
        browser = Browser()
        browser.sign_in_as_administrator(make_administrator())
    if reason == "failed":
        User.objects.filter(pk=ada.pk).update(state=State.SUSPENDED)
    if reason == "promoted secret":
        credentials.add_next_secret(actor=OPERATOR, provider=draft, client_secret=tenant.add_secret())
    rehearse(browser, draft)
    if reason == "promoted secret":
        credentials.promote_next_secret(actor=OPERATOR, provider=draft)
    if reason == "certificate":
        tenant.add_certificate(certificates.make_next_certificate(actor=OPERATOR, provider=draft).certificate)
        certificates.promote_certificate(actor=OPERATOR, provider=draft)
    if reason == "an hour ago":
        Rehearsal.objects.update(started_at=timezone.now() - timedelta(minutes=61))
    if reason == "other settings":
        given = provider_input(tenant, client_secret=None, allow_guests=True)
        services.update_provider(actor=OPERATOR, provider=draft, given=given)
    if reason == "another secret":
        given = provider_input(tenant, client_secret=tenant.add_secret())
        services.update_provider(actor=OPERATOR, provider=draft, given=given)
    assert activate(admin_browser, draft).status_code == 409
    assert last_event(action="idp.provider.activated").error_code == "idp.rehearsal_missing"


def test_a_failure_after_a_success_takes_nothing_back(
    draft: IdentityProvider, tenant: PracticeTenant, admin_browser: Browser, ada: User
) -> None:
    rehearse(admin_browser, draft)
    tenant.auto_sign_in = "claude@contoso.example"
    rehearse(admin_browser, draft)
    assert activate(admin_browser, draft).status_code == 302


def test_an_operator_is_not_asked_and_the_audit_log_says_that_nobody_rehearsed(
    draft: IdentityProvider, administrator: User
) -> None:
    activation.activate_provider(actor=OPERATOR, provider=draft, understood=True, fingerprint=None)
    details = last_event(action="idp.provider.activated").details
    assert details["rehearsed"] is False and "without_rehearsal" not in details


def test_new_numbers_are_looked_at_before_a_rehearsal_is_asked_for(
    draft: IdentityProvider, admin_browser: Browser
) -> None:
    form = {"fingerprint": "0" * 32, "understood": "yes"}
    refusal = admin_browser.post(f"{PROVIDERS}{draft.pk}/activate/", form)
    page = refusal.content.decode()
    assert refusal.status_code == 409 and "Things have changed" in page
    assert "checked" not in page.split('name="understood"')[1].split(">")[0]
