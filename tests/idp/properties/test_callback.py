"""The callback's parameters: whatever they are, nobody comes in, nobody goes out, and an administrator can see it."""

from urllib.parse import urlencode

import pytest
from hypothesis import given
from hypothesis import strategies as st

from idp.models import FederatedIdentity, IdentityProvider
from tests.browsing import Browser, assert_refused, error_code, parameters
from tests.entra_tenant import PracticeTenant
from tests.idp.conformance.support import warm_up
from tests.idp.properties.support import examples, texts
from users.models import AuditEvent, User, UserSession

CALLBACK = "/oauth/callback/entra"
NAMES = ["code", "state", "error", "error_description", "error_uri", "iss", "session_state", "id_token", "access_token"]
names = st.one_of(st.sampled_from(NAMES), texts)
# A query as pairs, among which names come again.
queries = st.lists(st.tuples(names, texts), max_size=6)
raw_queries = st.text(alphabet="&=;%+codestaerriu0129abcdef\x00", max_size=60)


def encoded(pairs: list[tuple[str, str]]) -> str:
    return urlencode(
        [(name.encode("utf-8", "surrogatepass"), text.encode("utf-8", "surrogatepass")) for name, text in pairs]
    )


@pytest.fixture
def person_browser(tenant: PracticeTenant, provider: IdentityProvider, ada: User) -> Browser:
    """A browser in which Ada is signed in."""
    return warm_up(tenant)


def occurrences() -> int:
    """Return how many refused sign-ins the audit log counts."""
    rows = AuditEvent.objects.filter(action="portal.sign_in.failed", outcome="refused")
    return sum(rows.values_list("occurrences", flat=True))


def check(browser: Browser, tenant: PracticeTenant, query: str, *, posted: bool) -> None:
    """Check one answer in a browser where somebody is signed in, and in one where nobody is."""
    for door, is_signed_in in ((browser, True), (Browser(), False)):
        noted = occurrences()
        if posted:
            response = door.post(CALLBACK, query, content_type="application/x-www-form-urlencoded")
        else:
            response = door.get(f"{CALLBACK}?{query}")
        code = error_code(response)
        assert 400 <= response.status_code < 500
        assert code.startswith(("federation.", "idp.authorization."))
        # Many refusals of one visitor are counted in one row, whose reference is then the one on the page.
        assert occurrences() == noted + 1
        reference = response.content.decode().split("data-copy-value>")[1].split("<")[0]
        assert AuditEvent.objects.get(request_id=reference).error_code == code
        assert door.is_signed_in == is_signed_in
    assert UserSession.objects.filter(person__isnull=False).count() == FederatedIdentity.objects.count() == 1
    assert tenant.upstream_count() == 0


@pytest.mark.parametrize("posted", [False, True])
@given(pairs=queries)
@examples(40)
def test_any_parameters_without_a_state_of_ours(
    tenant: PracticeTenant, person_browser: Browser, posted: bool, pairs: list[tuple[str, str]]
) -> None:
    check(person_browser, tenant, encoded(pairs), posted=posted)


@given(query=raw_queries)
@examples(40)
def test_any_query_that_is_none(tenant: PracticeTenant, person_browser: Browser, query: str) -> None:
    check(person_browser, tenant, query, posted=False)


@given(pairs=st.lists(st.tuples(st.sampled_from([name for name in NAMES if name != "state"]), texts), max_size=4))
@examples(40)
def test_any_parameters_beside_a_good_state(
    tenant: PracticeTenant, person_browser: Browser, pairs: list[tuple[str, str]]
) -> None:
    """The state is this browser's own, but no code of the provider comes with it."""
    key = person_browser.session_cookie
    state = parameters(person_browser.begin())["state"]
    response = person_browser.get(f"{CALLBACK}?{encoded([('state', state), *pairs])}")
    assert 400 <= response.status_code < 600
    assert_refused(response, error_code(response))
    assert not error_code(response).startswith("portal.")
    assert (person_browser.is_signed_in, person_browser.session_cookie) == (True, key)
    assert UserSession.objects.filter(person__isnull=False).count() == FederatedIdentity.objects.count() == 1
