"""What the protocol code takes and hands out. Secrets and tokens never show in a repr."""

from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from typing import Any, Literal, Self
from urllib.parse import quote_plus

AuthMethod = Literal["client_secret_post", "client_secret_basic", "private_key_jwt"]


@dataclass(frozen=True)
class ProviderMetadata:
    """The part of a discovery document that we use (OpenID Connect Discovery 3), after its checks."""

    issuer: str
    authorization_endpoint: str
    token_endpoint: str
    jwks_uri: str
    userinfo_endpoint: str = ""
    end_session_endpoint: str = ""
    id_token_signing_alg_values_supported: tuple[str, ...] = ()
    token_endpoint_auth_methods_supported: tuple[str, ...] = ()
    authorization_response_iss_parameter_supported: bool = False
    cloud_instance_name: str = ""
    msgraph_host: str = ""
    tenant_region_scope: str = ""
    scopes_supported: tuple[str, ...] = ()
    grant_types_supported: tuple[str, ...] = ()
    token_endpoint_auth_signing_alg_values_supported: tuple[str, ...] = ()
    frontchannel_logout_supported: bool = False
    frontchannel_logout_session_supported: bool = False
    backchannel_logout_supported: bool = False
    backchannel_logout_session_supported: bool = False

    def as_dict(self) -> dict[str, Any]:
        """The same as JSON types, for the stored discovery snapshot."""
        values = {item.name: getattr(self, item.name) for item in fields(self)}
        return {name: list(value) if isinstance(value, tuple) else value for name, value in values.items()}

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> Self:
        """The inverse of `as_dict`. Of an earlier version members are missing, of a later one there are more."""
        known = {item.name for item in fields(cls)}
        values: dict[str, Any] = {k: tuple(v) if isinstance(v, list) else v for k, v in data.items() if k in known}
        return cls(**values)


@dataclass(frozen=True)
class AssertionKey:
    """The private key behind a certificate that is registered with the provider (RFC 7523).

    Attributes:
        private_key_pem: an unencrypted RSA key, PKCS #8.
        thumbprint_s256: base64url of the certificate's SHA-256, by which the provider finds it (RFC 7515 4.1.8).
    """

    private_key_pem: str = field(repr=False)
    thumbprint_s256: str


@dataclass(frozen=True)
class ClientCredentials:
    """How we prove to the provider which application we are (OIDC Core 9): by a secret, or by an assertion."""

    client_id: str
    client_secret: str = field(default="", repr=False)
    auth_method: AuthMethod = "client_secret_post"
    assertion_key: AssertionKey | None = None

    def form(self) -> dict[str, str]:
        """What goes into the request body; the token endpoint adds the assertion, which is made for one request."""
        if self.auth_method == "client_secret_basic":
            return {}
        if self.auth_method == "private_key_jwt":
            return {"client_id": self.client_id}
        return {"client_id": self.client_id, "client_secret": self.client_secret}

    def basic_auth(self) -> tuple[str, str] | None:
        """User name and password for HTTP Basic: both form-encoded first (RFC 6749 section 2.3.1)."""
        if self.auth_method != "client_secret_basic":
            return None
        return quote_plus(self.client_id), quote_plus(self.client_secret)


@dataclass(frozen=True)
class TokenResponse:
    """A successful token response (OIDC Core 3.1.3.3, 12.2).

    Attributes:
        id_token: "" only where a refresh brought none, which OIDC Core 12.2 allows.
        refresh_token: "" where none came; after a refresh the one in hand then goes on (RFC 6749 section 6).
    """

    id_token: str = field(default="", repr=False)
    access_token: str = field(default="", repr=False)
    refresh_token: str = field(default="", repr=False)


@dataclass(frozen=True)
class ClientCheck:
    """What a client_credentials request showed about the client secret (reference/entra.md 1.7).

    Attributes:
        verdict: `accepted`: tenant, client ID and secret are right; `unknown`: the provider did not tell.
        note: for the administrator, where there is something to know, such as a Conditional Access policy.
        aadsts: Microsoft's error number behind the note.
        elapsed_ms: how long the provider took.
    """

    verdict: Literal["accepted", "unknown"]
    note: str = ""
    aadsts: int | None = None
    elapsed_ms: int = 0

    @property
    def accepted(self) -> bool:
        """Whether the credential is known to be right."""
        return self.verdict == "accepted"


@dataclass(frozen=True)
class IdTokenClaims:
    """Who signed in, from a verified ID token. Identity is `issuer` with `federated_subject`, never an email.

    `tenant_id` and `object_id` are set for Entra alone. `raw` holds all claims but the nonce, read-only.
    """

    issuer: str
    subject: str
    audience: tuple[str, ...]
    issued_at: int
    expires_at: int
    tenant_id: str = ""
    object_id: str = ""
    email: str = ""
    preferred_username: str = ""
    upn: str = ""
    name: str = ""
    given_name: str = ""
    family_name: str = ""
    sid: str = field(default="", repr=False)
    login_hint: str = field(default="", repr=False)
    is_guest: bool = False
    domain_owner_verified: bool | None = None
    email_verified: bool | None = None
    raw: Mapping[str, Any] = field(default_factory=dict, repr=False, hash=False)

    @property
    def federated_subject(self) -> str:
        """The key of the person at this issuer: `tid.oid` for Entra (entra.md section 2 rule 1), else `sub`."""
        if self.tenant_id and self.object_id:
            return f"{self.tenant_id}.{self.object_id}".lower()
        return self.subject
