"""Providers of the conformance tests: a plain one, one that signs with ES256, and impatient network limits."""

from collections.abc import Iterator
from dataclasses import replace

import pytest
from django.conf import LazySettings

from idp import upstream
from idp.models import IdentityProvider
from tests.entra_tenant import PracticeServer, PracticeTenant
from tests.factories import make_provider
from users.models import User


@pytest.fixture
def plain_provider(plain_tenant: PracticeTenant, administrator: User) -> IdentityProvider:
    """The plain OpenID provider, connected and active."""
    return make_provider(plain_tenant)


@pytest.fixture
def es256_tenant(settings: LazySettings) -> Iterator[PracticeTenant]:
    """A plain OpenID provider that signs with ES256."""
    tenant = PracticeTenant(flavour="oidc", auto_sign_in=True, signing_alg="ES256")
    with PracticeServer(tenant):
        settings.INSECURE_ISSUER_ORIGINS = [*settings.INSECURE_ISSUER_ORIGINS, tenant.base_url]
        yield tenant


@pytest.fixture
def impatient(tenant: PracticeTenant, provider: IdentityProvider, monkeypatch: pytest.MonkeyPatch) -> None:
    """Let requests to the provider wait for less than a second, so that a silent one costs no test any time."""
    short = replace(upstream.policy(), read_timeout=0.3, total_timeout=0.6)
    monkeypatch.setattr("idp.upstream.policy", lambda: short)
