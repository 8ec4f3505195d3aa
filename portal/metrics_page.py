"""`/metrics`, for Prometheus: with its own token, or from this machine alone."""

from django.conf import settings
from django.contrib.auth.decorators import login_not_required
from django.http import HttpRequest, HttpResponse
from django.utils.crypto import constant_time_compare
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe
from prometheus_client import CONTENT_TYPE_PLAIN_0_0_4, CollectorRegistry, generate_latest

from portal import metrics
from portal.metrics_stored import StoredMetrics
from users.errors import DirectoryError

_stored = CollectorRegistry()
_stored.register(StoredMetrics())


class MetricsRefused(DirectoryError):
    """Somebody asks for the metrics without the token, or without one from another machine or through a proxy."""

    code = "portal.metrics_refused"
    message = "The metrics are not open to you."
    hint = (
        "Send METRICS_TOKEN as a bearer token. Where none is set, ask from this very machine and past the proxy, such "
        "as at http://127.0.0.1:8000/metrics."
    )
    http_status = 403


@login_not_required
@never_cache
@require_safe
def show(request: HttpRequest) -> HttpResponse:
    """Answer with everything that is counted or known, in Prometheus' text format."""
    if not _may_ask(request):
        raise MetricsRefused()
    text = generate_latest(metrics.counted()) + generate_latest(_stored)
    return HttpResponse(text, content_type=CONTENT_TYPE_PLAIN_0_0_4)


def _may_ask(request: HttpRequest) -> bool:
    token = settings.METRICS_TOKEN
    if not token:
        return bool(getattr(request, "is_local", False))
    scheme, _, given = request.headers.get("Authorization", "").partition(" ")
    return scheme.lower() == "bearer" and constant_time_compare(given.strip(), token)
