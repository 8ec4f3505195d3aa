"""Every reason to refuse an ID token (OIDC Core 3.1.3.7, RFC 7519, RFC 8725, reference/entra.md 1.5)."""

from users.errors import DirectoryError


class TokenRefused(DirectoryError):
    """Base: the ID token does not prove who signed in."""

    http_status = 403
    exit_status = 3
    hint = "Start the sign-in again; if it happens again, give your administrator the reference number."


class TokenTooLarge(TokenRefused):
    """More than 16 KiB."""

    code = "idp.token.too_large"
    message = "The provider's ID token is too large."
    hint = "An administrator can release fewer claims, such as groups, into the ID token at the provider."


class TokenMalformed(TokenRefused):
    """Not three base64url segments of JSON objects (RFC 7515 section 7.1)."""

    code = "idp.token.malformed"
    message = "The provider's ID token could not be read."


class TokenUnsigned(TokenRefused):
    """`alg: none` (RFC 8725 section 3.2)."""

    code = "idp.token.unsigned"
    message = "The provider's ID token is not signed."


class TokenAlgorithm(TokenRefused):
    """An algorithm that was not agreed (RFC 8725 section 3.1)."""

    code = "idp.token.algorithm"
    message = "The provider's ID token is signed in a way that was not agreed."
    hint = "An administrator can compare the provider's ID token signing algorithm with its discovery document."


class TokenCriticalHeader(TokenRefused):
    """`crit` names an extension that we do not know (RFC 7515 section 4.1.11)."""

    code = "idp.token.critical_header"
    message = "The provider's ID token needs an extension that Gatehouse does not know."


class TokenType(TokenRefused):
    """An explicitly typed token of another kind (RFC 8725 section 3.11)."""

    code = "idp.token.type"
    message = "The provider sent another kind of token in place of an ID token."


class TokenKeyUnknown(TokenRefused):
    """No key with this ID, even after a refresh."""

    code = "idp.token.key_unknown"
    message = "The provider's ID token is signed with a key that the provider does not publish."


class TokenKeyAmbiguous(TokenRefused):
    """Several keys could have signed."""

    code = "idp.token.key_ambiguous"
    message = "The provider's ID token does not say clearly which key signed it."
    hint = "The provider has to publish each key under an ID of its own, and name it in the token."


class TokenKeyUnusable(TokenRefused):
    """The named key is for encryption, of another type, or broken."""

    code = "idp.token.key_unusable"
    message = "The provider's ID token names a key that cannot sign it."


class TokenKeyTooShort(TokenRefused):
    """RSA under 2048 bits (RFC 7518 section 3.3)."""

    code = "idp.token.key_too_short"
    message = "The provider signs with a key that is too short to be safe."
    hint = "The provider has to use RSA keys of at least 2048 bits."


class TokenKeyIssuer(TokenRefused):
    """Entra: the signing key belongs to another tenant (entra.md 1.3)."""

    code = "idp.token.key_issuer"
    message = "The ID token is signed with a key of another tenant."


class TokenSignature(TokenRefused):
    """The signature does not verify (RFC 7515 section 5.2)."""

    code = "idp.token.signature"
    message = "The signature of the provider's ID token is not valid."


class TokenIssuer(TokenRefused):
    """`iss` is missing or another issuer."""

    code = "idp.token.issuer"
    message = "The ID token comes from another issuer than the configured one."
    hint = "An administrator can compare the provider's URL with the issuer in its discovery document."


class TokenAudienceMissing(TokenRefused):
    """No `aud`."""

    code = "idp.token.audience_missing"
    message = "The ID token does not say for whom it was issued."


class TokenAudience(TokenRefused):
    """`aud` does not hold our client ID."""

    code = "idp.token.audience"
    message = "The ID token was issued for another application."
    hint = "An administrator can compare the Client ID with the one shown at the provider."


class TokenAuthorizedPartyMissing(TokenRefused):
    """Several audiences without `azp`."""

    code = "idp.token.azp_missing"
    message = "The ID token was issued for several applications and does not say which one asked."


class TokenAuthorizedParty(TokenRefused):
    """`azp` is another client."""

    code = "idp.token.azp"
    message = "Another application asked for this ID token."


class TokenExpiryMissing(TokenRefused):
    """No `exp`."""

    code = "idp.token.expiry_missing"
    message = "The ID token does not say until when it is valid."


class TokenExpiryMalformed(TokenRefused):
    """`exp` is not a JSON number (RFC 7519 section 2, NumericDate)."""

    code = "idp.token.expiry_malformed"
    message = "The expiry of the ID token is not a time."


