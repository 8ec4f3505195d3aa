"""What a provider's error means and what is shown of it (reference/entra.md 1.6, RFC 6749, OIDC Core 3.1.2.6)."""

import re
from functools import partial
from html import escape
from urllib.parse import quote, quote_plus

import pytest

from idp.protocol.aadsts import OAuthFailure, advice_for, ends_grant, is_temporary, parse_failure
from idp.protocol.oauth_errors import AuthorizationRefused, GrantEnded, TokenEndpointRefused
from idp.protocol.redaction import MASK, clean

CORRELATION = "0a1b2c3d-1111-4222-8333-444455556666"
TRACE = "99998888-7777-4666-8555-444433332222"

# Every number of reference/entra.md 1.6: what the cause and the cure have to speak of, and our form field.
NUMBERS = {
    7000215: ("secret is wrong", "Value (not the Secret ID)", "client_secret"),
    7000222: ("secret has expired", "note its expiry", "client_secret"),
    7000218: ("No client secret", "Certificates & secrets", "client_secret"),
    700025: ("public client", "Web platform", "client_id"),
    700027: ("certificate", "thumbprint", "certificate"),
    50012: ("certificate", "thumbprint", "certificate"),
    50013: ("assertion", "clock", "certificate"),
    700016: ("does not exist in this tenant", "Application (client) ID", "client_id"),
    7000112: ("disabled", "Enterprise applications", "client_id"),
    70001: ("disabled", "Enterprise applications", "client_id"),
    90002: ("tenant", "Overview", "url"),
    90038: ("another national cloud", "sign-in host", "url"),
    900382: ("another national cloud", "sign-in host", "url"),
    900432: ("national clouds", "sign-in host", "url"),
    50194: ("/common", "Directory (tenant) ID", "url"),
    50011: ("redirect URI", "Authentication", ""),
    70004: ("redirect URI", "under Web", ""),
    500113: ("No redirect URI", "under Web", ""),
    900971: ("no redirect URI", "under Web", ""),
    700054: ("ID tokens", "code flow", ""),
    50105: ("not assigned", "Assignment required", ""),
    65001: ("consented", "Grant admin consent", ""),
    90094: ("consented", "Grant admin consent", ""),
    65004: ("cancelled", "Grant admin consent", ""),
    650056: ("permissions", "API permissions", ""),
    53003: ("Conditional Access", "Sign-in logs, by the correlation ID", ""),
    53000: ("compliant device", "Sign-in logs, by the correlation ID", ""),
    53001: ("joined", "Sign-in logs, by the correlation ID", ""),
    53002: ("approved client", "Sign-in logs, by the correlation ID", ""),
    50131: ("Conditional Access", "Sign-in logs, by the correlation ID", ""),
    530032: ("security policy", "Sign-in logs, by the correlation ID", ""),
    530035: ("security defaults", "Sign-in logs, by the correlation ID", ""),
    50076: ("Multi-factor", "Start the sign-in again", ""),
    50079: ("enrol", "Start the sign-in again", ""),
    50074: ("Strong authentication", "Start the sign-in again", ""),
    50072: ("enrol", "Start the sign-in again", ""),
    50020: ("not invited", "allow guests", ""),
    50034: ("does not exist", "another account", ""),
    51004: ("does not exist", "another account", ""),
    90072: ("external", "another account", ""),
    50057: ("disabled", "Account enabled", ""),
    50055: ("expired", "new password", ""),
    50053: ("locked", "Sign-in logs", ""),
    50126: ("password is wrong", "reset", ""),
    50058: ("no session", "interactively", ""),
    54005: ("redeemed before", "Start the sign-in again", ""),
    70008: ("expired", "Start the sign-in again", ""),
    9002313: ("malformed", "Start the sign-in again", ""),
    501481: ("verifier", "Start the sign-in again", ""),
    700005: ("another tenant", "Start the sign-in again", ""),
    50173: ("revoked", "signs in again", ""),
    70043: ("sign-in frequency", "signs in again", ""),
    700082: ("not used", "signs in again", ""),
    50132: ("password", "signs in again", ""),
    50133: ("password", "signs in again", ""),
    50196: ("loop", "automatic retry", ""),
    90033: ("temporarily unavailable", "Try again", ""),
    90006: ("temporarily unavailable", "Try again", ""),
    50033: ("temporarily unavailable", "Try again", ""),
}
# Beyond that table: of 1.3 and 1.8, and of what goes wrong while a redirect URI is being registered.
FURTHER = {
    700024: ("outside its time", "NTP", "certificate"),
    7000229: ("enterprise application", "Overview", "client_id"),
    9002327: ("single-page", "under Web", "client_id"),
    50146: ("signing key", "claims mapping", ""),
    500112: ("differs", "under Web", ""),
}
ENDED = {50173, 70043, 700082, 50132, 50133, 70008}
BUSY = {90033, 90006, 50033}
FIELDS = {"", "url", "client_id", "client_secret", "certificate"}


