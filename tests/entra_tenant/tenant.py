"""The practice tenant itself: its settings, its state, and the handles by which a test moves it."""

from __future__ import annotations

import dataclasses
import ipaddress
import secrets
import string
import time
import uuid
from collections.abc import Callable, Collection, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, Literal
from urllib.parse import urlencode, urlsplit

from .assertions import CertificateStore
from .faults import ArmedFault, Fault, FaultBoard
from .grants import GrantStore
from .keys import KeyRing, SigningKey
from .lies import Lies
from .log import RecordedRequest, RequestLog
from .people import DOMAIN, PRACTICE_PEOPLE, Person
from .tokens import login_hint_of, logout_token, person_behind_hint, subject_of

Flavour = Literal["entra", "oidc"]
Algorithm = Literal["RS256", "ES256"]


def new_guid() -> str:
    """A random id as Entra gives them to tenants and applications."""
    return str(uuid.uuid4())


def new_client_secret() -> str:
    """A secret of 40 characters with the mark that secret scanners know Entra's by."""
    alphabet = string.ascii_letters + string.digits
    letters = "".join(secrets.choice(alphabet) for _ in range(37))
    return f"{letters[:3]}8Q~{letters[3:]}"


@dataclass(kw_only=True, eq=False)
class PracticeTenant:
    """One tenant with one registered application. All methods may be called from any thread."""

    flavour: Flavour = "entra"
    """`entra`: one Entra tenant; `oidc`: a plain OpenID provider at the root of `base_url`."""
    base_url: str = "http://127.0.0.1:9000"
    tenant_id: str = field(default_factory=new_guid)
    client_id: str = field(default_factory=new_guid)
    client_secret: str = field(default_factory=new_client_secret, repr=False)
    people: list[Person] = field(default_factory=lambda: list(PRACTICE_PEOPLE), repr=False)
    domains: Collection[str] = (DOMAIN,)
    """Verified domains, which stand for the tenant id in a URL."""
    redirect_uris: set[str] = field(default_factory=set)
    """Registered redirect URIs, compared exactly; none: any URI whose host is loopback."""
    post_logout_redirect_uris: set[str] = field(default_factory=set)
    """In addition to `redirect_uris`."""
    frontchannel_logout_uri: str = ""
    """The application's LogoutUrl: the logout page opens it in a hidden frame."""
    signing_alg: Algorithm = "RS256"
    response_iss: bool = False
    """Flavour `oidc`: advertise and send `iss` in authorization responses (RFC 9207)."""
    token_endpoint_auth_methods: set[str] = field(
        default_factory=lambda: {"client_secret_post", "client_secret_basic", "private_key_jwt"}
    )
    rotate_refresh_tokens: bool = False
    """Each refresh uses its token up (RFC 9700 section 4.14.2); Entra lets one be used often."""
    auto_sign_in: str | Literal[True] | None = None
    """Whom to sign in without a page: an email, UPN or oid; True: whomever `login_hint` names."""
    signing_keys: Sequence[SigningKey] = field(default=(), repr=False)
    """Keys to use instead of the process-wide pool's."""
    clock: Callable[[], float] | None = field(default=None, repr=False)
    """The tenant's idea of the time, if not `time.time`."""
    date_skew: float = 0.0
    """By how many seconds the `Date` header of the in-process server is ahead of that time."""

    further_secrets: set[str] = field(default_factory=set, repr=False)
    expired_secrets: set[str] = field(default_factory=set, repr=False)
    lie: Lies = field(default_factory=Lies, init=False, repr=False)
    log: RequestLog = field(default_factory=RequestLog, init=False, repr=False)
    faults: FaultBoard = field(default_factory=FaultBoard, init=False, repr=False)
    keys: KeyRing = field(init=False, repr=False)
    grants: GrantStore = field(init=False, repr=False)
    certificates: CertificateStore = field(default_factory=CertificateStore, init=False, repr=False)

    def __post_init__(self) -> None:
        self.keys = KeyRing(self.signing_alg, published=3 if self.is_entra else 2, keys=self.signing_keys)
        self.grants = GrantStore(self.now)

    # Where things are.

    @property
    def is_entra(self) -> bool:
        """Whether the tenant plays Entra rather than a plain provider."""
        return self.flavour == "entra"

    @property
    def idp_url(self) -> str:
        """What an administrator pastes as the IdP URL."""
        return f"{self.base_url}/{self.tenant_id}" if self.is_entra else self.base_url

    @property
    def issuer(self) -> str:
        """The `iss` of ID tokens."""
        return f"{self.idp_url}/v2.0" if self.is_entra else self.base_url

    @property
    def discovery_url(self) -> str:
        """Where the provider metadata is."""
        return f"{self.issuer}/.well-known/openid-configuration"

    @property
    def authorization_endpoint(self) -> str:
        """Where browsers are sent."""
        return self._endpoint("oauth2/v2.0/authorize", "authorize")

    @property
    def token_endpoint(self) -> str:
        """Where codes are redeemed."""
        return self._endpoint("oauth2/v2.0/token", "token")

    @property
    def jwks_uri(self) -> str:
        """Where the keys are."""
        return self._endpoint("discovery/v2.0/keys", "keys")

    @property
    def end_session_endpoint(self) -> str:
        """Where browsers go to sign out."""
        return self._endpoint("oauth2/v2.0/logout", "logout")

    @property
    def userinfo_endpoint(self) -> str:
        """Where an access token buys claims; Entra's is not under the tenant either."""
        return f"{self.base_url}/oidc/userinfo" if self.is_entra else f"{self.base_url}/userinfo"

    @property
    def trap_url(self) -> str:
        """A URL nobody may follow (`jku`, a redirect): it serves a foreign key set and counts as `trap`."""
        return f"{self.base_url}/trap"

    def _endpoint(self, entra_path: str, plain_path: str) -> str:
        return f"{self.idp_url}/{entra_path if self.is_entra else plain_path}"

    # People.

    def now(self) -> float:
        """The tenant's time."""
        return self.clock() if self.clock else time.time()

    def person(self, hint: str) -> Person | None:
        """The person with that email, UPN, oid or `login_hint` claim."""
        return person_behind_hint(self.people, hint)

    def subject_of(self, person: Person) -> str:
        """The `sub` under which the application sees that person."""
        return subject_of(person, self.client_id)

    def login_hint_of(self, person: Person) -> str:
        """The `login_hint` claim of that person."""
        return login_hint_of(person)

    # The application's registration.

    def accepts_redirect(self, uri: str) -> bool:
        """Whether a browser may be sent to that redirect URI."""
        return uri in self.redirect_uris if self.redirect_uris else is_loopback(uri)

    def accepts_logout_redirect(self, uri: str) -> bool:
        """Whether a browser may be sent there after logout; Entra takes any registered redirect URI."""
        return uri in self.post_logout_redirect_uris or self.accepts_redirect(uri)

    def add_secret(self) -> str:
        """A second valid secret, as an administrator makes one before the first expires."""
        secret = new_client_secret()
        self.further_secrets.add(secret)
        return secret

    def expire_secret(self, secret: str = "") -> None:
        """Lets a secret expire: the given one, or the first."""
        self.expired_secrets.add(secret or self.client_secret)

    def add_certificate(self, pem: str) -> str:
        """Registers a certificate, as an administrator uploads its .cer; returns its `x5t#S256`."""
        return self.certificates.add(pem)

    def remove_certificate(self, thumbprint: str = "") -> None:
        """Deletes one certificate, or all."""
        self.certificates.remove(thumbprint)

    # Keys, lies, faults, counts.

    def rotate_keys(self, *, drop_old: bool = False) -> SigningKey:
        """Signs with a new key from now on, unannounced, as Entra does."""
        return self.keys.rotate(drop_old=drop_old)

    @contextmanager
    def lying(self, **changes: Any) -> Iterator[Lies]:
        """Tells lies (the fields of `Lies`) inside the block; nested blocks add up."""
        honest = self.lie
        self.lie = dataclasses.replace(honest, **changes)
        try:
            yield self.lie
        finally:
            self.lie = honest

    def fault(
        self, kind: str, fault: Fault, *, to: str = "", status: int = 500, size: int = 200 << 20, times: int = 0
    ) -> ArmedFault:
        """Lets requests of a kind ("discovery", "token", ... or "*") fail: `times` of them, or all."""
        armed = ArmedFault(fault, to=to or self.trap_url, status=status, size=size)
        self.faults.arm(kind, armed, times)
        return armed

    def clear_faults(self) -> None:
        """Ends every fault, those under way included."""
        self.faults.clear()

    @property
    def requests(self) -> list[RecordedRequest]:
        """The latest requests, oldest first."""
        return self.log.latest()

    def count(self, kind: str | None = None) -> int:
        """How many requests of that kind came, or of all kinds."""
        return self.log.count(kind)

    def upstream_count(self) -> int:
        """How many requests another server made, browsers left out."""
        return self.log.upstream_count()

    def reset_log(self) -> None:
        """Starts counting afresh."""
        self.log.reset()

    # What the tenant starts by itself.

    def frontchannel_logout_url(self, sid: str, *, iss: str = "") -> str:
        """The GET that signs a session out; Entra sends `sid` alone."""
        params = {"sid": sid} | ({"iss": iss} if iss else {})
        joint = "&" if "?" in self.frontchannel_logout_uri else "?"
        return f"{self.frontchannel_logout_uri}{joint}{urlencode(params)}"

    def logout_token(self, person: Person, sid: str) -> str:
        """A back-channel logout token."""
        return logout_token(self, person, sid)

    def third_party_login_url(self, initiate_login_uri: str, login_hint: str = "", target: str = "") -> str:
        """The GET by which a provider starts a sign-in (Core section 4)."""
        params = {"iss": self.issuer, "login_hint": login_hint, "target_link_uri": target}
        return f"{initiate_login_uri}?{urlencode({name: value for name, value in params.items() if value})}"


def is_loopback(uri: str) -> bool:
    """Whether a URI leads to this machine over http or https."""
    try:
        parts = urlsplit(uri)
        host = parts.hostname or ""
    except ValueError:
        return False
    if parts.scheme not in {"http", "https"} or parts.fragment:
        return False
    if host == "localhost" or host.endswith(".localhost"):
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False
