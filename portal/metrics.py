"""What this process counts. Several processes share what they counted through files (portal/metrics_files.py)."""

import logging
import os
from pathlib import Path
from typing import Any

from django.conf import settings
from prometheus_client import CollectorRegistry, Counter, Histogram, disable_created_metrics, values
from prometheus_client.multiprocess import MultiProcessCollector

from idp.protocol.observing import Exchange
from idp.upstream import exchanged, keys_refetched
from portal import metrics_table as table
from portal.half_open import ACTIONS
from portal.metrics_files import Slots
from portal.metrics_table import Metric
from users.announcing import recorded
from users.log_context import LogContext
from users.models import AuditEvent

# A registry of our own: the library's would add what it finds out about the process.
disable_created_metrics()  # type: ignore[no-untyped-call]
_own = CollectorRegistry()
_shared: list[Path] = []
_logger = logging.getLogger("gatehouse.metrics")


def _counter(metric: Metric) -> Counter:
    return Counter(metric.name, metric.help, metric.labels, registry=_own)


def _histogram(metric: Metric) -> Histogram:
    return Histogram(metric.name, metric.help, metric.labels, registry=_own, buckets=metric.buckets)


_sign_ins, _refusals = _counter(table.SIGN_INS), _counter(table.REFUSALS)
_upstream, _key_refetches = _histogram(table.UPSTREAM), _counter(table.KEY_REFETCHES)
_requests, _request_seconds = _counter(table.REQUESTS), _histogram(table.REQUEST_SECONDS)
_SIGN_IN_ENDS = {f"{action}.{end}": realm.value for realm, action in ACTIONS.items() for end in ("succeeded", "failed")}


def share(directory: Path) -> bool:
    """Let all processes that serve count together, in files of this directory; return whether that is possible.

    Called once in a process that serves, before it counts anything. Where nothing can be written there, each process
    tells of itself alone: a portal must not stay closed for want of metrics.
    """
    try:
        # The library looks for it there, and nowhere else.
        os.environ["PROMETHEUS_MULTIPROC_DIR"] = str(directory)
        values.ValueClass = values.MultiProcessValue(Slots(directory))  # type: ignore[no-untyped-call]
    except OSError as error:
        _logger.warning("METRICS_DIR cannot be used (%s): each process counts for itself", error.strerror)
        return False
    _shared[:] = [directory]
    return True


def counted() -> CollectorRegistry:
    """Return what was counted, by all processes that share it."""
    if not _shared:
        return _own
    together = CollectorRegistry()
    MultiProcessCollector(together, path=str(_shared[0]))  # type: ignore[no-untyped-call]
    return together


def count_request(context: LogContext, status: int, seconds: float) -> None:
    """Count a request that was answered, and its refusal, if it was one."""
    _requests.labels(context.route, context.method, f"{status // 100}xx").inc()
    _request_seconds.labels(context.route).observe(seconds)
    if context.code:
        _refusals.labels(context.code).inc()


def _count_sign_in(event: AuditEvent, provider: str, **kwargs: Any) -> None:
    realm = _SIGN_IN_ENDS.get(event.action)
    if realm is not None:
        _sign_ins.labels(provider or "local", realm, event.outcome, event.error_code).inc()


def _count_exchange(exchange: Exchange, provider: str, **kwargs: Any) -> None:
    _upstream.labels(provider or "none", exchange.endpoint, exchange.outcome).observe(exchange.seconds)


def _count_refetch(provider: str, **kwargs: Any) -> None:
    _key_refetches.labels(provider or "none").inc()


def start() -> None:
    """Begin to count. Called where requests are served, and not by commands."""
    recorded.connect(_count_sign_in, dispatch_uid="metrics")
    exchanged.connect(_count_exchange, dispatch_uid="metrics")
    keys_refetched.connect(_count_refetch, dispatch_uid="metrics")


def start_sharing() -> None:
    """Share what is counted with the other processes of this server."""
    share(Path(settings.METRICS_DIR))
