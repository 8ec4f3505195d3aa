"""What somebody asks of the audit log: one value for the page, its links, saved filters, exports and commands."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime, timedelta
from ipaddress import IPv6Network, ip_network

from django.utils import timezone

# Ranges that stay relative: a link to the last seven days is that also next month.
RANGES = {
    "1h": timedelta(hours=1),
    "24h": timedelta(hours=24),
    "7d": timedelta(days=7),
    "30d": timedelta(days=30),
}
RANGE_WORDS = {"1h": "Last hour", "24h": "Last 24 hours", "7d": "Last 7 days", "30d": "Last 30 days"}
OUTCOMES = {"success": "Done", "refused": "Refused"}


@dataclass(frozen=True)
class AuditFilter:
    """Which rows of the audit log are wanted. Everything that is given must hold.

    Attributes:
        since: only rows of this moment and later.
        until: only rows before this moment.
        last: one of RANGES in the place of both; reckoned from the moment in which somebody looks.
        action: an action, or the beginning of one up to a dot ("idp" finds all of "idp.…").
        outcome: "success" or "refused".
        person: a company email, user name, id or label; finds what somebody did and what was done to her.
        actor: the same, but only what she did; or the label of an operator.
        address: the client's address, or a network in the notation 203.0.113.0/24.
        code: the code of a refusal, such as "federation.no_match".
        reference: the number on an error page.
    """

    since: datetime | None = None
    until: datetime | None = None
    last: str = ""
    action: str = ""
    outcome: str = ""
    person: str = ""
    actor: str = ""
    address: str = ""
    code: str = ""
    reference: str = ""

    @classmethod
    def of(cls, given: Mapping[str, object]) -> "AuditFilter":
        """Return the filter in normal form. Names that are none of its own are left out, and so are empty values.

        Args:
            given: texts, and moments with a time zone for `since` and `until`; or ISO 8601 texts, which `as_query`
                makes of them.
        """
        known = {name: value for name, value in given.items() if name in cls.__dataclass_fields__ and value}
        moments = {name: _moment(value) for name, value in known.items() if name in {"since", "until"}}
        texts = {name: str(value).replace("\x00", "").strip() for name, value in known.items() if name not in moments}
        wanted = cls(**{**texts, **moments})  # type: ignore[arg-type]
        return replace(
            wanted,
            last="" if wanted.since or wanted.until or wanted.last not in RANGES else wanted.last,
            action=wanted.action.lower().rstrip("."),
            code=wanted.code.lower(),
            reference=normal_reference(wanted.reference),
            address=normal_address(wanted.address) or wanted.address,
        )

    def as_query(self) -> dict[str, str]:
        """Return what is given, as texts for an address, always in the same order."""
        given = {name: value for name, value in asdict(self).items() if value}
        return {
            name: value.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ") if isinstance(value, datetime) else value
            for name, value in given.items()
        }

    def window(self) -> tuple[datetime | None, datetime | None]:
        """Return the first moment that is wanted and the first that no longer is, as they are now."""
        if self.last:
            return timezone.now() - RANGES[self.last], self.until
        return self.since, self.until

    def __bool__(self) -> bool:
        return self != AuditFilter()


def moment(text: str) -> datetime:
    """Return a moment: ISO 8601, in UTC where no other zone is named. A date alone is its first moment.

    Raises:
        ValueError: it is none, or one that no database keeps.
    """
    parsed = datetime.fromisoformat(text.strip())
    return (parsed if parsed.tzinfo else parsed.replace(tzinfo=UTC)).astimezone(UTC)


def normal_reference(text: str) -> str:
    """Return a reference number as it is stored, also where it was typed in small letters or without its hyphens."""
    bare = "".join(text.upper().replace("-", " ").split())
    return f"{bare[:4]}-{bare[4:8]}-{bare[8:]}" if len(bare) == 12 else text.upper()


def normal_address(text: str) -> str | None:
    """Return an address, or a network that is larger than one address, in normal form; None for anything else.

    The log keeps addresses of version 4 as such, and none with the zone of a machine's own interface.
    """
    address, slash, prefix = text.strip().partition("/")
    if ":" in address:
        address = address.partition("%")[0]
    try:
        network = ip_network(f"{address}{slash}{prefix}", strict=False)
    except ValueError:
        return None
    mapped = network.network_address.ipv4_mapped if isinstance(network, IPv6Network) else None
    if mapped and network.prefixlen >= 96:
        network = ip_network(f"{mapped}/{network.prefixlen - 96}", strict=False)
    return str(network) if network.num_addresses > 1 else str(network.network_address)


def _moment(value: object) -> datetime | None:
    if isinstance(value, datetime):
        return value
    try:
        return moment(str(value))
    except (ValueError, OverflowError):
        return None
