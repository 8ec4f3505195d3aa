"""How a person signs in, and where she is signed in now."""

from typing import cast

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.views.decorators.http import require_safe

from idp.queries import password_owner
from portal.user_portal.access import person_required
from users.models import User, UserSession
from users.sessions import hashed


@require_safe
@person_required
def security(request: HttpRequest) -> HttpResponse:
    """Show how the person signs in, who keeps the password, and the live sessions."""
    person = cast(User, request.user)
    live = UserSession.objects.filter(person=person, expire_date__gt=timezone.now()).order_by("-signed_in_at")
    context = {
        "password_owner": password_owner(person),
        "sessions": live[:50],
        "current_key": hashed(request.session.session_key or ""),
    }
    return render(request, "user_portal/security.html", context)