@pytest.mark.parametrize(("number", "row"), (NUMBERS | FURTHER).items(), ids=str)
def test_every_documented_number_has_advice_of_its_own(number, row):
    cause, cure, field = row
    advice = advice_for(OAuthFailure("unheard_of", number))
    assert cause in advice.cause
    assert cure in advice.cure
    assert advice.field == field
    for text in filter(None, (advice.cause, advice.cure, advice.person)):
        assert text.endswith(".")
        assert "AADSTS" not in text
    assert is_temporary(OAuthFailure("x", number)) == (number in BUSY)


def test_no_row_of_the_reference_was_forgotten():
    assert len(NUMBERS) == 59


@pytest.mark.parametrize("number", sorted(ENDED))
def test_the_numbers_of_an_ended_session_say_so(number):
    assert advice_for(OAuthFailure("x", number)).ends_session is True
    assert ends_grant(OAuthFailure("invalid_grant", number))


@pytest.mark.parametrize("number", [n for n, row in (NUMBERS | FURTHER).items() if row[2] or n in BUSY | {50196}])
def test_our_settings_and_an_outage_never_end_a_session(number):
    assert not ends_grant(OAuthFailure("invalid_grant", number))


@pytest.mark.parametrize("number", [50105, 65001, 53003, 53000, 50076, 50020, 50057, 50055, 50053, 65004, 50173])
def test_where_people_can_do_something_they_are_told(number):
    person = AuthorizationRefused(OAuthFailure("access_denied", number)).message
    assert person != AuthorizationRefused(OAuthFailure("weird")).message
    assert "Entra" not in person


# RFC 6749 sections 4.1.2.1 and 5.2, OIDC Core 3.1.2.6, RFC 8707 section 2: word, cause, cure, field.
WORDS = [
    ("invalid_request", "malformed", "Redirect URI", ""),
    ("unauthorized_client", "may not use", "authorization code grant", "client_id"),
    ("access_denied", "declined", "policies", ""),
    ("unsupported_response_type", "code flow", "response type", ""),
    ("invalid_scope", "scope", "openid, profile and email", ""),
    ("server_error", "failed", "status page", ""),
    ("temporarily_unavailable", "overloaded", "few minutes", ""),
    ("invalid_client", "client ID and secret", "Compare Client ID and Client Secret", "client_secret"),
    ("invalid_grant", "used before", "Start the sign-in again", ""),
    ("unsupported_grant_type", "grant type", "authorization code grant", ""),
    ("interaction_required", "ask the person", "starts the sign-in again", ""),
    ("login_required", "no session", "starts the sign-in again", ""),
    ("account_selection_required", "several sessions", "picks one", ""),
    ("consent_required", "Consent", "Grant admin consent", ""),
    ("invalid_request_uri", "request_uri", "nothing between", ""),
    ("invalid_request_object", "request object", "nothing between", ""),
    ("request_not_supported", "request object", "nothing between", ""),
    ("request_uri_not_supported", "request_uri", "nothing between", ""),
    ("registration_not_supported", "registration", "nothing between", ""),
    ("invalid_resource", "resource", "API permissions", ""),
    ("invalid_target", "resource", "API permissions", ""),
]


@pytest.mark.parametrize(("word", "cause", "cure", "field"), WORDS)
def test_every_documented_word_has_advice(word, cause, cure, field):
    advice = advice_for(OAuthFailure(word))
    assert cause in advice.cause
    assert cure in advice.cure
    assert (advice.field, advice.cause[-1], advice.cure[-1]) == (field, ".", ".")
    assert is_temporary(OAuthFailure(word)) == (word in {"server_error", "temporarily_unavailable"})


def test_an_unknown_number_falls_back_to_the_word_and_an_unknown_word_to_a_general_cure():
    assert advice_for(OAuthFailure("invalid_scope", 1)) == advice_for(OAuthFailure("invalid_scope"))
    assert "sign-in log" in advice_for(OAuthFailure("weird", 1)).cure


def test_one_word_means_another_thing_at_a_refresh():
    failure = OAuthFailure("invalid_grant")
    assert "code was used before" in TokenEndpointRefused(failure).admin_detail
    ended = GrantEnded(failure)
    assert "ended the person's session" in ended.admin_detail
    assert (ended.http_status, ended.exit_status, ended.field) == (403, 3, "")


# What is kept of a response.


def entra_text(text="The user is not assigned."):
    return (
        f"AADSTS50105: {text}\r\nTrace ID: {TRACE}\r\nCorrelation ID: {CORRELATION}\r\nTimestamp: 2026-01-02 03:04:05Z"
    )


