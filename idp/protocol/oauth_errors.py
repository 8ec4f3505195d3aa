"""Refusals that the provider itself utters, and token responses that cannot be used."""

from typing import ClassVar

from idp.protocol.aadsts import OAuthFailure, advice_for
from idp.protocol.aadsts_table import Advice
from users.errors import DirectoryError


def _detail(failure: OAuthFailure, advice: Advice) -> str:
    number = f"AADSTS{failure.aadsts}" if failure.aadsts else ""
    return f"{advice.cause} ({', '.join(filter(None, (failure.oauth_error, number)))})"


class UpstreamOAuthError(DirectoryError):
    """Base: an OAuth error response. The person reads `message`; the administrator reads `admin_detail`.

    `context` holds everything about the failure, the provider's own words (`upstream_text`) and its log numbers
    included: for administrators' pages and the audit log. A person's page shows `message` and `hint`, never `context`.

    Attributes:
        failure: the safe part of the response.
        admin_detail: the cause, for the administrator, with Microsoft's number where there is one.
        admin_hint: the cure, naming the screen at the provider and our field.
    """

    message = "Your identity provider refused the sign-in."
    hint = "Try again; if it happens again, give your administrator the reference number."
    http_status = 502
    exit_status = 5
    refreshing: ClassVar[bool] = False

    def __init__(self, failure: OAuthFailure) -> None:
        advice = advice_for(failure, refreshing=self.refreshing)
        self.failure = failure
        self.admin_detail = _detail(failure, advice)
        self.admin_hint = advice.cure
        self.message = advice.person or self.message
        super().__init__(field=advice.field, **failure.facts())


class TokenEndpointRefused(UpstreamOAuthError):
    """The token endpoint answered with an error (RFC 6749 section 5.2)."""

    code = "idp.token_endpoint.refused"


class GrantEnded(UpstreamOAuthError):
    """A refresh was refused for good: the person has to sign in again (RFC 6749 section 5.2, OIDC Core 12).

    Wrong credentials of ours and a provider in trouble are never reported as this.
    """

    code = "idp.token_endpoint.grant_ended"
    message = "Your identity provider has ended your session there."
    hint = "Sign in again."
    http_status = 403
    exit_status = 3
    refreshing = True


class AuthorizationRefused(UpstreamOAuthError):
    """The authorization response is an error (RFC 6749 section 4.1.2.1, OIDC Core 3.1.2.6)."""

    code = "idp.authorization.refused"
    http_status = 403
    exit_status = 3


class ClientSecretRefused(UpstreamOAuthError):
    """The check of the client credentials failed; shown beside the form field that is wrong."""

    code = "idp.token_endpoint.client_refused"
    message = "The provider did not accept the application's credentials."
    hint = "Compare Client ID and Client Secret with the application at the provider."
    http_status = 400
    exit_status = 2

    def __init__(self, failure: OAuthFailure) -> None:
        super().__init__(failure)
        # Only administrators see this one, so it says all it knows.
        self.message, self.hint = self.admin_detail, self.admin_hint
        self.args = (self.message,)


class TokenResponseError(DirectoryError):
    """Base: a successful answer of the token endpoint that cannot be used (OIDC Core 3.1.3.3)."""

    http_status = 502
    exit_status = 5
    hint = "Try again; if it happens again, give your administrator the reference number."


class TokenEndpointUnavailable(TokenResponseError):
    """The provider is in trouble: a failure status, or an OAuth error that says so."""

    code = "idp.token_endpoint.unavailable"
    message = "Your identity provider could not answer (HTTP {status})."
    hint = "Try again in a few minutes."

    def __init__(self, *, status: int, failure: OAuthFailure | None = None) -> None:
        super().__init__(status=status, **(failure.facts() if failure else {}))
        advice = advice_for(failure) if failure else None
        if failure and advice and advice.temporary:
            self.admin_detail, self.admin_hint = _detail(failure, advice), advice.cure


class IdTokenMissing(TokenResponseError):
    """No `id_token`: the application is not registered for OpenID Connect, or `openid` was not allowed."""

    code = "idp.token_endpoint.id_token_missing"
    message = "Your identity provider's answer does not say who signed in."


class TokenTypeRefused(TokenResponseError):
    """`token_type` is not Bearer (OIDC Core 3.1.3.3; compared without case, RFC 6749 section 5.1)."""

    code = "idp.token_endpoint.token_type"
    message = "Your identity provider's answer is of a kind that Gatehouse does not know."


class TokenResponseMalformed(TokenResponseError):
    """A token that is no string."""

    code = "idp.token_endpoint.malformed"
    message = "Your identity provider's answer could not be read."
