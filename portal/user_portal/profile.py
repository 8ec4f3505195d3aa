"""What Gatehouse knows about a person."""

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from portal.user_portal.access import person_required


@require_safe
@person_required
def profile(request: HttpRequest) -> HttpResponse:
    """Show the person's own details, read-only: the company's administrators keep them."""
    identities = request.user.federated_identities.select_related("provider")  # type: ignore[union-attr]
    return render(request, "user_portal/profile.html", {"identities": identities})
