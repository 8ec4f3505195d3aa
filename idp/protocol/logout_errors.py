"""Every reason to refuse a logout token (OpenID Connect Back-Channel Logout 1.0 section 2.6)."""

from users.errors import DirectoryError


class LogoutTokenRefused(DirectoryError):
    """Base: the logout token does not end a session. The provider reads this, not a person (section 2.8)."""

    http_status = 400
    exit_status = 2
    hint = "Check the provider's back-channel logout: its issuer, its clock, and the application it is set up for."


class LogoutTokenTooLarge(LogoutTokenRefused):
    """More than 16 KiB."""

    code = "idp.logout_token.too_large"
    message = "The logout token is too large."


class LogoutTokenMalformed(LogoutTokenRefused):
    """Not three base64url segments of JSON objects (RFC 7515 section 7.1)."""

    code = "idp.logout_token.malformed"
    message = "The logout token could not be read."


class LogoutTokenUnsigned(LogoutTokenRefused):
    """`alg: none`, which section 2.6 forbids."""

    code = "idp.logout_token.unsigned"
    message = "The logout token is not signed."


class LogoutTokenAlgorithm(LogoutTokenRefused):
    """An algorithm that was not agreed, HMAC included."""

    code = "idp.logout_token.algorithm"
    message = "The logout token is signed in a way that was not agreed."


class LogoutTokenCriticalHeader(LogoutTokenRefused):
    """`crit` names an extension that we do not know (RFC 7515 section 4.1.11)."""

    code = "idp.logout_token.critical_header"
    message = "The logout token needs an extension that Gatehouse does not know."


class LogoutTokenType(LogoutTokenRefused):
    """Explicitly typed as something else (RFC 8725 section 3.11)."""

    code = "idp.logout_token.type"
    message = "The token is of another kind than a logout token."


class LogoutTokenKey(LogoutTokenRefused):
    """The provider has no key, or no usable one, that the token names."""

    code = "idp.logout_token.key"
    message = "The logout token names a key that cannot have signed it."


class LogoutTokenSignature(LogoutTokenRefused):
    """The signature does not verify."""

    code = "idp.logout_token.signature"
    message = "The signature of the logout token is not valid."


class LogoutTokenIssuer(LogoutTokenRefused):
    """`iss` is missing or another issuer."""

    code = "idp.logout_token.issuer"
    message = "The logout token comes from another issuer than the configured one."


class LogoutTokenAudienceMissing(LogoutTokenRefused):
    """No `aud`."""

    code = "idp.logout_token.audience_missing"
    message = "The logout token does not say for whom it was issued."


class LogoutTokenAudience(LogoutTokenRefused):
    """`aud` does not hold our client ID."""

    code = "idp.logout_token.audience"
    message = "The logout token was issued for another application."


class LogoutTokenExpiryMissing(LogoutTokenRefused):
    """No `exp`, which section 2.4 requires."""

    code = "idp.logout_token.expiry_missing"
    message = "The logout token does not say until when it is valid."


class LogoutTokenExpiryMalformed(LogoutTokenRefused):
    """`exp` is not a JSON number."""

    code = "idp.logout_token.expiry_malformed"
    message = "The expiry of the logout token is not a time."


class LogoutTokenExpired(LogoutTokenRefused):
    """`exp` is past, beyond the leeway."""

    code = "idp.logout_token.expired"
    message = "The logout token has expired."


class LogoutTokenNotBeforeMalformed(LogoutTokenRefused):
    """`nbf` is not a JSON number."""

    code = "idp.logout_token.not_before_malformed"
    message = "The start of the logout token's validity is not a time."


class LogoutTokenNotBefore(LogoutTokenRefused):
    """`nbf` is ahead, beyond the leeway."""

    code = "idp.logout_token.not_before"
    message = "The logout token is not valid yet."


class LogoutTokenIssuedAtMissing(LogoutTokenRefused):
    """No `iat`."""

    code = "idp.logout_token.issued_at_missing"
    message = "The logout token does not say when it was issued."


class LogoutTokenIssuedAtMalformed(LogoutTokenRefused):
    """`iat` is not a JSON number."""

    code = "idp.logout_token.issued_at_malformed"
    message = "The time of issue of the logout token is not a time."


class LogoutTokenIssuedInFuture(LogoutTokenRefused):
    """`iat` is ahead, beyond the leeway."""

    code = "idp.logout_token.issued_in_future"
    message = "The logout token claims to be issued in the future."


class LogoutTokenTooOld(LogoutTokenRefused):
    """`iat` is more than ten minutes ago: a replay, whatever its `exp`."""

    code = "idp.logout_token.too_old"
    message = "The logout token was issued too long ago."


class LogoutTokenNonce(LogoutTokenRefused):
    """A `nonce`, which section 2.4 prohibits: it would be an ID token."""

    code = "idp.logout_token.nonce"
    message = "The logout token holds a nonce, as only ID tokens do."


class LogoutTokenEventsMissing(LogoutTokenRefused):
    """No `events`: an ID token that is replayed ends here."""

    code = "idp.logout_token.events_missing"
    message = "The token does not say that it is a logout."


class LogoutTokenEventsMalformed(LogoutTokenRefused):
    """`events`, or its member for logout, is no JSON object."""

    code = "idp.logout_token.events_malformed"
    message = "The logout token names its event in a form that Gatehouse does not know."


class LogoutTokenEvent(LogoutTokenRefused):
    """`events` without the member for back-channel logout: another security event."""

    code = "idp.logout_token.event"
    message = "The token reports another event than a logout."


class LogoutTokenWhoMissing(LogoutTokenRefused):
    """Neither `sub` nor `sid`."""

    code = "idp.logout_token.who_missing"
    message = "The logout token names neither a person nor a session."


class LogoutTokenWhoMalformed(LogoutTokenRefused):
    """`sub` or `sid` is no string, too long, or holds control characters."""

    code = "idp.logout_token.who_malformed"
    message = "The logout token names the person or the session in a form that cannot be stored."


class LogoutTokenIdMissing(LogoutTokenRefused):
    """No `jti`: a replay could not be told."""

    code = "idp.logout_token.id_missing"
    message = "The logout token has no identifier of its own."


class LogoutTokenTenant(LogoutTokenRefused):
    """Entra: `tid` is another tenant."""

    code = "idp.logout_token.tenant"
    message = "The logout token comes from another Microsoft tenant."
