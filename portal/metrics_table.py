"""Every metric of `/metrics`, as documentation, dashboard, rules and tests read them. Labels have few values each.

Gatehouse's own clock is UTC; times are seconds since 1970, as Prometheus wants them.
"""

from dataclasses import dataclass

COUNTER, GAUGE, HISTOGRAM = "counter", "gauge", "histogram"


@dataclass(frozen=True)
class Metric:
    """One metric.

    Attributes:
        name: as it is exposed; a histogram's series end with `_bucket`, `_sum` and `_count`.
        kind: COUNTER, GAUGE or HISTOGRAM.
        labels: their names.
        help: what it says.
        is_stored: whether it is read from the database when it is asked for, so that every process says the same. The
            others are counted by the processes that serve, since the first of them started; commands and housekeeping
            count nothing.
        buckets: the upper bounds of a histogram, in seconds.
    """

    name: str
    kind: str
    labels: tuple[str, ...]
    help: str
    is_stored: bool = False
    buckets: tuple[float, ...] = ()


SIGN_INS = Metric(
    "gatehouse_sign_ins_total",
    COUNTER,
    ("provider", "realm", "outcome", "code"),
    "Sign-ins that ended. provider: its slug, local without one, unknown where the address names none; realm: user or "
    "admin; outcome: success or refused; code: the error code of a refusal.",
)
REFUSALS = Metric(
    "gatehouse_refusals_total",
    COUNTER,
    ("code",),
    "Requests that were refused, by error code: sign-ins, forms, pages that are not there, too many requests.",
)
UPSTREAM = Metric(
    "gatehouse_upstream_seconds",
    HISTOGRAM,
    ("provider", "endpoint", "outcome"),
    "How long requests to providers took. provider: the slug, or none outside of a sign-in, a recheck and a rehearsal; "
    "endpoint: token, jwks, discovery or other; outcome: the class of the status, such as 2xx, or an error code.",
    buckets=(0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.0, 4.0, 8.0),
)
KEY_REFETCHES = Metric(
    "gatehouse_key_refetches_total",
    COUNTER,
    ("provider",),
    "Fetches of a provider's signing keys because a token named one that was not known.",
)
REQUESTS = Metric(
    "gatehouse_http_requests_total",
    COUNTER,
    ("route", "method", "status"),
    "Requests that were answered. route: the name of the page, static, or none; status: its class, such as 2xx.",
)
REQUEST_SECONDS = Metric(
    "gatehouse_http_request_seconds",
    HISTOGRAM,
    ("route",),
    "How long answering took, without the time in the server's queue.",
    buckets=(0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 10.0),
)
BUILD = Metric("gatehouse_build_info", GAUGE, ("version",), "Always 1; the version is the label.")
DATABASE_UP = Metric(
    "gatehouse_database_up", GAUGE, (), "Whether the database answered just now. Without it the stored ones are absent."
)
SESSIONS = Metric("gatehouse_sessions", GAUGE, ("realm",), "People's sessions that are good now.", is_stored=True)
PENDING_LINKS = Metric(
    "gatehouse_pending_links",
    GAUGE,
    ("provider",),
    "Accounts that came with a valid token, matched nobody, and wait for an administrator.",
    is_stored=True,
)
PROVIDER_HEALTH = Metric(
    "gatehouse_provider_health",
    GAUGE,
    ("provider", "status", "state"),
    "1 for what housekeeping's last check found, 0 for the others. status: draft or active; state: up, down or "
    "unknown (not checked yet, or too long ago).",
    is_stored=True,
)
PROVIDER_CHECKED = Metric(
    "gatehouse_provider_last_check_timestamp_seconds",
    GAUGE,
    ("provider",),
    "When housekeeping asked the provider last.",
    is_stored=True,
)
CREDENTIAL_DAYS = Metric(
    "gatehouse_credential_expiry_days",
    GAUGE,
    ("provider", "status", "credential"),
    "Days until the client secret or certificate in use expires, below 0 afterwards; absent where nobody noted a date.",
    is_stored=True,
)
CREDENTIAL_EXPIRED = Metric(
    "gatehouse_credential_expired",
    GAUGE,
    ("provider", "status", "credential"),
    "1 once it is over, by its date or because the provider refused it as expired.",
    is_stored=True,
)
GUARDS = Metric("gatehouse_guards_active", GAUGE, (), "Trials that wait to be confirmed.", is_stored=True)
HOUSEKEEPING = Metric(
    "gatehouse_housekeeping_last_success_timestamp_seconds",
    GAUGE,
    ("task",),
    "When a task of housekeeping last ended well; absent before the first time.",
    is_stored=True,
)

METRICS = (
    SIGN_INS,
    REFUSALS,
    UPSTREAM,
    KEY_REFETCHES,
    REQUESTS,
    REQUEST_SECONDS,
    BUILD,
    DATABASE_UP,
    SESSIONS,
    PENDING_LINKS,
    PROVIDER_HEALTH,
    PROVIDER_CHECKED,
    CREDENTIAL_DAYS,
    CREDENTIAL_EXPIRED,
    GUARDS,
    HOUSEKEEPING,
)
