"""The tenant's refusals, numbered and worded in the manner of Entra's `AADSTS` codes."""

from __future__ import annotations

import time
import uuid
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True)
class Aadsts:
    """One known refusal: OAuth error, HTTP status and text with gaps."""

    error: str
    status: int
    text: str


_REQUEST, _CLIENT, _GRANT = "invalid_request", "invalid_client", "invalid_grant"
_INTERACTION, _DENIED = "interaction_required", "access_denied"

CATALOGUE: dict[int, Aadsts] = {
    50011: Aadsts(_REQUEST, 400, "The redirect URI '{redirect_uri}' is not one of those registered for '{client_id}'."),
    50012: Aadsts(_CLIENT, 401, "The client could not be authenticated by its certificate: {reason}."),
    50013: Aadsts(_CLIENT, 401, "The client assertion is not valid: {reason}."),
    500112: Aadsts(_CLIENT, 400, "The reply address differs from the one with which the code was requested."),
    500113: Aadsts(_REQUEST, 400, "No reply address is registered for the application."),
    50020: Aadsts(_DENIED, 400, "The user account is from another directory and must be invited first."),
    50027: Aadsts(_REQUEST, 400, "The token is not a valid JWT."),
    50033: Aadsts("temporarily_unavailable", 503, "A retryable error has occurred."),
    50034: Aadsts(_GRANT, 400, "The user account does not exist in this directory."),
    50053: Aadsts(_GRANT, 400, "The account is locked after too many sign-in attempts."),
    50055: Aadsts(_GRANT, 400, "The password is expired."),
    50057: Aadsts(_GRANT, 400, "The user account is disabled."),
    50058: Aadsts("login_required", 400, "A silent sign-in was asked for, but nobody is signed in."),
    50072: Aadsts(_INTERACTION, 400, "The user must enroll for multi-factor authentication to go on."),
    50074: Aadsts(_INTERACTION, 400, "Strong authentication is required."),
    50076: Aadsts(_INTERACTION, 400, "The user must use multi-factor authentication."),
    50079: Aadsts(_INTERACTION, 400, "The user must enroll for multi-factor authentication."),
    50105: Aadsts(_DENIED, 400, "The user is not assigned to a role for the application '{client_id}'."),
    50126: Aadsts(_GRANT, 400, "Invalid user name or password."),
    50131: Aadsts(_INTERACTION, 400, "The device is not in the state that a policy requires."),
    50132: Aadsts(_GRANT, 400, "The session ended because the password was changed or reset."),
    50133: Aadsts(_GRANT, 400, "The session ended because the password expired or was changed."),
    50146: Aadsts(_REQUEST, 400, "The application needs its own signing key: add appid to the discovery request."),
    50173: Aadsts(_GRANT, 400, "The grant was revoked; a new sign-in is needed."),
    50194: Aadsts(_REQUEST, 400, "The application is single-tenant and cannot be used with /common."),
    50196: Aadsts(_REQUEST, 400, "The client is in a request loop."),
    51004: Aadsts(_GRANT, 400, "The user account does not exist in the directory."),
    53000: Aadsts(_INTERACTION, 400, "The device does not comply with policy."),
    53001: Aadsts(_INTERACTION, 400, "The device is not joined to the domain, as policy requires."),
    53002: Aadsts(_INTERACTION, 400, "The application is not an approved one, as policy requires."),
    53003: Aadsts(_DENIED, 400, "Access was blocked by a Conditional Access policy."),
    54005: Aadsts(_GRANT, 400, "The authorization code was already redeemed; sign in again for a new one."),
    530032: Aadsts(_DENIED, 400, "The tenant's security policy blocked the sign-in."),
    530035: Aadsts(_DENIED, 400, "The tenant's security defaults blocked the sign-in."),
    65001: Aadsts("consent_required", 400, "Nobody has consented to the application '{client_id}'."),
    65004: Aadsts(_DENIED, 400, "The user declined to consent."),
    650056: Aadsts("unauthorized_client", 400, "The application asks for no permission: add openid and profile."),
    70001: Aadsts("unauthorized_client", 400, "The application is disabled."),
    70003: Aadsts("unsupported_grant_type", 400, "The grant type '{grant_type}' is not supported."),
    70004: Aadsts(_REQUEST, 400, "The redirect URI is not valid for the application."),
    70008: Aadsts(_GRANT, 400, "The authorization code or refresh token is expired; sign in again."),
    70011: Aadsts("invalid_scope", 400, "The value of 'scope' is not valid: '{scope}'."),
    70043: Aadsts(_GRANT, 400, "The refresh token has expired: a sign-in frequency is set by policy."),
    700082: Aadsts(_GRANT, 400, "The refresh token has expired because it was not used for too long."),
    700005: Aadsts(_GRANT, 400, "The code was meant for another tenant."),
    700016: Aadsts("unauthorized_client", 400, "The application '{client_id}' was not found in the directory."),
    700025: Aadsts(_CLIENT, 401, "The client is public: neither secret nor assertion may be sent."),
    700024: Aadsts(_CLIENT, 401, "The client assertion is not within its valid time range."),
    700027: Aadsts(_CLIENT, 401, "The client assertion failed its check: {reason}."),
    700054: Aadsts("unsupported_response_type", 400, "response_type 'id_token' is not enabled for the application."),
    7000112: Aadsts("unauthorized_client", 400, "The application '{client_id}' is disabled."),
    7000215: Aadsts(
        _CLIENT, 401, "Invalid client secret: send the secret's value, not its id, for the application '{client_id}'."
    ),
    7000218: Aadsts(_CLIENT, 401, "The request must carry 'client_assertion' or 'client_secret'."),
    7000222: Aadsts(_CLIENT, 401, "The client secret of the application '{client_id}' is expired: create a new one."),
    90002: Aadsts("invalid_tenant", 400, "Tenant '{tenant}' not found. Check the tenant id and the cloud."),
    90006: Aadsts("temporarily_unavailable", 503, "The service is temporarily unavailable."),
    90014: Aadsts(_REQUEST, 400, "The required field '{name}' is missing."),
    90023: Aadsts(_REQUEST, 400, "The request is not valid: {reason}."),
    90033: Aadsts("temporarily_unavailable", 503, "A transient error has occurred; try again."),
    90038: Aadsts(_REQUEST, 400, "The tenant is in another national cloud."),
    900382: Aadsts(_REQUEST, 400, "The request may not cross over to another national cloud."),
    900432: Aadsts(_REQUEST, 400, "A confidential client is not supported across national clouds."),
    90072: Aadsts(_DENIED, 400, "The external user account does not exist in the directory."),
    90094: Aadsts("consent_required", 400, "An administrator must consent to the application."),
    900144: Aadsts(_REQUEST, 400, "The request must carry the parameter '{name}'."),
    900561: Aadsts(_REQUEST, 400, "The endpoint only accepts {allowed} requests."),
    900971: Aadsts(_REQUEST, 400, "No reply address was provided."),
    501481: Aadsts(_GRANT, 400, "The code_verifier does not match the code_challenge of the authorization request."),
    1002012: Aadsts("invalid_scope", 400, "The scope '{scope}' of a client credentials request must end in /.default."),
    9000411: Aadsts(_REQUEST, 400, "The parameter '{name}' is duplicated."),
    9002313: Aadsts(_GRANT, 400, "Invalid request: it is malformed."),
    9002325: Aadsts(_REQUEST, 400, "Proof Key for Code Exchange with S256 is required."),
    9002326: Aadsts(_REQUEST, 400, "A cross-origin request must not carry a client secret."),
}


