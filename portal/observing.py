"""One line in the log, and one count in the metrics, for every request."""

import logging
import time
from collections.abc import Callable
from functools import partial

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase

from portal import metrics
from portal.actors import client_ip
from portal.scrubbing import secrets_of
from users.log_context import LogContext, current, log_context
from users.models import Realm

METHODS = {"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"}
# Asked every few seconds by machines, or by every page: nothing that anybody looks for while they answer well.
QUIET = {"healthz", "readyz", "metrics", "static"}
NO_PAGE = "(no page)"

_logger = logging.getLogger("gatehouse.access")


class ObservingMiddleware:
    """Begins what log lines know of a request, and tells of its end. Stands behind the client's true address."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response
        metrics.start()

    def __call__(self, request: HttpRequest) -> HttpResponse:
        context = LogContext(
            request_id=getattr(request, "request_id", ""),
            method=request.method if request.method in METHODS else "other",
            client_ip=client_ip(request) or "",
            realm=Realm.ADMIN.value if request.path_info.startswith("/admin/") else Realm.USER.value,
            secrets=partial(secrets_of, request),
        )
        started = time.perf_counter()
        with log_context(context):
            response = self.get_response(request)
            _note_page(request, context)
            _tell(context, response.status_code, time.perf_counter() - started)
        return response

    def process_view(
        self, request: HttpRequest, view: Callable[..., HttpResponseBase], args: object, kwargs: object
    ) -> None:
        """Note which page it is, as soon as that is known."""
        _note_page(request, current())


def _note_page(request: HttpRequest, context: LogContext) -> None:
    """Note the pattern and the name of the address. Of one that is no page not a letter: it may be a mistyped link."""
    match = request.resolver_match
    if match is not None:
        context.path, context.route = f"/{match.route}", match.view_name
        if context.route in QUIET:
            context.realm = ""
    elif request.path_info.startswith(settings.STATIC_URL):
        context.path, context.route = f"{settings.STATIC_URL}…", "static"
    else:
        context.path, context.route = NO_PAGE, "none"


def _tell(context: LogContext, status: int, seconds: float) -> None:
    metrics.count_request(context, status, seconds)
    is_quiet = context.route in QUIET and status < 400
    level = logging.ERROR if status >= 500 else logging.DEBUG if is_quiet else logging.INFO
    if _logger.isEnabledFor(level):
        fields = {"status": status, "duration": round(seconds, 4)}
        _logger.log(level, "%s %s %s", context.method, context.path, status, extra={"fields": fields})