def test_a_redirect_is_read_from_its_text():
    failure = parse_failure({"error": "access_denied", "error_description": entra_text()})
    text = " ".join(entra_text().split())
    assert failure == OAuthFailure("access_denied", 50105, CORRELATION, "2026-01-02 03:04:05Z", TRACE, text)


def test_a_body_is_read_from_its_members():
    body = {
        "error": "invalid_client", "error_codes": [7000215], "trace_id": TRACE, "correlation_id": CORRELATION,
        "timestamp": "2026-01-02 03:04:05Z", "error_description": "AADSTS1111: text",
    }  # fmt: skip
    expected = OAuthFailure("invalid_client", 7000215, CORRELATION, "2026-01-02 03:04:05Z", TRACE, "AADSTS1111: text")
    assert parse_failure(body) == expected


@pytest.mark.parametrize(
    "body",
    [
        {}, {"error": 7}, {"error": "<script>", "error_description": ["x"]}, {"error": "x" * 99, "error_codes": [True]},
        {"error_codes": ["7000215"], "correlation_id": "<b>", "timestamp": {"a": 1}}, {"error_codes": [-5]},
        {"trace_id": "trace", "error_description": 7},
    ],
)  # fmt: skip
def test_an_odd_failure_is_reduced_to_safe_facts(body):
    assert parse_failure(body) == OAuthFailure("unknown_error")


@pytest.mark.parametrize("error", [TokenEndpointRefused, AuthorizationRefused, GrantEnded])
def test_administrators_get_the_facts_and_people_do_not(error):
    failure = parse_failure({"error": "access_denied", "error_description": entra_text("Secret policy name.")})
    refusal = error(failure)
    context = refusal.context
    assert (context["trace_id"], context["correlation_id"], context["aadsts"]) == (TRACE, CORRELATION, 50105)
    assert "Secret policy name." in context["upstream_text"]
    assert "Secret policy name." not in f"{refusal.message}{refusal.hint}{refusal!r}{refusal}{failure!r}"


@pytest.mark.parametrize(
    ("text", "cleaned"),
    [
        ("a\x00b\x1b[31m\r\n\tc\u202e\u2028d", "a b [31m c d"), ("  ", ""), ("<b>kept</b>", "<b>kept</b>"),
        ("x " * 4000, ("x " * 250)[:499] + "…"), ("é" * 501, "é" * 499 + "…"), ("é" * 500, "é" * 500),
    ],
    ids=range(6),
)  # fmt: skip
def test_upstream_text_is_clean_and_short(text, cleaned):
    failure = parse_failure({"error": "x", "error_description": text})
    assert failure.upstream_text == cleaned


SECRET = "q8Z~s+e/c&r=e t%é'\"<x>"


@pytest.mark.parametrize(
    "template",
    ["secret {}", "'{}'", "x{}x", "{}{}", "cut {:.12}", "sent {:.12}... and more"],
)
@pytest.mark.parametrize("spelling", [str, partial(quote, safe=""), quote_plus, escape], ids=range(4))
def test_what_we_sent_is_never_quoted_back(template, spelling):
    spelled = spelling(SECRET)
    shown = parse_failure({"error": "x", "error_description": template.format(spelled, spelled)}, redact=[SECRET])
    pieces = {spelled[start : start + 8] for start in range(len(spelled) - 7)}
    assert not [piece for piece in pieces if piece in shown.upstream_text]
    assert MASK in shown.upstream_text


@pytest.mark.parametrize(
    "secret",
    [
        "eyJhbGciOiJQUzI1NiJ9.eyJpc3MiOiJ4In0.c2lnbmF0dXJl", "abc8Q~" + "D" * 34, "1.A" + "x9_-" * 30, "f0" * 32,
        "v3rifier." * 6, "eyJhbGciOiJ9.e30.c2ln", "abc8Q~" + "D" * 20,
    ],
)  # fmt: skip
def test_what_looks_like_a_credential_is_removed_unasked(secret):
    assert clean(f"before '{secret}', after") == f"before '{MASK}', after"


def test_what_an_administrator_needs_stays():
    text = (
        f"AADSTS700027: Thumbprint of key used by client: '{'0A1B2' * 8}', Correlation ID: {CORRELATION}, see "
        "https://login.microsoftonline.com/error?code=700027 for the app 'Gatehouse'(f3d1)."
    )
    assert clean(text, ["", "f3d", "c0de-that-was-sent"]) == text


@pytest.mark.parametrize("text", ["a" * 4000, "eyJ" * 1300, "1." * 2000, "~Q8" * 1300])
def test_odd_texts_are_cleaned_in_no_time(text):
    assert len(clean(text, [text[::-1][:2000]])) <= 500


def test_messages_hold_no_placeholder():
    assert not re.search(r"[{}]", AuthorizationRefused(OAuthFailure("x", 50105)).message)
