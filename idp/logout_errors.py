"""Refusals of sign-outs and sign-ins that a provider starts. Mostly the provider reads these, not a person."""

from users.errors import DirectoryError


class LogoutRefused(DirectoryError):
    """The base: a sign-out that a provider asked for was refused."""

    code = "federation.logout_refused"
    http_status = 400
    exit_status = 2
    hint = "Check the logout addresses that the provider has: the provider's page here shows them."


class LogoutProviderUnknown(LogoutRefused):
    """No provider has this address."""

    code = "federation.logout_provider_unknown"
    message = "There is no identity provider at this address."


class LogoutUnavailable(LogoutRefused):
    """The provider was never in use, so that it has no sessions to end."""

    code = "federation.logout_unavailable"
    message = "This identity provider was never in use."


class LogoutIssuerWrong(LogoutRefused):
    """The `iss` of a front-channel logout is another issuer's (OpenID Connect Front-Channel Logout 1.0, section 2)."""

    code = "federation.logout_issuer_wrong"
    message = "This sign-out comes from another identity provider than the one that it names."


class LogoutParameterDuplicated(LogoutRefused):
    """A parameter came twice, so that nobody knows which one is meant."""

    code = "federation.logout_parameter_duplicated"
    message = "This sign-out names more than one session."


class LogoutTokenNotPosted(LogoutRefused):
    """The request is no form with one logout token (OpenID Connect Back-Channel Logout 1.0, section 2.5)."""

    code = "federation.logout_token_not_posted"
    message = "The request is not a form with one logout_token of at most 32 KiB."


class LogoutTokenReplayed(LogoutRefused):
    """The token's `jti` came before (OpenID Connect Back-Channel Logout 1.0, section 2.6)."""

    code = "federation.logout_token_replayed"
    message = "This logout token was used already."


class InitiateIssuerWrong(DirectoryError):
    """A sign-in that somebody else starts has to name the provider's issuer (OpenID Connect Core 1.0, section 4)."""

    code = "federation.initiate_issuer_wrong"
    message = "This link does not come from the identity provider that it claims to come from."
    hint = "Start again from the sign-in page."
    http_status = 400
    exit_status = 3


class RecheckMinutesInvalid(DirectoryError):
    """Sessions cannot be checked at this interval."""

    code = "idp.recheck_minutes_invalid"
    message = "Sessions cannot be checked again every {minutes} minutes."
    hint = "Choose 5, 10, 15, 30 or 60 minutes, or 0 to switch it off."
    exit_status = 2
    field = "recheck_minutes"


class RecheckUnsupported(DirectoryError):
    """The provider gives no refresh tokens for `offline_access`."""

    code = "idp.recheck_unsupported"
    message = "This provider does not let Gatehouse check sessions again: it does not offer offline_access."
    hint = "Switch it off, or allow offline_access for the application at the provider and test the connection."
    http_status = 409
    exit_status = 3
    field = "recheck_minutes"
