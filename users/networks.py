"""Finding addresses by their network, on both databases."""

from functools import lru_cache
from ipaddress import IPv4Network, IPv6Network, ip_address, ip_network
from itertools import takewhile
from typing import Any

from django.db import connection
from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.models import BooleanField, F, Func, Q, QuerySet, Value

Network = IPv4Network | IPv6Network

# So many rows of a network are sorted; where there are more, walking the newest rows finds a page of them sooner.
FEW = 20_000


def in_network(rows: "QuerySet[Any] | None", column: str, network: str) -> Q:
    """Return the condition that an address is in a network.

    PostgreSQL orders addresses by their value. SQLite has texts: those of a network begin alike, which its index
    answers, and a function of ours decides on each.

    Args:
        rows: among which the condition will be used; None for a few that other conditions find.
        column: the name of the field with the address.
        network: in normal form, such as 203.0.113.0/24.
    """
    parsed = ip_network(network)
    if connection.vendor == "postgresql":
        return Q(**{f"{column}__gte": str(parsed[0]), f"{column}__lte": str(parsed[-1])})
    exact = Q(_InNetwork(F(column), Value(network)))
    prefix = text_prefix(parsed)
    if not prefix:
        return exact
    beyond = prefix[:-1] + chr(ord(prefix[-1]) + 1)
    alike = Q(_AtLeast(F(column), Value(prefix))) & Q(_Below(F(column), Value(beyond)))
    few = rows is None or rows.filter(alike).order_by()[:FEW].count() < FEW
    return alike & exact if few else exact


def text_prefix(network: Network) -> str:
    """Return the beginning that the texts of all addresses in a network share; "" where there is none.

    RFC 5952: the groups before the first zero are written as they are, and a run of zeros may be left out.
    """
    if isinstance(network, IPv4Network):
        return "".join(
            f"{octet}." for octet in str(network.network_address).split(".")[: min(network.prefixlen // 8, 3)]
        )
    groups = network.network_address.exploded.split(":")[: min(network.prefixlen // 16, 7)]
    return "".join(f"{int(group, 16):x}:" for group in takewhile(lambda group: int(group, 16), groups))


class _Comparison(Func):
    """Compares texts as they are stored: the field itself would refuse half an address."""

    arity = 2
    template = "%(expressions)s"
    output_field = BooleanField()


class _AtLeast(_Comparison):
    arg_joiner = " >= "


class _Below(_Comparison):
    arg_joiner = " < "


class _InNetwork(Func):
    function = "gatehouse_in_network"
    arity = 2
    output_field = BooleanField()


@lru_cache
def _parsed(network: str) -> Network:
    return ip_network(network)


def _is_in(address: str | None, network: str) -> bool:
    """Decide for SQLite. What is no address is in no network."""
    try:
        return address is not None and ip_address(address) in _parsed(network)
    except ValueError:
        return False


def teach_sqlite(connection: BaseDatabaseWrapper, **kwargs: Any) -> None:
    """Give a new connection to SQLite the function that PostgreSQL needs none for."""
    if connection.vendor == "sqlite":
        connection.connection.create_function("gatehouse_in_network", 2, _is_in, deterministic=True)
