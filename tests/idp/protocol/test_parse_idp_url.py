"""Everything that an administrator may paste as Entra IdP URL (reference/entra.md 1.2)."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from idp.protocol.entra import parse_idp_url
from tests.idp.protocol.support import TENANT, refused
from users.errors import DirectoryError

CANONICAL = f"https://login.microsoftonline.com/{TENANT}"


@pytest.mark.parametrize(
    "text",
    [
        CANONICAL, f"{CANONICAL}/", f"  {CANONICAL}\n", CANONICAL.upper(), TENANT, TENANT.upper(), f"{TENANT}/",
        CANONICAL.removeprefix("https://"), f"https://login.microsoftonline.com:443/{TENANT}",
        f"https://login.microsoftonline.com./{TENANT}", f"login.microsoftonline.com:443/{TENANT}",
        *(f"{CANONICAL}{path}" for path in (
            "/oauth2/v2.0/authorize", "/oauth2/v2.0/token", "/oauth2/v2.0/devicecode", "/oauth2/v2.0/logout", "/v2.0",
            "/v2.0/", "/v2.0/.well-known/openid-configuration", "/discovery/v2.0/keys", "/oauth2/authorize", "/saml2",
            "/federationmetadata/2007-06/federationmetadata.xml", "?x=1#y", "/oauth2/v2.0/authorize?client_id=a&b=c",
        )),
    ],
)  # fmt: skip
def test_it_recognises_every_form_of_a_tenant(text):
    authority = parse_idp_url(text)
    assert (authority.url, authority.issuer) == (CANONICAL, f"{CANONICAL}/v2.0")
    assert (authority.cloud, authority.tenant_is_id, authority.notices) == ("public", True, ())


@pytest.mark.parametrize("host", ["sts.windows.net", "login.windows.net", "login.microsoft.com"])
def test_it_rewrites_an_alias_and_says_so(host):
    authority = parse_idp_url(f"https://{host}/{TENANT}/")
    assert authority.url == CANONICAL
    assert host in authority.notices[0]


@pytest.mark.parametrize(
    ("host", "cloud"),
    [
        ("login.microsoftonline.us", "usgov"), ("login.partner.microsoftonline.cn", "china"),
        ("login.sovcloud-identity.fr", "france"), ("login.sovcloud-identity.de", "germany"),
        ("login.sovcloud-identity.sg", "singapore"),
    ],
)  # fmt: skip
def test_it_keeps_national_clouds(host, cloud):
    authority = parse_idp_url(f"https://{host}/{TENANT}/v2.0")
    assert (authority.url, authority.cloud) == (f"https://{host}/{TENANT}", cloud)


def test_it_rewrites_the_old_chinese_host():
    authority = parse_idp_url(f"https://login.chinacloudapi.cn/{TENANT}")
    assert authority.issuer == f"https://login.partner.microsoftonline.cn/{TENANT}/v2.0"


@pytest.mark.parametrize(
    ("text", "host"),
    [
        ("Contoso.onmicrosoft.com", "login.microsoftonline.com"), ("contoso.com", "login.microsoftonline.com"),
        ("https://login.microsoftonline.com/contoso.com/v2.0", "login.microsoftonline.com"),
        ("contoso.onmicrosoft.us", "login.microsoftonline.us"),
        ("contoso.partner.onmschina.cn", "login.partner.microsoftonline.cn"),
    ],
)  # fmt: skip
def test_it_takes_a_domain_for_discovery_to_resolve(text, host):
    authority = parse_idp_url(text)
    assert authority.authority_origin == f"https://{host}"
    assert not authority.tenant_is_id


REFUSALS = [
    ("idp.url.empty", ["", "   ", "/"]),
    ("idp.url.too_long", [CANONICAL + "?" + "x" * 3000]),
    ("idp.url.control_characters", [f"{CANONICAL}\u200b", "https://login.microsoftonline.com/\nx", "a b", "a\x00b"]),
    ("idp.url.backslash", [f"https://login.microsoftonline.com\\@evil.com/{TENANT}", "a\\b"]),
    ("idp.url.malformed", [f"https:///{TENANT}", "https://[x]/", f"https://login.microsoftonline.com:x/{TENANT}"]),
    ("idp.url.scheme", [f"ftp://login.microsoftonline.com/{TENANT}", "javascript:alert(1)", "https:/x.com/y"]),
    ("idp.url.insecure", [f"http://login.microsoftonline.com/{TENANT}"]),
    ("idp.url.userinfo", [f"https://login.microsoftonline.com@evil.com/{TENANT}", f"https://a:b@c.com/{TENANT}"]),
    ("idp.url.email_address", ["ada@contoso.com"]),
    ("idp.url.port", [f"https://login.microsoftonline.com:8443/{TENANT}"]),
    ("idp.url.ip_address", [
        f"https://20.190.128.1/{TENANT}", f"https://[::1]/{TENANT}", "10.0.0.1", f"https://2130706433/{TENANT}",
        f"https://0x7f.1/{TENANT}", "::1", "10.0.0.1:443",
    ]),
    ("idp.url.look_alike", [
        f"https://login.microsoftonlіne.com/{TENANT}", f"https://login.xn--microsoftonlne-zzz.com/{TENANT}",
        "contosо.com", f"https://login\u2024microsoftonline.com/{TENANT}", f"https://login\uff0f.com/{TENANT}",
    ]),
    ("idp.url.host", [
        f"https://login.microsoft0nline.com/{TENANT}", f"https://login.microsoftonline.com.evil.com/{TENANT}",
        "https://accounts.google.com/", f"https://evil.com/login.microsoftonline.com/{TENANT}", "contoso.com:8443",
        "https://graph.microsoft.com/v1.0",
    ]),
    ("idp.url.b2c", [
        f"https://contoso.b2clogin.com/{TENANT}", "contoso.b2clogin.com",
        "https://login.microsoftonline.com/te/contoso.onmicrosoft.com/b2c_1_sign_in/v2.0",
    ]),
    ("idp.url.external_id", [f"https://contoso.ciamlogin.com/{TENANT}/v2.0"]),
    ("idp.url.germany", [f"https://login.microsoftonline.de/{TENANT}"]),
    ("idp.url.portal", [
        "https://portal.azure.com/#view/x", "https://entra.microsoft.com/", "entra.microsoft.com",
        "https://aad.portal.azure.com/", "https://portal.azure.us/",
    ]),
    ("idp.url.tenant_missing", [
        "https://login.microsoftonline.com", "login.microsoftonline.com",
        "https://login.microsoftonline.com/oauth2/v2.0/authorize", "https://login.microsoftonline.com/v2.0",
    ]),
    ("idp.url.tenant", [
        "https://login.microsoftonline.com/..", "https://login.microsoftonline.com/contoso", "contoso",
        "https://login.microsoftonline.com/a%2Fb", TENANT.replace("-", ""), TENANT[:-1],
    ]),
    ("idp.url.multi_tenant", [
        "https://login.microsoftonline.com/common/v2.0", "https://login.microsoftonline.com/Organizations",
        "consumers", "9188040D-6c67-4c5b-b112-36a304b66dad",
    ]),
    ("idp.url.placeholder", [
        "https://login.microsoftonline.com/{tenant}/v2.0", "https://login.microsoftonline.com/<your tenant>",
        "{tenantid}", "https://login.microsoftonline.com/%7Btenant%7D", "https://login.microsoftonline.com/your-tenant-id",
        "00000000-0000-0000-0000-000000000000", "https://login.microsoftonline.com/Enter_the_Tenant_Info_Here",
    ]),
]  # fmt: skip


@pytest.mark.parametrize(("code", "text"), [(code, text) for code, texts in REFUSALS for text in texts])
def test_it_refuses_the_rest_with_its_reason(code, text):
    with refused(code) as caught:
        parse_idp_url(text)
    assert (caught.value.field, caught.value.http_status, caught.value.exit_status) == ("url", 400, 2)


def test_a_refusal_does_not_echo_a_password():
    with refused("idp.url.userinfo") as caught:
        parse_idp_url("https://admin:hunter2@login.microsoftonline.com/x")
    assert "hunter2" not in f"{caught.value.message}{caught.value.hint}{caught.value.context}"


@pytest.mark.parametrize("path", ["", "/", "/v2.0/.well-known/openid-configuration?a=b"])
def test_a_listed_insecure_origin_counts_as_an_authority(path):
    origin = "http://127.0.0.1:9000"
    authority = parse_idp_url(f"{origin}/{TENANT.upper()}{path}", insecure_origins=frozenset({origin}))
    assert (authority.url, authority.issuer) == (f"{origin}/{TENANT}", f"{origin}/{TENANT}/v2.0")
    assert (authority.cloud, authority.tenant_is_id) == ("insecure", True)


@pytest.mark.parametrize("origin", ["http://127.0.0.1:9001", "https://127.0.0.1:9000", "http://127.0.0.1:900"])
def test_only_the_exact_insecure_origin_counts(origin):
    with pytest.raises(DirectoryError):
        parse_idp_url(f"{origin}/{TENANT}", insecure_origins=frozenset({"http://127.0.0.1:9000"}))


PIECES = st.sampled_from(
    ["https://", "http://", "login.microsoftonline.com", "/", "\\", "@", ":", "[", "]", "?", "#", "%", "{", "..",
     "common", TENANT, "é", "\u202e", "\x00", " ", "0x7f", ".b2clogin.com", "xn--", "contoso.com", "443", "\ufe68"]
)  # fmt: skip


@settings(max_examples=400, derandomize=True, deadline=None)
@given(st.one_of(st.text(), st.lists(PIECES, max_size=7).map("".join)))
def test_any_text_is_a_tenant_of_an_allowed_host_or_a_refusal(text):
    try:
        authority = parse_idp_url(text)
    except DirectoryError as refusal:
        assert refusal.code.startswith("idp.url.")
    else:
        assert authority.authority_origin.startswith("https://login.")
        assert parse_idp_url(authority.url).url == authority.url