class _Gaps(dict[str, str]):
    """Leaves a gap that nobody filled visible instead of failing."""

    def __missing__(self, key: str) -> str:
        return f"<{key}>"


@dataclass(eq=False)
class TenantRefusal(Exception):
    """The tenant says no: `code` names the reason, `values` fill the gaps of its text."""

    code: int
    values: dict[str, str] = field(default_factory=dict)
    error: str = ""
    trace_id: str = field(default_factory=lambda: str(uuid.uuid4()))
    correlation_id: str = field(default_factory=lambda: str(uuid.uuid4()))
    moment: float = field(default_factory=time.time)

    @property
    def known(self) -> Aadsts:
        """The catalogue's entry; a code that a test made up is an invalid request."""
        return CATALOGUE.get(self.code, Aadsts(_REQUEST, 400, "No text is known for this code."))

    @property
    def status(self) -> int:
        """The HTTP status of the answer."""
        return self.known.status

    @property
    def oauth_error(self) -> str:
        """The `error` member; an endpoint may need another one than the catalogue's."""
        return self.error or self.known.error

    @property
    def timestamp(self) -> str:
        """When it happened, in Entra's notation."""
        return time.strftime("%Y-%m-%d %H:%M:%SZ", time.gmtime(self.moment))

    @property
    def text(self) -> str:
        """One line for a person."""
        return self.known.text.format_map(_Gaps(self.values))

    def description(self) -> str:
        """The `error_description`: text and the ids by which an administrator finds the log entry."""
        return (
            f"AADSTS{self.code}: {self.text} Trace ID: {self.trace_id} "
            f"Correlation ID: {self.correlation_id} Timestamp: {self.timestamp}"
        )

    def body(self, base_url: str) -> dict[str, Any]:
        """The JSON answer of an endpoint that no browser sees."""
        return {
            "error": self.oauth_error,
            "error_description": self.description(),
            "error_codes": [self.code],
            "timestamp": self.timestamp,
            "trace_id": self.trace_id,
            "correlation_id": self.correlation_id,
            "error_uri": f"{base_url}/error?code={self.code}",
        }

    def plain_body(self) -> dict[str, Any]:
        """The JSON answer of a plain OpenID provider (RFC 6749 section 5.2)."""
        return {"error": self.oauth_error, "error_description": self.text}


def refuse(code: int, *, error: str = "", **values: str) -> TenantRefusal:
    """A refusal, ready to be raised."""
    return TenantRefusal(code, values, error)
