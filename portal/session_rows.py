"""Sessions as both portals list them: who, which browser, from where, since when, and how they were opened."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, cast
from urllib.parse import urlencode

from django.http import HttpRequest

from idp.models import IdentityProvider
from users.models import User, UserSession
from users.permissions import permissions_of
from users.session_list import PAGE_SIZE, find_sessions, permission_over, place_of
from users.sessions import BREAK_GLASS, WHILE, hashed, method_of

# What a second step was done with, where its name is not what people call it.
FACTORS = {"totp": "authenticator app"}


@dataclass(frozen=True)
class SessionRow:
    """One line of a list.

    Attributes:
        key: what the list's forms name the session by.
        way: the name of the provider that vouched for the person, or what she gave: "Password and passkey", and
            which provider was down then, where that was let in in its place.
        is_this: whether it is the session of the browser that asks.
        may_end: whether the one who asks may end it.
    """

    key: str
    person: User | None
    user_agent: str
    address: str
    since: datetime | None
    last_used: datetime | None
    way: str
    portal: str
    is_this: bool
    may_end: bool


def session_rows(request: HttpRequest, found: Iterable[UserSession], *, own: bool) -> list[SessionRow]:
    """Return the lines of a list; asks once for the names of the providers.

    Args:
        own: whether it is a list of the asking person's sessions only: everybody may end those.
    """
    listed = list(found)
    wanted = {session.provider_id for session in listed if session.provider_id}
    names = dict(IdentityProvider.objects.filter(pk__in=wanted).values_list("pk", "name")) if wanted else {}
    here = hashed(request.session.session_key or "")
    allowed = permissions_of(cast(User, request.user))
    return [
        SessionRow(
            key=session.session_key,
            person=session.person,
            user_agent=session.user_agent,
            address=session.client_ip or "",
            since=session.signed_in_at,
            last_used=session.last_seen_at or session.signed_in_at,
            way=names.get(session.provider_id, "Identity provider") if session.provider_id else _given(session),
            portal=session.get_realm_display(),
            is_this=session.session_key == here,
            may_end=own or (session.person is not None and permission_over(session.person) in allowed),
        )
        for session in listed
    ]


def _given(session: UserSession) -> str:
    method = method_of(session)
    if method == BREAK_GLASS:
        return method.capitalize()
    given, while_, outage = method.partition(WHILE)
    _, _, factor = given.partition("+")
    words = f"Password and {FACTORS.get(factor, factor)}" if factor else "Password"
    return f"{words}{while_}{outage}"


def session_page(
    request: HttpRequest,
    *,
    person: User | None = None,
    email: str = "",
    kept: Mapping[str, str] | None = None,
    own: bool = False,
) -> dict[str, Any]:
    """Return what a template needs for one page of a list: the lines, and the links to other pages.

    Args:
        person: only this person's sessions.
        email: only those of people whose company email begins so.
        kept: what of the query the links to other pages keep.
        own: whether the person is the one who asks.
    """
    before = request.GET.get("before", "")
    found = list(find_sessions(person=person, email=email, before=before)[: PAGE_SIZE + 1])
    page = found[:PAGE_SIZE]
    query = {name: value for name, value in (kept or {}).items() if value}
    next_url = f"?{urlencode({**query, 'before': place_of(page[-1])})}" if len(found) > PAGE_SIZE else ""
    return {
        "sessions": session_rows(request, page, own=own),
        "next_url": next_url,
        "first_url": f"?{urlencode(query)}" if before else "",
    }
