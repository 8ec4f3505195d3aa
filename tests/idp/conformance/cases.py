"""The cases that a relying party must refuse or survive: what the table after `make test` prints.

The first parts bear the names of the OpenID Foundation's conformance suite. All of them count, also those that the
suite lets a client of the code flow skip. The other parts go beyond the suite.
"""

from collections.abc import Collection
from dataclasses import dataclass
from typing import Literal

Expected = Literal["succeed", "reject", "survive"]
Row = tuple[str, Expected] | tuple[str, Expected, str]


@dataclass(frozen=True)
class Case:
    """One case.

    Attributes:
        slug: its name; tests claim it by the mark `conformance`.
        expected: `succeed`: the person is signed in; `reject`: a refusal; `survive`: what holds goes on to hold.
        codes: with which error codes it may be refused; of a case without any, no code is asked for.
    """

    slug: str
    expected: Expected
    codes: tuple[str, ...] = ()

    def fits(self, seen: Collection[str]) -> bool:
        """Return whether a test that saw these codes may claim the case."""
        return not self.codes or any(code in seen for code in self.codes)


@dataclass(frozen=True)
class Part:
    """A group of cases whose slugs begin alike."""

    title: str
    prefix: str
    cases: tuple[Case, ...]


def _part(title: str, prefix: str, *rows: Row, codes: str = "") -> Part:
    """Return a part; `codes` stands before each row's code, several of which are separated by blanks."""
    return Part(
        title,
        prefix,
        tuple(Case(f"{prefix}{suffix}", expected, _codes(codes, rest)) for suffix, expected, *rest in rows),
    )


def _codes(prefix: str, rest: list[str]) -> tuple[str, ...]:
    return tuple(prefix + code for code in rest[0].split()) if rest else ()