class TokenExpired(TokenRefused):
    """`exp` is past, beyond the leeway."""

    code = "idp.token.expired"
    message = "The ID token has expired."
    hint = "Sign in again; if it happens again, an administrator should check the clock of this server."


class TokenNotBeforeMalformed(TokenRefused):
    """`nbf` is not a JSON number."""

    code = "idp.token.not_before_malformed"
    message = "The start of the ID token's validity is not a time."


class TokenNotBefore(TokenRefused):
    """`nbf` is ahead, beyond the leeway."""

    code = "idp.token.not_before"
    message = "The ID token is not valid yet."
    hint = "An administrator should check the clock of this server."


class TokenIssuedAtMissing(TokenRefused):
    """No `iat`."""

    code = "idp.token.issued_at_missing"
    message = "The ID token does not say when it was issued."


class TokenIssuedAtMalformed(TokenRefused):
    """`iat` is not a JSON number."""

    code = "idp.token.issued_at_malformed"
    message = "The time of issue of the ID token is not a time."


class TokenTooOld(TokenRefused):
    """`iat` is more than ten minutes ago: not the answer to this sign-in."""

    code = "idp.token.too_old"
    message = "The ID token was issued too long ago."
    hint = "Sign in again; if it happens again, an administrator should check the clock of this server."


class TokenIssuedInFuture(TokenRefused):
    """`iat` is ahead, beyond the leeway."""

    code = "idp.token.issued_in_future"
    message = "The ID token claims to be issued in the future."
    hint = "An administrator should check the clock of this server."


class TokenNonceMissing(TokenRefused):
    """No `nonce`, though one was sent (OIDC Core 3.1.3.7 rule 11)."""

    code = "idp.token.nonce_missing"
    message = "The ID token does not name the sign-in that it answers."


class TokenNonce(TokenRefused):
    """`nonce` of another sign-in."""

    code = "idp.token.nonce"
    message = "The ID token answers another sign-in than this one."


class TokenAccessHash(TokenRefused):
    """`at_hash` does not fit the access token (OIDC Core 3.1.3.6)."""

    code = "idp.token.access_token_hash"
    message = "The ID token and the access token do not belong together."


class TokenCodeHash(TokenRefused):
    """`c_hash` does not fit the authorization code (OIDC Core 3.3.2.10)."""

    code = "idp.token.code_hash"
    message = "The ID token and the authorization code do not belong together."


class TokenSubjectMissing(TokenRefused):
    """No `sub`, or an empty one."""

    code = "idp.token.subject_missing"
    message = "The ID token does not say who signed in."


class TokenSubjectMalformed(TokenRefused):
    """`sub` is too long or holds control characters (OIDC Core 2)."""

    code = "idp.token.subject"
    message = "The ID token names the person in a form that cannot be stored."


class TokenSubjectChanged(TokenRefused):
    """A refreshed ID token is about somebody else than the first one (OIDC Core 12.2)."""

    code = "idp.token.subject_changed"
    message = "The provider renewed this session for another person than the one who signed in."


class TokenAuthTimeChanged(TokenRefused):
    """A refreshed ID token names another time of authentication than the first one (OIDC Core 12.2)."""

    code = "idp.token.auth_time_changed"
    message = "The provider renewed this session, but for another sign-in than the one that began it."


class TokenVersion(TokenRefused):
    """Entra: not a v2.0 token."""

    code = "idp.token.version"
    message = "Microsoft issued an ID token of an old version."
    hint = "An administrator should test the provider again, so that its v2.0 endpoints are used."


class TokenTenant(TokenRefused):
    """Entra: `tid` is missing or another tenant."""

    code = "idp.token.tenant"
    message = "The ID token comes from another Microsoft tenant."


class TokenTenantIssuer(TokenRefused):
    """Entra: `tid` differs from the tenant in `iss`."""

    code = "idp.token.tenant_issuer"
    message = "The ID token names two different Microsoft tenants."


class TokenObjectIdMissing(TokenRefused):
    """Entra: no `oid`."""

    code = "idp.token.object_id_missing"
    message = "The ID token does not hold the person's object ID."
    hint = 'An administrator should check that the "profile" scope is granted to the application.'


class TokenObjectIdMalformed(TokenRefused):
    """Entra: `oid` is not a GUID."""

    code = "idp.token.object_id"
    message = "The person's object ID in the ID token is not one of Microsoft's."


class TokenGuest(TokenRefused):
    """Entra: a guest of the tenant, where the provider does not allow guests."""

    code = "idp.token.guest"
    message = "You are a guest in this Microsoft tenant, and guests may not sign in here."
    hint = "Ask your administrator to allow guests for this provider, or sign in with an account of the company."
