"""`next`: whatever a link asks for, a sign-in ends on a page of this site."""

import string
from urllib.parse import quote, urljoin, urlsplit

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from idp.models import IdentityProvider
from tests.browsing import Browser
from tests.entra_tenant import PracticeTenant
from users.models import User

ORIGIN = "https://gatehouse.example"
HOSTILE = [
    "//evil.example", "///evil.example", "////evil.example", "\\\\evil.example", "\\evil.example", "/\\evil.example",
    "/\\/evil.example", "\\/evil.example", "https:evil.example", "https:/evil.example", "https://evil.example",
    "https:///evil.example", "HTTPS://evil.example", "http:evil.example", "javascript:alert(1)", "data:text/html,x",
    "evil.example", "@evil.example", "/%2fevil.example", "/%2Fevil.example", "%2f%2fevil.example", "/%5cevil.example",
    "/%5Cevil.example", "/%252f%252fevil.example/%2f%2fevil", "/\tevil.example", "/\t/evil.example", "\t//evil.example",
    " //evil.example", "/\n/evil.example", "/\r\nLocation: https://evil.example", "/%09/evil.example",
    "/%0d%0aX-Evil:%201", "/\x00/evil.example", "\x01//evil.example", "/\u2028/evil.example", "/\u3000/evil.example",
    "//127.0.0.1:8000@evil.example", "//evil.example/..", "/profile/\\evil.example", "x" * 3000, "/" + "x" * 3000,
]  # fmt: skip
# What URL parsers treat specially, and pieces of hosts and schemes.
PIECES = st.sampled_from(
    [*"/\\:@?#.;&=%\t\n\r\0 ", "//", "https:", "http:", "javascript:", "evil.example", "%2f", "%5c", "%09", "%00", "..",
     "\u2044", "\uff0f", "\u3002", "\u200b", "profile", *string.ascii_letters[:3]]
)  # fmt: skip


def read_by_a_browser(location: str) -> str:
    """Return the address that a browser makes of a Location (WHATWG URL: tabs and lines vanish, \\ is /)."""
    text = location.strip("".join(map(chr, range(33))))
    for character in "\t\n\r":
        text = text.replace(character, "")
    return urljoin(ORIGIN, text.replace("\\", "/"))


def assert_it_stays_here(location: str) -> None:
    """Check that an address is a path of this site, as it is and when something decodes it once more."""
    assert location.startswith("/")
    assert not location.startswith("//")
    parts = urlsplit(read_by_a_browser(location))
    assert f"{parts.scheme}://{parts.netloc}" == ORIGIN, location


def claimed_by(candidate: str) -> list[pytest.MarkDecorator]:
    """Return the conformance cases that a candidate shows."""
    shown = {
        "two-slashes": candidate.startswith("//"),
        "backslashes": "\\" in candidate,
        "a-scheme-alone": candidate.lower().startswith(("https:", "http:")) and "://" not in candidate,
    }
    slugs = [f"response-next-with-{kind}" for kind, is_shown in shown.items() if is_shown]
    slugs += ["response-next-encoded"] if "%" in candidate else []
    return [pytest.mark.conformance(*slugs)] if slugs else []


@pytest.mark.parametrize(
    "candidate", [pytest.param(text, id=repr(text[:40]), marks=claimed_by(text)) for text in HOSTILE]
)
@pytest.mark.spec("RFC 9700", "4.11.1")
def test_a_hostile_next_leads_home(
    candidate: str, tenant: PracticeTenant, provider: IdentityProvider, ada: User, browser_client: Browser
) -> None:
    assert browser_client.federated_sign_in(next_path=candidate)["Location"] == "/"
    begun = browser_client.get(f"/oauth/login/entra/?login_hint=ada@contoso.example&next={quote(candidate)}")
    assert browser_client.come_back(browser_client.at_provider(begun["Location"]))["Location"] == "/"


@pytest.mark.parametrize("candidate", ["/profile/", "/security/?tab=sessions#x", "/a%20b", "/?x=1&y=%2Fz"])
def test_a_path_of_this_site_is_kept(
    candidate: str, tenant: PracticeTenant, provider: IdentityProvider, ada: User, browser_client: Browser
) -> None:
    assert browser_client.federated_sign_in(next_path=candidate)["Location"] == candidate


@given(candidate=st.one_of(st.lists(PIECES, max_size=8).map("".join), st.text(max_size=30)))
@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@pytest.mark.spec("RFC 9700", "4.11.1")
def test_every_sign_in_ends_on_a_path_of_this_site(
    tenant: PracticeTenant, provider: IdentityProvider, ada: User, browser_client: Browser, candidate: str
) -> None:
    response = browser_client.federated_sign_in(next_path=candidate)
    assert response.status_code == 303
    assert_it_stays_here(response["Location"])


@given(candidate=st.lists(PIECES, max_size=8).map(lambda pieces: "/" + "".join(pieces)))
@settings(max_examples=200, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@pytest.mark.spec("RFC 9700", "4.11.1")
def test_every_begun_sign_in_notes_a_path_of_this_site(
    tenant: PracticeTenant, provider: IdentityProvider, browser_client: Browser, candidate: str
) -> None:
    assert browser_client.get("/oauth/login/entra/", {"next": candidate}).status_code == 302
    for entry in browser_client.session["oidc_states"].values():
        assert_it_stays_here(entry["next"])
