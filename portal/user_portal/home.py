"""The first page of the User Portal."""

from typing import cast

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from portal.user_portal.access import person_required
from users.models import User
from users.own_sign_ins import sign_in_before
from users.sessions import origin_of


@require_safe
@person_required
def home(request: HttpRequest) -> HttpResponse:
    """Greet the person, show what is there for her, how this session came about, and when she was here before.

    Every sign-in ends here, so it asks the database one thing only.
    """
    here = origin_of(request.session)
    before = sign_in_before(cast(User, request.user), here.since) if here else None
    return render(request, "user_portal/home.html", {"here": here, "before": before})
