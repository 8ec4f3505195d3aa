"""A Gatehouse password in the place of a provider that is down: what its session notes, and how long it counts.

A routing policy allows it or not. It opens nothing but the User Portal, and nobody sets or changes a password for it.
"""

from typing import Any

from django.contrib.sessions.backends.base import SessionBase

from idp.models import IdentityProvider
from idp.outages import in_words
from idp.queries import is_well
from idp.routing import Route
from users.sessions import WHILE

STOOD_IN = "stood_in"


def method_of(given: str, route: Route | None) -> str:
    """Return what a session and its audit row say of how the person was recognised.

    Args:
        given: what she gave: `password`, and a second factor.
        route: where she is sent otherwise; None where the password is her way.
    """
    return f"{given}{WHILE}{route.provider.name} was down" if route else given


def facts_of(route: Route | None) -> dict[str, str]:
    """Return what else the audit row says."""
    if route is None or route.down_since is None:
        return {}
    return {"provider_down": route.provider.name, "down_since": in_words(route.down_since)}


def note_of(route: Route | None) -> dict[str, Any]:
    """Return what the session keeps, so that it can be seen later whose place the password took."""
    if route is None:
        return {}
    return {STOOD_IN: {"provider_id": str(route.provider.pk), "provider_name": route.provider.name}}


def still_counts(session: SessionBase, route: Route | None) -> bool:
    """Return whether a session that was opened in the place of a provider may go on."""
    if route is None or not route.passwords_open:
        return False
    return bool(session.get(STOOD_IN, {}).get("provider_id") == str(route.provider.pk))


def stood_in_for(session: SessionBase) -> str:
    """Return the name of the provider in whose place the password of this session was taken, or ""."""
    return str(session.get(STOOD_IN, {}).get("provider_name", ""))


def why_over(session: SessionBase, provider: IdentityProvider | None) -> str:
    """Return what to tell the person of a session that may not go on, or "" where it stood in for no provider.

    Args:
        provider: with which she signs in now.
    """
    if STOOD_IN not in session or provider is None:
        return ""
    if str(provider.pk) == session[STOOD_IN]["provider_id"] and is_well(provider):
        return f"You were signed out because {provider.name} works again. Sign in with it."
    return f"You were signed out because your Gatehouse password is not taken any more. Sign in with {provider.name}."
