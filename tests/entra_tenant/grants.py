"""What the tenant remembers between requests: codes, tokens, browser sessions."""

from __future__ import annotations

import secrets
import threading
import uuid
from collections.abc import Callable
from dataclasses import dataclass, field, replace

from .errors import refuse
from .people import Person

CODE_LIFETIME = 600
SESSION_LIFETIME = 24 * 3600


@dataclass(frozen=True, kw_only=True)
class Grant:
    """One person's consent to one authorization request: what a code stands for."""

    person: Person
    client_id: str
    redirect_uri: str
    scope: str
    nonce: str
    code_challenge: str
    sid: str
    auth_time: int
    issued_at: int


@dataclass(frozen=True)
class BrowserSession:
    """A browser in which somebody signed in to the tenant."""

    person: Person
    auth_time: int
    sid: str = field(default_factory=lambda: str(uuid.uuid4()))


class GrantStore:
    """Issues codes and tokens, and takes each code once."""

    def __init__(self, now: Callable[[], float]) -> None:
        self._now = now
        self._lock = threading.Lock()
        self._codes: dict[str, Grant] = {}
        self._used: set[str] = set()
        self._refresh: dict[str, Grant] = {}
        self._revoked: set[str] = set()
        self._access: dict[str, Grant] = {}
        self._sessions: dict[str, BrowserSession] = {}

    def issue_code(self, grant: Grant) -> str:
        """A code in Entra's shape."""
        code = f"1.A{secrets.token_urlsafe(96)}"
        with self._lock:
            self._codes[code] = grant
        return code

    def redeem_code(self, code: str) -> Grant:
        """The grant behind a code. Even a request that is refused later has spent it."""
        with self._lock:
            if code in self._used:
                raise refuse(54005)
            grant = self._codes.pop(code, None)
            if grant is None:
                raise refuse(9002313)
            self._used.add(code)
        if self._now() - grant.issued_at > CODE_LIFETIME:
            raise refuse(70008)
        return grant

    def issue_access_token(self, grant: Grant) -> str:
        """An opaque token that opens the userinfo endpoint."""
        token = f"practice.{secrets.token_urlsafe(48)}"
        with self._lock:
            self._access[token] = grant
        return token

    def issue_refresh_token(self, grant: Grant) -> str:
        """A refresh token; it may be used often, as Entra's may."""
        token = f"1.R{secrets.token_urlsafe(64)}"
        with self._lock:
            # Core section 12.2: the ID token of a refresh carries no nonce.
            self._refresh[token] = replace(grant, nonce="")
        return token

    def refreshed(self, token: str, *, use_up: bool = False) -> Grant:
        """The grant behind a refresh token, which `use_up` makes good for this once."""
        with self._lock:
            if token in self._revoked:
                raise refuse(50173)
            grant = self._refresh.pop(token, None) if use_up else self._refresh.get(token)
        if grant is None:
            raise refuse(70008)
        return grant

    def behind_access_token(self, token: str) -> Grant | None:
        """The grant behind an access token."""
        with self._lock:
            return self._access.get(token)

    def revoke_refresh_tokens(self, person: Person | None = None) -> None:
        """Ends every refresh token, or one person's, as an administrator's "revoke sessions" does."""
        with self._lock:
            ended = {token for token, grant in self._refresh.items() if person in (None, grant.person)}
            self._revoked |= ended
            for token in ended:
                del self._refresh[token]

    def start_session(self, person: Person) -> tuple[str, BrowserSession]:
        """A new browser session and the value of its cookie."""
        cookie = secrets.token_urlsafe(32)
        session = BrowserSession(person, int(self._now()))
        with self._lock:
            self._sessions[cookie] = session
        return cookie, session

    def session(self, cookie: str) -> BrowserSession | None:
        """The session behind a cookie."""
        with self._lock:
            session = self._sessions.get(cookie)
        return session if session and self._now() - session.auth_time < SESSION_LIFETIME else None

    def sessions(self) -> list[BrowserSession]:
        """Every session, oldest first."""
        with self._lock:
            return list(self._sessions.values())

    def end_session(self, cookie: str) -> BrowserSession | None:
        """Forgets a session and returns it."""
        with self._lock:
            return self._sessions.pop(cookie, None)
