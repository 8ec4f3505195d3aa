"""A sign-in that begins at the provider, such as with a tile of its own portal (OpenID Connect Core 1.0, section 4)."""

from urllib.parse import urlencode

from django.conf import settings
from django.contrib.auth.decorators import login_not_required
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect, QueryDict
from django.shortcuts import redirect
from django.urls import reverse
from django.views.decorators.cache import never_cache
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_http_methods

from idp.federation_errors import ParameterDuplicated, ProviderUnavailable
from idp.logout_errors import InitiateIssuerWrong
from idp.models import IdentityProvider
from portal.actors import actor_of
from portal.errors import error_page
from portal.sign_in import safe_next
from users.audit import record_refusal
from users.errors import DirectoryError
from users.log_context import note

PARAMETERS = ("iss", "login_hint", "target_link_uri")


@login_not_required
@csrf_exempt
@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def initiate(request: HttpRequest, slug: str) -> HttpResponse:
    """Send the browser into an ordinary sign-in at this provider, and on to the page that was asked for."""
    if request.method == "POST":
        return _as_get(request)
    try:
        _check(request.GET, slug)
    except DirectoryError as error:
        details = {"provider": slug[:40]}
        record_refusal("portal.sign_in.failed", actor=actor_of(request), error=error, details=details)
        return error_page(request, error, actions=[("Go to the sign-in page", reverse("user_portal:sign_in"))])
    query = {
        "login_hint": request.GET.get("login_hint", "")[:254],
        "next": safe_next(request, _path_of(request.GET.get("target_link_uri", "")), ""),
    }
    asked = urlencode({name: value for name, value in query.items() if value})
    return redirect(f"{reverse('federation_begin', args=[slug])}{'?' if asked else ''}{asked}")


def _as_get(request: HttpRequest) -> HttpResponse:
    """Let the browser ask again by GET.

    Another site's form comes without our cookies; to begin a sign-in then would replace the session that is there.
    """
    given = [(name, value[:2000]) for name in PARAMETERS for value in request.POST.getlist(name)[:2]]
    response = HttpResponseRedirect(f"{request.path}?{urlencode(given)}")
    response.status_code = 303
    return response


def _check(given: QueryDict, slug: str) -> None:
    for name in PARAMETERS:
        if len(given.getlist(name)) > 1:
            raise ParameterDuplicated(parameter=name)
    provider = IdentityProvider.objects.filter(slug=slug).first()
    note(provider=provider.slug if provider else "unknown")
    if provider is None or not provider.is_active:
        raise ProviderUnavailable(slug=slug[:40])
    if given.get("iss") != provider.issuer:
        raise InitiateIssuerWrong()


def _path_of(target: str) -> str:
    """Return the path of an address of ours; anything else is left for `safe_next` to refuse."""
    return target.removeprefix(settings.PUBLIC_URL) if target.startswith(f"{settings.PUBLIC_URL}/") else target
