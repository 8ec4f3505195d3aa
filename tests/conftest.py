"""Fixtures of all tests."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from django.conf import LazySettings
from django.test import TransactionTestCase

from idp.models import IdentityProvider
from tests.audit_guards import lifted
from tests.browsing import Browser
from tests.entra_tenant import PracticeServer, PracticeTenant
from tests.factories import make_administrator, make_person, make_provider
from tests.leaving_out import leave_out
from tests.mailbox import wait_for_mail_threads
from tests.redis_server import RedisServer, forget_trouble
from tests.servers import redis_left_out
from users import branding
from users.models import User


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Leave out what needs a Redis of its own where there is no redis-server, and say so. In CI it stays, and fails."""
    mine = [item for item in items if "redis_server" in getattr(item, "fixturenames", ())]
    if mine and (why := redis_left_out()):
        leave_out(config, items, mine, why)


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_teardown() -> None:
    """Wait for the mail threads of a test before its database is emptied."""
    wait_for_mail_threads()


@pytest.fixture(autouse=True)
def quick_settings(settings: LazySettings) -> None:
    """Hash passwords cheaply, and serve static files without collecting them first."""
    settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
    settings.STORAGES = {
        **settings.STORAGES,
        "staticfiles": {"BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"},
    }


@pytest.fixture(scope="session", autouse=True)
def flush_past_the_guards() -> Iterator[None]:
    """Let tests with real transactions empty the database after themselves, audit log included."""
    flush = TransactionTestCase._fixture_teardown

    def flush_all(case: TransactionTestCase) -> None:
        with lifted():
            flush(case)

    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(TransactionTestCase, "_fixture_teardown", flush_all)
        yield


@pytest.fixture(autouse=True)
def nothing_known_of_the_company() -> None:
    """Let no test see the name or logo that a former one set: a process remembers them for a while."""
    branding.forget_all()


@pytest.fixture
def redis_server(settings: LazySettings, tmp_path: Path) -> Iterator[RedisServer]:
    """A private Redis that is Gatehouse's cache as long as the test runs."""
    server = RedisServer(tmp_path)
    server.start()
    settings.CACHES = {"default": {"BACKEND": "users.cache.ImpatientRedisCache", "LOCATION": server.url}}
    yield server
    server.stop()
    forget_trouble()


@pytest.fixture
def tenant(settings: LazySettings) -> Iterator[PracticeTenant]:
    """An Entra-shaped provider that signs in whomever the login hint names. Gatehouse may reach it over http."""
    yield from _served(PracticeTenant(auto_sign_in=True), settings)


@pytest.fixture
def plain_tenant(settings: LazySettings) -> Iterator[PracticeTenant]:
    """A plain OpenID provider: `sub` only, no Entra claims."""
    yield from _served(PracticeTenant(flavour="oidc", auto_sign_in=True), settings)


def _served(tenant: PracticeTenant, settings: LazySettings) -> Iterator[PracticeTenant]:
    with PracticeServer(tenant) as server:
        tenant.server = server  # type: ignore[attr-defined]
        settings.INSECURE_ISSUER_ORIGINS = [*settings.INSECURE_ISSUER_ORIGINS, tenant.base_url]
        yield tenant


@pytest.fixture
def administrator(db: None) -> User:
    """An active Administrator With Billing."""
    return make_administrator()


@pytest.fixture
def ada(db: None) -> User:
    """An active person whose account at the practice tenant has the same email."""
    return make_person("ada@contoso.example", display_name="Ada Lovelace")


@pytest.fixture
def provider(tenant: PracticeTenant, administrator: User) -> IdentityProvider:
    """The practice tenant, connected and active."""
    return make_provider(tenant)


@pytest.fixture
def draft(tenant: PracticeTenant, db: None) -> IdentityProvider:
    """A draft at a practice tenant that signs in Ada without asking."""
    tenant.auto_sign_in = "ada@contoso.example"
    return make_provider(tenant, active=False)


@pytest.fixture
def browser_client(db: None) -> Browser:
    """A browser that nobody has signed in with yet."""
    return Browser()


@pytest.fixture
def admin_browser(administrator: User, browser_client: Browser) -> Browser:
    """A browser in which the Administrator With Billing is signed in."""
    browser_client.sign_in_as_administrator(administrator)
    return browser_client
