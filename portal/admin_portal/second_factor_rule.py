"""SETTINGS > Organization: whether administrators must have a second factor."""

from typing import Any, cast

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.views.decorators.http import require_POST

from portal.actors import actor_of
from portal.admin_portal.access import permission_required
from portal.fresh import fresh_authentication
from users.factors import must_enrol
from users.models import User
from users.permissions import Permission
from users.second_factor_rule import enrolment, set_second_factor_rule


@require_POST
@permission_required(Permission.MANAGE_ORGANIZATION)
@fresh_authentication(back_to="admin_portal:organization")
def change(request: HttpRequest) -> HttpResponse:
    """Require a second factor of administrators, or stop to. Who turns it on without having one enrols next."""
    wanted = request.POST.get("required")
    if wanted not in {"yes", "no"}:
        messages.error(request, "Say whether a second factor is required: nothing was changed.")
        return redirect("admin_portal:organization")
    set_second_factor_rule(actor=actor_of(request), required=wanted == "yes")
    if must_enrol(cast(User, request.user)):
        messages.success(request, "A second factor is required from now on, of you as well.")
        return redirect("admin_portal:second_factor")
    said = "required from now on" if wanted == "yes" else "not required any more"
    messages.success(request, f"A second factor is {said}.")
    return redirect("admin_portal:organization")


def rule_context() -> dict[str, Any]:
    """Return what the section on the organization page shows: how far administrators have come."""
    return {"enrolment": enrolment()}
