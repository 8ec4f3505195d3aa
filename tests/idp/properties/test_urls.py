"""What an administrator pastes as an address: a canonical one comes of it, always the same, or a refusal."""

from collections.abc import Callable

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from idp.protocol import discovery, entra
from idp.protocol.clouds import CLOUDS
from idp.protocol.urls import is_callable, split_url
from tests.idp.properties.support import examples, texts
from tests.idp.protocol.support import TENANT
from users.errors import DirectoryError

HOSTS = [cloud.host for cloud in CLOUDS]
# Pieces of addresses, honest and hostile, in any order.
PIECES = [
    *("https://", "http://", "HTTPS://", "//", "/", "\\", "@", ":", ":443", ":8443", "?", "#", ".", "..", " ", "\t"),
    *("%2f", "%00", "v2.0", "oauth2/v2.0/token", "common", ".well-known/openid-configuration", "oauth2/default"),
    *("contoso.onmicrosoft.com", "sts.windows.net", "evil.example", "sso.example.com", "tenant-admin.okta.com"),
    *("127.0.0.1", "[::1]", "0x7f000001", "localhost", "user:secret@", "xn--", "\u0430", "\uff0f", "\u3002"),
    *(TENANT, TENANT.upper(), *HOSTS),
]
pieces = st.lists(st.sampled_from(PIECES), max_size=7).map("".join)
pasted = st.one_of(pieces, texts, st.text(alphabet="abc/:@[]?#% .\\\u0430", max_size=60))


def normalised(normalise: Callable[[str], str], text: str) -> str | None:
    """Return what comes of a text; None for one that is refused, with a code, words and a cure."""
    try:
        return normalise(text)
    except DirectoryError as error:
        assert error.code.startswith("idp.url.")
        assert error.message and error.hint
        return None


@given(text=pasted)
@example(text=f"https://login.microsoftonline.com/{TENANT}")
@example(text=f"https://login.microsoftonline.com@evil.example/{TENANT}")
@example(text=f"https://evil.example/login.microsoftonline.com/{TENANT}")
@example(text=f"https://login.microsoftonline.com\\@evil.example/{TENANT}")
@examples(400)
def test_an_entra_idp_url(text: str) -> None:
    authority = normalised(lambda text: entra.parse_idp_url(text).url, text)
    if authority is None:
        return
    parts = split_url(authority)
    assert (parts.scheme, parts.port, parts.query, parts.fragment) == ("https", 443, "", "")
    assert parts.host in HOSTS
    assert authority == f"https://{parts.host}{parts.path}" and parts.path.count("/") == 1
    again = entra.parse_idp_url(authority)
    assert (again.url, again.notices) == (authority, ())


@pytest.mark.parametrize("kind", ["google", "okta", "oidc"])
@given(text=pasted)
@example(text="https://sso.example.com/realms/x/.well-known/openid-configuration")
@example(text="https://tenant-admin.okta.com/admin/dashboard")
@example(text="https://user@evil.example")
@example(text="https://sso.example.com/x/.well-known/openid-configuration/.well-known/openid-configuration")
@example(text="https://sso.example.com/.well-known/openid-configuration/.well-known/oauth-authorization-server")
@examples(300)
def test_an_issuer(kind: discovery.GenericKind, text: str) -> None:
    issuer = normalised(lambda text: discovery.normalise_issuer(text, kind=kind), text)
    if issuer is None:
        return
    parts = split_url(issuer)
    assert is_callable(parts, frozenset())
    assert (parts.scheme, parts.query, parts.fragment) == ("https", "", "")
    assert parts.host not in HOSTS
    assert issuer == parts.origin + parts.path
    assert discovery.normalise_issuer(issuer, kind=kind) == issuer
