"""Who acts in a request."""

from django.http import HttpRequest

from users.audit import Actor
from users.models import User


def actor_of(request: HttpRequest) -> Actor:
    """Return the actor behind a request: the signed-in person, or a visitor."""
    person = getattr(request, "user", None)
    signed_in = person if isinstance(person, User) else None
    return Actor(
        person=signed_in,
        label=signed_in.label if signed_in else "visitor",
        client_ip=client_ip(request),
        request_id=getattr(request, "request_id", ""),
    )


def client_ip(request: HttpRequest) -> str | None:
    """Return the client's address as the address middleware left it; None behind a bare Unix socket."""
    return request.META.get("REMOTE_ADDR") or None
