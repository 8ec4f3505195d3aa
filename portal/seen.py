"""What this server sees of a request that `manage.py doctor` sends through the proxies in front of it.

Only who holds SECRET_KEY is answered; to everybody else the address does not exist. The answer tells the asker about
its own request, and proves by a keyed hash that the same keys and the same database are behind it.
"""

import secrets
from typing import Any

from django.conf import settings
from django.contrib.auth.decorators import login_not_required
from django.core import signing
from django.db.migrations.recorder import MigrationRecorder
from django.http import Http404, HttpRequest, JsonResponse
from django.utils.crypto import salted_hmac
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

HEADER = "X-Gatehouse-Doctor"
PATH = "/healthz/seen"
_SALT = "gatehouse doctor"
# As long as clocks of two machines may differ, and no longer.
_SECONDS = 60


def new_token() -> str:
    """Return a token for the header, good for a minute."""
    return signing.dumps(secrets.token_urlsafe(16), salt=_SALT)


def proof(token: str) -> str:
    """Return what only an installation with these keys and this database can answer to a token."""
    first = MigrationRecorder.Migration.objects.order_by("pk").values_list("applied", flat=True).first()
    return salted_hmac(_SALT, f"{token} {first}", algorithm="sha256").hexdigest()


@login_not_required
@never_cache
@require_safe
def seen(request: HttpRequest) -> JsonResponse:
    """Answer who the client seems to be, by which scheme and host it came, and what the proxy said of it."""
    token = request.headers.get(HEADER, "")
    try:
        signing.loads(token, salt=_SALT, max_age=_SECONDS)
    except signing.BadSignature as error:
        raise Http404 from error
    forwarded: dict[str, Any] = request.forwarded  # type: ignore[attr-defined]
    return JsonResponse(
        {
            "proof": proof(token),
            "version": settings.VERSION,
            "client": request.META.get("REMOTE_ADDR", ""),
            "host": request.get_host(),
            "is_secure": request.is_secure(),
            "forwarded": forwarded,
        }
    )
