"""The first page of the User Portal."""

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from portal.user_portal.access import person_required


@require_safe
@person_required
def home(request: HttpRequest) -> HttpResponse:
    """Greet the person, say how she signed in, and show what is there for her."""
    return render(request, "user_portal/home.html")
