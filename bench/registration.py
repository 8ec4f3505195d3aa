"""How every contestant is registered at the light provider, and where that provider's endpoints are."""

from dataclasses import dataclass

# Values of no worth anywhere else.
TENANT_ID = "11111111-2222-4333-8444-555555555555"
CLIENT_ID = "66666666-7777-4888-8999-aaaaaaaaaaaa"
CLIENT_SECRET = "bench-client-secret-0123456789-abcdefgh"  # noqa: S105
# Gatehouse's administrator.
ADMINISTRATOR = "admin@contoso.example"
ADMINISTRATOR_PASSWORD = "of-no-worth-0123456789"  # noqa: S105


@dataclass(frozen=True)
class Endpoints:
    """The provider's addresses at one origin, in the shape of one Entra tenant's."""

    origin: str

    @property
    def issuer(self) -> str:
        """The issuer of ID tokens."""
        return f"{self.origin}/{TENANT_ID}/v2.0"

    @property
    def authorization(self) -> str:
        """Where browsers are sent."""
        return f"{self.origin}/{TENANT_ID}/oauth2/v2.0/authorize"

    @property
    def token(self) -> str:
        """Where codes are exchanged."""
        return f"{self.origin}/{TENANT_ID}/oauth2/v2.0/token"

    @property
    def jwks(self) -> str:
        """The signing keys."""
        return f"{self.origin}/{TENANT_ID}/discovery/v2.0/keys"

    @property
    def userinfo(self) -> str:
        """What the stock library asks as well."""
        return f"{self.origin}/oidc/userinfo"

    @property
    def end_session(self) -> str:
        """Where a sign-out ends."""
        return f"{self.origin}/{TENANT_ID}/oauth2/v2.0/logout"
