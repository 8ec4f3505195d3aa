"""The company's logo, for everybody: the sign-in pages show it."""

from django.contrib.auth.decorators import login_not_required
from django.http import Http404, HttpRequest, HttpResponse
from django.views.decorators.http import require_safe

from users.branding import ADDRESS_LENGTH
from users.models import OrganizationLogo

FOR_EVER = "public, max-age=31536000, immutable"


@login_not_required
@require_safe
def logo(request: HttpRequest, address: str) -> HttpResponse:
    """Send the logo whose SHA-256 begins so. Another picture has another address, so browsers keep it for good."""
    stored = OrganizationLogo.objects.filter(pk=1).first()
    if stored is None or address != stored.sha256[:ADDRESS_LENGTH]:
        raise Http404
    headers = {"Cache-Control": FOR_EVER, "X-Content-Type-Options": "nosniff"}
    return HttpResponse(bytes(stored.data), content_type="image/png", headers=headers)
