"""A provider's answer that waits for the person's second factor at Gatehouse, sealed: it holds a refresh token.

What it says is believed for the ten minutes of a half-open sign-in, and only while the provider is what was asked.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from types import MappingProxyType
from typing import Any

from idp.fields import Secret
from idp.models import IdentityProvider
from idp.protocol.second_factor import has_second_factor
from idp.protocol.types import IdTokenClaims


@dataclass(frozen=True)
class Answer:
    """What a provider said of a person, after every check, and what came with it.

    Attributes:
        nonce: that of the sign-in.
    """

    provider: IdentityProvider
    claims: IdTokenClaims
    refresh_token: str = field(default="", repr=False)
    nonce: str = field(default="", repr=False)

    @property
    def second_factor(self) -> bool:
        """Whether the token says that a second factor was used at the provider."""
        return has_second_factor(self.claims.raw)

    def sealed(self) -> str:
        """Return it encrypted, for the visitor's session."""
        claims = {item.name: _plain(getattr(self.claims, item.name)) for item in fields(self.claims)}
        held = {
            "provider": str(self.provider.pk),
            "version": self.provider.version,
            "trust": self.provider.trust,
            "claims": claims,
            "refresh_token": self.refresh_token,
            "nonce": self.nonce,
        }
        return Secret.of(json.dumps(held)).token


def unsealed(text: str, provider: IdentityProvider | None) -> Answer | None:
    """Return the answer that was sealed, if it is one of this provider as it is now; else None.

    Raises:
        SecretUnreadable: none of ENCRYPTION_KEYS opens it.
    """
    held: dict[str, Any] = json.loads(Secret(text.encode()).reveal())
    asked = (held["provider"], held["version"], held["trust"])
    if provider is None or asked != (str(provider.pk), provider.version, provider.trust):
        return None
    claims = held["claims"]
    known = IdTokenClaims(
        **{**claims, "audience": tuple(claims["audience"]), "raw": MappingProxyType(claims["raw"])},
    )
    return Answer(provider, known, held["refresh_token"], held["nonce"])


def _plain(value: Any) -> Any:
    return dict(value) if isinstance(value, Mapping) else value