PARTS = (
    _part(
        "OpenID Connect relying party",
        "oidcc-client-test",
        ("", "succeed"),
        ("-idtoken-sig-rs256", "succeed"),
        ("-scope-userinfo-claims", "succeed"),
        ("-client-secret-basic", "succeed"),
        ("-invalid-iss", "reject", "idp.token.issuer"),
        ("-invalid-aud", "reject", "idp.token.audience"),
        ("-missing-aud", "reject", "idp.token.audience_missing"),
        ("-missing-sub", "reject", "idp.token.subject_missing"),
        ("-missing-iat", "reject", "idp.token.issued_at_missing"),
        ("-nonce-invalid", "reject", "idp.token.nonce"),
        ("-invalid-sig-rs256", "reject", "idp.token.signature"),
        ("-invalid-sig-es256", "reject", "idp.token.signature"),
        ("-invalid-sig-hs256", "reject", "idp.token.algorithm"),
        ("-idtoken-sig-none", "reject", "idp.token.unsigned"),
        ("-kid-absent-single-jwks", "succeed"),
        ("-kid-absent-multiple-jwks", "reject", "idp.token.key_ambiguous"),
        # Nothing is asked of the userinfo endpoint, so that it can lie as it likes.
        ("-userinfo-invalid-sub", "survive"),
        ("-invalid-athash", "reject", "idp.token.access_token_hash"),
        # Tokens in the authorization response are refused whatever they hold; from the token endpoint, where both
        # hashes are optional and Entra sends neither, a token without them is accepted.
        ("-missing-athash", "reject", "federation.response_with_token"),
        ("-invalid-chash", "reject", "idp.token.code_hash"),
        ("-missing-chash", "reject", "federation.response_with_token"),
        ("-discovery-openid-config", "succeed"),
        ("-discovery-jwks-uri-keys", "succeed"),
        ("-discovery-issuer-mismatch", "reject", "idp.discovery.issuer_mismatch"),
        ("-signing-key-rotation", "succeed"),
        ("-signing-key-rotation-just-before-signing", "succeed"),
        ("-form-post-error", "reject", "federation.response_posted"),
        ("-3rd-party-init-login", "succeed"),
    ),
    _part(
        "OpenID Connect relying party: refresh tokens and logout",
        "oidcc-client-test",
        ("-refresh-token", "succeed"),
        ("-refresh-token-invalid-issuer", "reject", "idp.token.issuer"),
        ("-refresh-token-invalid-sub", "reject", "idp.token.subject_changed"),
        ("-rp-init-logout", "survive"),
        ("-rp-init-logout-other-state", "survive"),
        ("-rp-init-logout-no-state", "survive"),
        ("-rp-frontchannel-rpinitlogout", "succeed"),
        ("-rp-frontchannel-opinitlogout", "succeed"),
        ("-rp-backchannel-rpinitlogout", "succeed"),
        ("-rp-backchannel-rpinitlogout-alg-none", "reject", "idp.logout_token.unsigned"),
        ("-rp-backchannel-rpinitlogout-no-event", "reject", "idp.logout_token.events_missing"),
        ("-rp-backchannel-rpinitlogout-with-nonce", "reject", "idp.logout_token.nonce"),
        ("-rp-backchannel-rpinitlogout-wrong-alg", "reject", "idp.logout_token.algorithm"),
        ("-rp-backchannel-rpinitlogout-wrong-aud", "reject", "idp.logout_token.audience"),
        ("-rp-backchannel-rpinitlogout-wrong-event", "reject", "idp.logout_token.event"),
        ("-rp-backchannel-rpinitlogout-wrong-iss", "reject", "idp.logout_token.issuer"),
    ),
    _part(
        "FAPI 2.0 client",
        "fapi2-security-profile-final-client-test-",
        ("ensure-authorization-response-with-invalid-state-fails", "reject", "federation.state_unknown"),
        ("ensure-authorization-response-with-invalid-missing-state-fails", "reject", "federation.state_missing"),
        ("invalid-authorization-response-iss", "reject", "federation.response_issuer_wrong"),
        ("remove-authorization-response-iss", "reject", "federation.response_issuer_missing"),
        ("invalid-missing-nonce", "reject", "idp.token.nonce_missing"),
        ("invalid-expired-exp", "reject", "idp.token.expired"),
        ("invalid-missing-exp", "reject", "idp.token.expiry_missing"),
        ("invalid-missing-iss", "reject", "idp.token.issuer"),
        ("invalid-alternate-alg", "reject", "idp.token.algorithm"),
        ("invalid-null-alg", "reject", "idp.token.unsigned"),
        ("invalid-secondary-aud", "reject", "idp.token.azp_missing"),
        ("valid-aud-as-array", "succeed"),
        ("token-type-case-insensitivity", "succeed"),
    ),
    _part(
        "ID token",
        "id-token-",
        ("exp-missing", "reject", "expiry_missing"),
        ("exp-a-string", "reject", "expiry_malformed"),
        ("exp-past-beyond-leeway", "reject", "expired"),
        ("nbf-ahead", "reject", "not_before"),
        ("iat-older-than-10-minutes", "reject", "too_old"),
        ("iat-ahead-beyond-leeway", "reject", "issued_in_future"),
        ("second-aud-without-azp", "reject", "azp_missing"),
        ("azp-of-another-client", "reject", "azp"),
        ("crit-unknown", "reject", "critical_header"),
        ("key-for-encryption", "reject", "key_unusable"),
        ("two-keys-with-one-kid", "reject", "key_ambiguous"),
        ("jwk-without-alg", "succeed"),
        ("rsa-key-under-2048-bits", "reject", "key_too_short"),
        ("alg-outside-the-list", "reject", "algorithm"),
        ("hs256-with-the-public-key", "reject", "algorithm"),
        ("hs256-with-the-client-secret", "reject", "algorithm"),
        ("header-jku-ignored", "reject", "signature"),
        ("header-jwk-ignored", "reject", "signature"),
        ("header-x5u-ignored", "reject", "signature"),
        ("header-x5c-ignored", "reject", "signature"),
        ("more-than-16-kib", "reject", "too_large"),
        ("not-three-segments", "reject", "malformed"),
        ("json-that-is-no-object", "reject", "malformed"),
        ("nested-1000-deep", "reject", "malformed"),
        codes="idp.token.",
    ),
    _part(
        "Entra",
        "entra-",
        ("tid-other-than-configured", "reject", "tenant"),
        ("tid-other-than-in-iss", "reject", "issuer"),
        ("no-oid", "reject", "object_id_missing"),
        ("ver-1.0", "reject", "version"),
        ("guest-by-acct", "reject", "guest"),
        ("guest-by-idp", "reject", "guest"),
        ("guest-where-guests-are-allowed", "succeed"),
        ("key-of-another-tenant", "reject", "key_issuer"),
        codes="idp.token.",
    ),
    _part(
        "First link",
        "first-link-",
        ("email-of-an-administrator", "reject", "person_is_administrator"),
        ("email-of-a-person-linked-to-another-subject", "reject", "person_linked_elsewhere"),
        ("email-shared-by-two-people", "reject", "match_ambiguous person_linked_elsewhere"),
        ("email-of-a-suspended-person", "reject", "person_suspended"),
        ("email-of-a-staged-person", "reject", "person_staged"),
        ("email-differing-only-in-case", "succeed"),
        ("email-with-a-unicode-look-alike", "reject", "email_not_plain"),
        ("email-outside-the-domains", "reject", "email_outside_domains"),
        ("xms-edov-false", "reject", "email_unverified"),
        ("two-first-sign-ins-at-once", "succeed"),
        codes="federation.",
    ),
    _part(
        "Authorization response",
        "response-",
        ("state-unknown", "reject", "federation.state_unknown"),
        ("state-used", "reject", "federation.state_used"),
        ("state-expired", "reject", "federation.state_expired"),
        ("state-of-another-browser", "reject", "federation.state_unknown"),
        ("state-of-another-provider", "reject", "federation.state_other_provider"),
        ("four-concurrent-replays", "reject", "federation.state_used"),
        ("iss-of-another-issuer", "reject", "federation.response_issuer_wrong"),
        ("iss-missing-where-advertised", "reject", "federation.response_issuer_missing"),
        ("parameters-duplicated", "reject", "federation.parameter_duplicated"),
        ("error-without-a-valid-state", "survive", "federation.state_missing federation.state_unknown"),
        ("access-denied-shows-why", "reject", "idp.authorization.refused"),
        ("next-with-two-slashes", "survive"),
        ("next-with-backslashes", "survive"),
        ("next-with-a-scheme-alone", "survive"),
        ("next-encoded", "survive"),
    ),
    _part(
        "Session",
        "session-",
        ("key-cycled-at-every-sign-in", "survive"),
        ("key-cycled-at-re-authentication", "survive"),
        ("of-a-deactivated-person-ends-at-the-next-request", "survive"),
        ("federated-never-opens-the-admin-portal", "survive"),
        ("authenticate-not-reached-by-another-form", "survive"),
    ),
    _part(
        "Network",
        "network-",
        ("down", "reject", "idp.http.connection_broken"),
        ("refuses", "reject", "idp.http.connection_failed"),
        ("resets-mid-body", "reject", "idp.http.connection_broken"),
        ("html", "reject", "idp.http.not_json"),
        ("json-list", "reject", "idp.http.not_json"),
        ("no-id-token", "reject", "idp.token_endpoint.id_token_missing"),
        ("200-mib", "reject", "idp.http.too_large"),
        ("gzip-bomb", "reject", "idp.http.too_large"),
        ("one-byte-a-second", "reject", "idp.http.timeout"),
        ("redirect-307", "reject", "idp.http.redirect"),
        ("netrc-and-proxies-ignored", "succeed"),
        ("jwks-fails-after-a-good-one", "survive"),
        ("key-rotation", "succeed"),
        ("storm-of-unknown-kid", "survive", "idp.token.key_unknown"),
        ("many-threads-on-a-cold-cache", "succeed"),
        ("worker-held-8-seconds-at-most", "reject", "idp.http.timeout"),
    ),
    _part(
        "Discovery",
        "discovery-",
        ("issuer-another", "reject", "idp.discovery.issuer_mismatch"),
        ("endpoint-on-another-host", "reject", "idp.discovery.endpoint_host"),
        ("endpoint-on-http", "reject", "idp.discovery.endpoint_insecure"),
        ("endpoint-on-a-private-address", "reject", "idp.http.address_blocked"),
        ("name-that-resolves-to-a-private-address", "reject", "idp.http.address_blocked"),
        ("name-that-resolves-to-a-private-address-later", "reject", "idp.http.address_blocked"),
    ),
)  # fmt: skip
CASES = {case.slug: case for part in PARTS for case in part.cases}
