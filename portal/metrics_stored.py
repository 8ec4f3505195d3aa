"""What the database knows, as metrics: asked each time, so that every process gives the same answer."""

import logging
from collections.abc import Iterator, Sequence

from django.conf import settings
from django.db import DatabaseError, connection
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.registry import Collector

from idp.figures import ProviderFigures, guards_watching, housekeeping_successes, provider_figures
from portal import metrics_table as table
from portal.metrics_table import Metric
from users.session_counts import live_sessions

STATES = ("up", "down", "unknown")
_logger = logging.getLogger("gatehouse.metrics")


class StoredMetrics(Collector):
    """Reads the gauges. While the database does not answer there is one that says so, and none of the others."""

    def collect(self) -> Iterator[GaugeMetricFamily]:
        """Yield every gauge that is known now."""
        yield _gauge(table.BUILD, [((settings.VERSION,), 1)])
        try:
            stored = [*_of_sessions(), *_of_providers(provider_figures()), *_of_operations()]
        except DatabaseError:
            _logger.warning("the database does not answer", exc_info=True)
            # The next who asks may find it again, which a broken connection would not.
            connection.close()
            stored = []
        yield _gauge(table.DATABASE_UP, [((), 1 if stored else 0)])
        yield from stored


def _gauge(metric: Metric, samples: Sequence[tuple[tuple[str, ...], float]]) -> GaugeMetricFamily:
    family = GaugeMetricFamily(metric.name, metric.help, labels=metric.labels)
    for labels, value in samples:
        family.add_metric(labels, value)
    return family


def _of_sessions() -> list[GaugeMetricFamily]:
    return [_gauge(table.SESSIONS, [((realm,), number) for realm, number in live_sessions().items()])]


def _of_providers(providers: list[ProviderFigures]) -> list[GaugeMetricFamily]:
    credentials = [((each.slug, each.status, each.expiry.noun), each.expiry) for each in providers]
    states = [((each.slug, each.status, state), float(each.state == state)) for each in providers for state in STATES]
    checked = [((each.slug,), each.checked_at.timestamp()) for each in providers if each.checked_at]
    days = [(labels, float(expiry.days_left)) for labels, expiry in credentials if expiry.days_left is not None]
    return [
        _gauge(table.PENDING_LINKS, [((each.slug,), each.pending_links) for each in providers]),
        _gauge(table.PROVIDER_HEALTH, states),
        _gauge(table.PROVIDER_CHECKED, checked),
        _gauge(table.CREDENTIAL_DAYS, days),
        _gauge(table.CREDENTIAL_EXPIRED, [(labels, float(expiry.is_over)) for labels, expiry in credentials]),
    ]


def _of_operations() -> list[GaugeMetricFamily]:
    successes = [((task,), at.timestamp()) for task, at in housekeeping_successes().items()]
    return [_gauge(table.GUARDS, [((), guards_watching())]), _gauge(table.HOUSEKEEPING, successes)]
