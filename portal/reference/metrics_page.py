"""docs/reference/metrics.md: what `/metrics` tells, from portal/metrics_table.py."""

from portal.metrics_table import METRICS, Metric
from portal.reference.markdown import code, page, plain, prose

INTRODUCTION = (
    "Prometheus reads them at `/metrics`, from this machine or with `METRICS_TOKEN` as a bearer token. Those that are "
    "*stored* come from the database, so every process says the same; add the others up over the instances. Times are "
    "seconds since 1970."
)


def metrics_page() -> str:
    """Return the page."""
    return page("Metrics", prose(INTRODUCTION), *(_entry(metric) for metric in METRICS))


def _entry(metric: Metric) -> str:
    labels = ", ".join(code(label) for label in metric.labels) or "none"
    facts = f"Kind: {metric.kind}{', stored' if metric.is_stored else ''}. Labels: {labels}."
    if metric.buckets:
        facts += f" Buckets, in seconds: {', '.join(str(bucket) for bucket in metric.buckets)}."
    return f"## {code(metric.name)}\n\n{prose(plain(metric.help))}\n\n{prose(facts)}"
