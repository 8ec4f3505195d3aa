"""Which network addresses a request may go to (reference/entra.md section 2, SSRF)."""

from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network

# Python's own is_global lags behind the IANA registries on older patch releases, so the refused blocks are named here.
_REFUSED_V4 = tuple(
    ip_network(block)
    for block in (
        "0.0.0.0/8", "10.0.0.0/8", "100.64.0.0/10", "127.0.0.0/8", "169.254.0.0/16", "172.16.0.0/12", "192.0.0.0/24",
        "192.0.2.0/24", "192.88.99.0/24", "192.168.0.0/16", "198.18.0.0/15", "198.51.100.0/24", "203.0.113.0/24",
        "224.0.0.0/4", "240.0.0.0/4", "168.63.129.16/32",
    )
)  # fmt: skip
# Outside 2000::/3 nothing is global unicast, except addresses that embed an IPv4 address.
_GLOBAL_V6 = ip_network("2000::/3")
_REFUSED_V6 = tuple(ip_network(block) for block in ("2001::/23", "2001:db8::/32", "3fff::/20"))
_NAT64 = ip_network("64:ff9b::/96")

# What a listed private host may use; link-local, multicast and metadata stay refused even there.
_PRIVATE = tuple(
    ip_network(block)
    for block in (
        "10.0.0.0/8", "100.64.0.0/10", "127.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "fc00::/7", "::1/128",
    )
)  # fmt: skip
_METADATA = frozenset(ip_address(text) for text in ("100.100.100.200", "fd00:ec2::254", "fd20:ce::254"))


def is_allowed(text: str, *, private: bool) -> bool:
    """Whether a request may go to this address; `private` for a host that the operator listed as his own."""
    try:
        address = ip_address(text)
    except ValueError:
        return False
    if isinstance(address, IPv6Address):
        if address.scope_id:
            return False
        address = _embedded_ipv4(address) or address
    if address in _METADATA:
        return False
    return _is_public(address) or (private and any(address in block for block in _PRIVATE))


def _embedded_ipv4(address: IPv6Address) -> IPv4Address | None:
    """The IPv4 address that a packet would end at: IPv4-mapped, 6to4 (RFC 3056), NAT64 (RFC 6052)."""
    if address in _NAT64:
        return IPv4Address(int(address) & 0xFFFFFFFF)
    return address.ipv4_mapped or address.sixtofour


def _is_public(address: IPv4Address | IPv6Address) -> bool:
    if isinstance(address, IPv4Address):
        return not any(address in block for block in _REFUSED_V4)
    return address in _GLOBAL_V6 and not any(address in block for block in _REFUSED_V6)
