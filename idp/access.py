"""Conditional access: what the policies say of one sign-in or one page. Pure Python, without a database.

The first rule in the order that names the person and whose conditions all hold decides; where none does, the default.
"""

import uuid
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime, time
from enum import StrEnum
from functools import lru_cache
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network
from zoneinfo import ZoneInfo

Network = IPv4Network | IPv6Network
# The addresses in which IPv6 holds those of IPv4 (RFC 4291, section 2.5.5.2): ::ffff:192.0.2.1.
_MAPPED = ip_network("::ffff:0:0/96")
EVERY_DAY = frozenset(range(7))


class Action(StrEnum):
    """What a policy does with those whom it fits."""

    ALLOW = "allow"
    DENY = "deny"
    REQUIRE_SECOND_FACTOR = "require_second_factor"


class Side(StrEnum):
    """On which side of a condition somebody must be."""

    INSIDE = "inside"
    OUTSIDE = "outside"


class Missed(StrEnum):
    """Why a policy does not fit."""

    PERSON = "person"
    NETWORK = "network"
    SIGN_IN = "sign_in"
    TOKEN = "token"  # noqa: S105  (the name of a condition)
    TIME = "time"


@dataclass(frozen=True)
class Circumstances:
    """Who comes, from where, how and when.

    Attributes:
        client_ip: None where the address is not known: then she is in no network.
        provider_id: of the provider that signed her in; None for a sign-in with a Gatehouse password.
        token_second_factor: whether the provider's token says that a second factor was used there.
        at: with a time zone.
    """

    person_id: uuid.UUID
    groups: frozenset[uuid.UUID]
    client_ip: str | None
    provider_id: uuid.UUID | None
    token_second_factor: bool
    at: datetime


@dataclass(frozen=True)
class Window:
    """Hours of some days of the week, in one time zone. It may end on the day after it began.

    Attributes:
        days: on which it begins; Monday is 0.
        begins, ends: the end does not belong to it. Both the same: 24 hours.
    """

    days: frozenset[int] = EVERY_DAY
    begins: time = time()
    ends: time = time()
    zone: str = "UTC"

    def holds(self, at: datetime) -> bool:
        """Return whether a moment is within it, by the clocks of its time zone."""
        local = at.astimezone(ZoneInfo(self.zone))
        now, today = local.time(), local.weekday()
        if self.begins < self.ends:
            return today in self.days and self.begins <= now < self.ends
        return (today in self.days and now >= self.begins) or ((today - 1) % 7 in self.days and now < self.ends)


@dataclass(frozen=True)
class Rule:
    """A policy.

    Attributes:
        enabled: while it is off, it fits nobody.
        everyone: groups and people are none then.
        networks, network_side: within one of these, or outside all of them; None: from anywhere.
        sign_ins: the providers, and None for a Gatehouse password; empty: however she signs in.
        token_second_factor: whether the token must say so, or must not; None: either.
        window, window_side: when; None: at any time.
    """

    policy_id: uuid.UUID
    action: Action
    enabled: bool = True
    everyone: bool = False
    groups: frozenset[uuid.UUID] = frozenset()
    people: frozenset[uuid.UUID] = frozenset()
    except_groups: frozenset[uuid.UUID] = frozenset()
    except_people: frozenset[uuid.UUID] = frozenset()
    networks: tuple[Network, ...] = ()
    network_side: Side | None = None
    sign_ins: frozenset[uuid.UUID | None] = frozenset()
    token_second_factor: bool | None = None
    window: Window | None = None
    window_side: Side = Side.INSIDE
    name: str = field(default="", compare=False)

    @property
    def is_conditional(self) -> bool:
        """Whether it fits the people whom it names only sometimes."""
        return bool(self.network_side or self.sign_ins or self.token_second_factor is not None or self.window)

    @property
    def asks_groups(self) -> bool:
        """Whether the person's groups matter."""
        return bool(self.groups or self.except_groups)

    def missed(self, who: Circumstances) -> Missed | None:
        """Return why it does not fit, the first reason of several, or None where it does."""
        if not self.names(who.person_id, who.groups):
            return Missed.PERSON
        if self.network_side and is_inside(who.client_ip, self.networks) != (self.network_side == Side.INSIDE):
            return Missed.NETWORK
        if self.sign_ins and who.provider_id not in self.sign_ins:
            return Missed.SIGN_IN
        if self.token_second_factor not in (None, who.token_second_factor):
            return Missed.TOKEN
        if self.window and self.window.holds(who.at) != (self.window_side == Side.INSIDE):
            return Missed.TIME
        return None

    def names(self, person_id: uuid.UUID, groups: frozenset[uuid.UUID]) -> bool:
        """Return whether it is about a person at all, whatever the circumstances."""
        if person_id in self.except_people or groups & self.except_groups:
            return False
        return self.everyone or person_id in self.people or bool(groups & self.groups)


@dataclass(frozen=True)
class Decision:
    """What is done, and the rule that says so; None: the default."""

    action: Action
    rule: Rule | None = None


def decide(rules: Iterable[Rule], who: Circumstances, default: Action = Action.ALLOW) -> Decision:
    """Return what the rules that are on, in their order, say of somebody.

    Args:
        default: what is done where no rule fits.
    """
    for rule in rules:
        if rule.enabled and rule.missed(who) is None:
            return Decision(rule.action, rule)
    return Decision(default)


def is_inside(address: str | None, networks: Iterable[Network]) -> bool:
    """Return whether an address is in one of the networks. What is no address is in none."""
    plain = _plain(address or "")
    return plain is not None and any(plain in network for network in networks)


@lru_cache(maxsize=256)
def _plain(address: str) -> IPv4Address | IPv6Address | None:
    """Return an address, an IPv4 one out of the clothes of IPv6; None for what is none. Two hundred rules ask."""
    try:
        parsed = ip_address(address)
    except ValueError:
        return None
    return getattr(parsed, "ipv4_mapped", None) or parsed


def parse_network(text: str) -> Network:
    """Return a network such as 203.0.113.0/24, or that of a single address, in normal form.

    A network of IPv4 addresses in the clothes of IPv6 is that of IPv4: addresses are undressed as well.

    Raises:
        ValueError: it is none, or bits are set that the length cuts off.
    """
    network = ip_network(text)
    if isinstance(network, IPv6Network) and network.subnet_of(_MAPPED):  # type: ignore[arg-type]
        mapped = network.network_address.ipv4_mapped
        return IPv4Network((int(mapped or 0), network.prefixlen - 96))
    return network
