"""Microsoft's national clouds: which hosts sign people in (reference/entra.md 1.2)."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Cloud:
    """One row of the host allow-list."""

    name: str
    label: str
    host: str
    graph_host: str
    aliases: tuple[str, ...] = ()
    tenant_suffixes: tuple[str, ...] = ()


CLOUDS = (
    Cloud(
        "public",
        "the public cloud",
        "login.microsoftonline.com",
        "graph.microsoft.com",
        aliases=("sts.windows.net", "login.windows.net", "login.microsoft.com"),
    ),
    Cloud(
        "usgov",
        "Azure US Government",
        "login.microsoftonline.us",
        "graph.microsoft.us",
        aliases=("login.usgovcloudapi.net",),
        tenant_suffixes=(".onmicrosoft.us",),
    ),
    Cloud(
        "china",
        "Azure China (21Vianet)",
        "login.partner.microsoftonline.cn",
        "microsoftgraph.chinacloudapi.cn",
        aliases=("login.chinacloudapi.cn",),
        tenant_suffixes=(".partner.onmschina.cn",),
    ),
    # Their Graph hosts are not documented: the discovery document's msgraph_host decides.
    Cloud("france", "the French sovereign cloud", "login.sovcloud-identity.fr", ""),
    Cloud("germany", "the German sovereign cloud", "login.sovcloud-identity.de", ""),
    Cloud("singapore", "the Singaporean sovereign cloud", "login.sovcloud-identity.sg", ""),
)
PUBLIC = CLOUDS[0]

_BY_HOST = {host: cloud for cloud in CLOUDS for host in (cloud.host, *cloud.aliases)}


def cloud_of_host(host: str) -> Cloud | None:
    """The cloud that a sign-in host or one of its aliases belongs to."""
    return _BY_HOST.get(host.lower().rstrip("."))


def cloud_of_domain(domain: str) -> Cloud:
    """The cloud that a tenant's domain points to; the public one where it does not tell."""
    for cloud in CLOUDS:
        if any(domain.lower().endswith(suffix) for suffix in cloud.tenant_suffixes):
            return cloud
    return PUBLIC
