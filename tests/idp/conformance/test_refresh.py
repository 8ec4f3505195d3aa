"""The OpenID Foundation's relying-party cases of refresh tokens: a session is checked again, and ends or stays."""

from datetime import timedelta

import pytest
import time_machine
from django.utils import timezone

from idp.models import IdentityProvider
from idp.services import set_recheck
from tests.browsing import Browser, last_event
from tests.conformance_table import saw
from tests.entra_tenant import PracticeTenant
from tests.factories import OPERATOR
from tests.idp.conformance.support import succeeds, table
from users.models import User


@table(
    ("lie", "code"),
    [
        ("", {}, ""),
        ("-invalid-issuer", {"claims": {"iss": "https://evil.example"}}, "idp.token.issuer"),
        ("-invalid-sub", {"claims": {"sub": "somebody-else"}}, "idp.token.subject_changed"),
    ],
    "oidcc-client-test-refresh-token",
)
@pytest.mark.spec("OIDC Core", "12.2")
@pytest.mark.parametrize("flavour", ["tenant", "plain_tenant"])
def test_oidcc_client(
    flavour: str, lie: dict, code: str, request: pytest.FixtureRequest, administrator: User, ada: User
) -> None:
    """The ID token that a refresh brings is of the same issuer and person, or the session ends."""
    practice: PracticeTenant = request.getfixturevalue(flavour)
    connected: IdentityProvider = request.getfixturevalue("provider" if flavour == "tenant" else "plain_provider")
    set_recheck(actor=OPERATOR, provider=connected, minutes=10)
    browser = Browser()
    succeeds(browser.federated_sign_in(), browser)
    practice.reset_log()
    practice.clock = lambda: timezone.now().timestamp()
    with time_machine.travel(timezone.now() + timedelta(minutes=11)), practice.lying(**lie):
        answer = browser.get("/")
        grants = [each.params.get("grant_type") for each in practice.requests if each.kind == "token"]
        assert grants == ["refresh_token"]
        if not code:
            assert answer.status_code == 200 and browser.is_signed_in
            return
        assert (answer.status_code, answer["Location"]) == (302, "/login/")
        assert "You were signed out." in browser.get("/login/").content.decode()
        assert not browser.is_signed_in
    event = last_event(action="idp.session.checked")
    assert saw(event.error_code) == code and event.outcome == "refused"
