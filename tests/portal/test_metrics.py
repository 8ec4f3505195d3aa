"""`/metrics`: who may ask, what it says, and that it says so for all processes of a server."""

import os
import re
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path

import pytest
from django.conf import LazySettings
from django.utils import timezone
from prometheus_client.parser import text_string_to_metric_families

from idp.models import HousekeepingTask, IdentityProvider, RoutingGuard
from portal.metrics_files import Slots
from portal.metrics_table import METRICS
from tests.browsing import Browser, assert_refused
from tests.commands.running import ROOT, run
from tests.entra_tenant import Fault, PracticeTenant
from users.models import User

pytestmark = pytest.mark.django_db

TOKEN = "a-token-for-the-metrics-4711"
Samples = dict[tuple[str, frozenset[tuple[str, str]]], float]


def asked() -> Samples:
    """Return what `/metrics` says now."""
    response = Browser().get("/metrics")
    assert response.status_code == 200
    families = text_string_to_metric_families(response.content.decode())
    return {
        (sample.name, frozenset(sample.labels.items())): sample.value for each in families for sample in each.samples
    }


def value(samples: Samples, name: str, **labels: str) -> float:
    """Return one number, 0 where there is none."""
    return samples.get((name, frozenset(labels.items())), 0)


def grown(before: Samples, name: str, **labels: str) -> float:
    """Return by how much a number has grown since then."""
    return value(asked(), name, **labels) - value(before, name, **labels)


# --- who may ask -----------------------------------------------------------------------------------------------------


def test_it_is_public_uncached_and_without_cookies(browser_client: Browser, administrator: User) -> None:
    browser_client.sign_in_as_administrator(administrator)
    for browser in (Browser(), browser_client):
        response = browser.get("/metrics")
        assert response.status_code == 200 and response["Content-Type"].startswith("text/plain; version=0.0.4")
        assert "no-store" in response["Cache-Control"] and not response.cookies
        assert "Cookie" not in response.get("Vary", "")
    assert browser_client.head("/metrics").status_code == 200
    assert browser_client.post("/metrics").status_code == 405


@pytest.mark.parametrize("peer", ["127.0.0.1", "127.8.8.8", "::1", "::ffff:127.0.0.1"])
def test_this_machine_may_ask_where_there_is_no_token(peer: str) -> None:
    assert Browser().get("/metrics", REMOTE_ADDR=peer).status_code == 200


@pytest.mark.parametrize(
    "headers",
    [
        {"REMOTE_ADDR": "192.0.2.7"},
        {"REMOTE_ADDR": ""},
        {"REMOTE_ADDR": "127.0.0.1", "HTTP_X_FORWARDED_FOR": "127.0.0.1"},
        {"REMOTE_ADDR": "127.0.0.1", "HTTP_X_FORWARDED_FOR": ""},
        {"REMOTE_ADDR": "127.0.0.1", "HTTP_FORWARDED": "for=127.0.0.1"},
        {"REMOTE_ADDR": "127.0.0.1", "HTTP_X_REAL_IP": "127.0.0.1"},
        {"REMOTE_ADDR": "127.0.0.1", "HTTP_X_FORWARDED_PROTO": "https"},
        {"REMOTE_ADDR": "127.0.0.1", "HTTP_X_FORWARDED_HOST": "x"},
        {"REMOTE_ADDR": "127.0.0.1", "HTTP_VIA": "1.1 proxy"},
    ],
    ids=str,
)
@pytest.mark.parametrize("proxies", [[], ["127.0.0.1", "unix"]], ids=["no proxies", "proxies"])
def test_nobody_else_may_and_nobody_through_a_proxy(
    headers: dict[str, str], proxies: list[str], settings: LazySettings
) -> None:
    settings.TRUSTED_PROXIES = proxies
    response = Browser().get("/metrics", **headers)
    assert_refused(response, "portal.metrics_refused", action="portal.request.refused")
    assert response.status_code == 403 and "gatehouse_" not in response.content.decode()


@pytest.mark.parametrize("peer", ["127.0.0.1", "192.0.2.7"])
def test_with_a_token_the_token_alone_counts(peer: str, settings: LazySettings) -> None:
    settings.METRICS_TOKEN = TOKEN
    for given in (
        "",
        f"Bearer {TOKEN}x",
        f"Bearer {TOKEN[:-1]}",
        "Bearer ",
        "Bearer",
        TOKEN,
        f"Basic {TOKEN}",
        "Bearer ü",
    ):
        response = Browser().get("/metrics", REMOTE_ADDR=peer, HTTP_AUTHORIZATION=given)
        assert response.status_code == 403, given
    for given in (f"Bearer {TOKEN}", f"bearer  {TOKEN} "):
        response = Browser().get("/metrics", REMOTE_ADDR=peer, HTTP_AUTHORIZATION=given, HTTP_X_FORWARDED_FOR="1.1.1.1")
        assert response.status_code == 200


# --- what it says ----------------------------------------------------------------------------------------------------


def test_sign_ins_are_counted_by_provider_realm_outcome_and_code(
    provider: IdentityProvider,
    tenant: PracticeTenant,
    ada: User,
    administrator: User,
    browser_client: Browser,
    django_capture_on_commit_callbacks: object,
) -> None:
    before = asked()
    with django_capture_on_commit_callbacks(execute=True):  # type: ignore[operator]
        browser_client.federated_sign_in()
        with tenant.lying(claims={"nonce": "another"}):
            Browser().federated_sign_in()
        Browser().get("/oauth/callback/made-up")
        Browser().sign_in_as_administrator(administrator)
        Browser().sign_in_as_administrator(administrator, "wrong")
    ends = [
        (provider.slug, "user", "success", ""),
        (provider.slug, "user", "refused", "idp.token.nonce"),
        ("unknown", "user", "refused", "federation.provider_unavailable"),
        ("local", "admin", "success", ""),
        ("local", "admin", "refused", "portal.sign_in_failed"),
    ]
    for slug, realm, outcome, code in ends:
        labels = {"provider": slug, "realm": realm, "outcome": outcome, "code": code}
        assert grown(before, "gatehouse_sign_ins_total", **labels) == 1, labels
    assert grown(before, "gatehouse_refusals_total", code="idp.token.nonce") == 1
    assert "made-up" not in str(asked())


def test_requests_to_the_provider_are_timed(
    provider: IdentityProvider, tenant: PracticeTenant, ada: User, browser_client: Browser
) -> None:
    before, name = asked(), "gatehouse_upstream_seconds_count"
    browser_client.federated_sign_in()
    assert grown(before, name, provider=provider.slug, endpoint="token", outcome="2xx") == 1
    tenant.rotate_keys()
    Browser().federated_sign_in()
    assert grown(before, "gatehouse_key_refetches_total", provider=provider.slug) == 1
    assert grown(before, name, provider=provider.slug, endpoint="jwks", outcome="2xx") >= 1
    for fault, outcome in ((Fault.DOWN, "idp.http.connection_broken"), (Fault.STATUS, "5xx")):
        tenant.fault("token", fault, status=503)
        Browser().federated_sign_in()
        tenant.clear_faults()
        assert grown(before, name, provider=provider.slug, endpoint="token", outcome=outcome) == 1
    run("idp", "test", "entra")
    assert grown(before, name, provider="none", endpoint="discovery", outcome="2xx") == 1


def test_pages_are_counted_by_name() -> None:
    before = asked()
    Browser().get("/login/?next=/profile/")
    Browser().get("/nowhere/at-all/")
    Browser().get("/admin/set-up/made-up/")
    labels = {"route": "user_portal:sign_in", "method": "GET", "status": "2xx"}
    assert grown(before, "gatehouse_http_requests_total", **labels) == 1
    assert grown(before, "gatehouse_http_request_seconds_count", route="user_portal:sign_in") == 1
    assert grown(before, "gatehouse_http_requests_total", route="none", method="GET", status="4xx") == 1
    assert grown(before, "gatehouse_refusals_total", code="portal.page_not_found") == 1
    Browser().generic("BREW", "/login/")
    assert grown(before, "gatehouse_http_requests_total", **labels | {"method": "other", "status": "4xx"}) == 1


def test_the_database_tells_of_providers(provider: IdentityProvider, tenant: PracticeTenant) -> None:
    slug, health = provider.slug, "gatehouse_provider_health"
    assert value(asked(), health, provider=slug, status="active", state="unknown") == 1
    ends_on = timezone.localdate() + timedelta(days=20)
    IdentityProvider.objects.update(client_secret_expires_on=ends_on)
    assert run("housekeeping").status == 0
    samples = asked()
    assert [
        value(samples, health, provider=slug, status="active", state=state) for state in ("up", "down", "unknown")
    ] == [*(1, 0, 0)]
    labels = {"provider": slug, "status": "active", "credential": "client secret"}
    assert value(samples, "gatehouse_credential_expiry_days", **labels) == 20
    assert value(samples, "gatehouse_credential_expired", **labels) == 0
    now = timezone.now().timestamp()
    assert abs(value(samples, "gatehouse_provider_last_check_timestamp_seconds", provider=slug) - now) < 600
    tenant.fault("discovery", Fault.STATUS, status=503)
    run("housekeeping")
    assert value(asked(), health, provider=slug, status="active", state="down") == 1
    IdentityProvider.objects.update(health_checked_at=timezone.now() - timedelta(hours=1))
    assert value(asked(), health, provider=slug, status="active", state="unknown") == 1
    IdentityProvider.objects.update(client_secret_expires_on=timezone.localdate() - timedelta(days=2))
    assert value(asked(), "gatehouse_credential_expiry_days", **labels) == -2
    assert value(asked(), "gatehouse_credential_expired", **labels) == 1


def test_the_database_tells_of_sessions_links_and_guards(
    provider: IdentityProvider, tenant: PracticeTenant, ada: User, administrator: User, browser_client: Browser
) -> None:
    browser_client.federated_sign_in()
    Browser().sign_in_as_administrator(administrator)
    Browser().get("/login/")
    samples = asked()
    assert [value(samples, "gatehouse_sessions", realm=realm) for realm in ("user", "admin")] == [1, 1]
    assert value(samples, "gatehouse_pending_links", provider=provider.slug) == 0
    assert value(samples, "gatehouse_guards_active") == 0
    now = timezone.now()
    RoutingGuard.objects.create(provider=provider, until=now + timedelta(minutes=5), failure_percent=50)
    RoutingGuard.objects.create(
        provider=provider, started_at=now - timedelta(hours=1), until=now - timedelta(minutes=5), failure_percent=50
    )
    assert value(asked(), "gatehouse_guards_active") == 1


def test_who_waits_for_a_link_is_counted_until_dismissed(
    provider: IdentityProvider, administrator: User, browser_client: Browser
) -> None:
    browser_client.federated_sign_in("grace@contoso.example")
    assert value(asked(), "gatehouse_pending_links", provider=provider.slug) == 1
    provider.pending_links.update(dismissed_at=timezone.now())
    assert value(asked(), "gatehouse_pending_links", provider=provider.slug) == 0


def test_each_task_of_housekeeping_says_when_it_last_ended_well(
    provider: IdentityProvider, monkeypatch: pytest.MonkeyPatch
) -> None:
    name = "gatehouse_housekeeping_last_success_timestamp_seconds"
    assert value(asked(), name, task="sessions") == 0
    run("housekeeping")
    first = value(asked(), name, task="sessions")
    assert abs(first - timezone.now().timestamp()) < 600
    monkeypatch.setattr("idp.housekeeping.prune_sessions", lambda: 1 // 0)
    assert run("housekeeping").status == 1
    samples = asked()
    assert value(samples, name, task="sessions") == first < value(samples, name, task="failed attempts")
    assert HousekeepingTask.objects.get(name="sessions").code == "idp.housekeeping.task_failed"


def test_the_version_is_told(settings: LazySettings) -> None:
    assert value(asked(), "gatehouse_build_info", version=settings.VERSION) == 1
    assert value(asked(), "gatehouse_database_up") == 1


def test_labels_are_those_of_the_table(provider: IdentityProvider, ada: User, browser_client: Browser) -> None:
    browser_client.federated_sign_in()
    run("housekeeping")
    table = {metric.name: metric for metric in METRICS}
    exposed = re.findall(r"^# TYPE (\w+) (\w+)$", Browser().get("/metrics").content.decode(), re.MULTILINE)
    assert sorted(exposed) == sorted((metric.name, metric.kind) for metric in METRICS)
    for name, labels in asked():
        base = re.sub(r"_(bucket|sum|count)$", "", name)
        metric = table.get(name) or table[base]
        assert {label for label, _ in labels} - {"le"} == set(metric.labels), name


ASK = """
import django
django.setup()
from django.test import Client
Client().get("/healthz")
answer = Client().get("/metrics")
print(answer.status_code)
print(answer.content.decode())
"""


@pytest.mark.parametrize("url", ["sqlite:////nowhere/at/all.sqlite3", "postgres://nobody@127.0.0.1:1/nothing"])
def test_without_a_database_the_process_still_tells_what_it_counted(url: str) -> None:
    done = subprocess.run(  # noqa: S603  (our own interpreter and arguments)
        [sys.executable, "-c", ASK],
        cwd=ROOT,
        env={**os.environ, "DATABASE_URL": url},
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    )
    assert done.stdout.startswith("200\n") and "\ngatehouse_database_up 0.0\n" in done.stdout
    assert 'gatehouse_http_requests_total{method="GET",route="healthz",status="2xx"} 1.0' in done.stdout
    assert "gatehouse_sessions" not in done.stdout and "gatehouse_build_info{" in done.stdout


# --- many processes --------------------------------------------------------------------------------------------------


PLACE = """
import sys
from pathlib import Path
from portal.metrics_files import Slots
print(Slots(Path(sys.argv[1]))(), flush=True)
sys.stdin.read()
"""


@contextmanager
def process_with_a_place(directory: Path) -> Iterator[tuple["subprocess.Popen[str]", int]]:
    """Start a process that counts, and yield it with its place."""
    command = [sys.executable, "-c", PLACE, str(directory)]
    with subprocess.Popen(  # noqa: S603  (our own interpreter and arguments)
        command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        yield process, int(process.stdout.readline())


def test_a_place_is_free_again_when_its_process_is_killed(tmp_path: Path) -> None:
    with process_with_a_place(tmp_path) as (_, first):
        for _ in range(3):
            with process_with_a_place(tmp_path) as (second, place):
                assert (first, place) == (0, 1)
                second.kill()
                second.wait(30)
        with process_with_a_place(tmp_path) as (_, place), process_with_a_place(tmp_path) as (_, third):
            assert (place, third) == (1, 2)
    assert {file.name for file in tmp_path.glob("*.db")} == {
        f"{kind}_{place}.db" for kind in ("counter", "histogram") for place in range(3)
    }


def test_the_first_process_begins_anew_and_mends_what_is_broken(tmp_path: Path) -> None:
    (tmp_path / "counter_7.db").write_bytes(b"of another version")
    Slots(tmp_path)
    assert {file.name for file in tmp_path.glob("*.db")} == {"counter_0.db", "histogram_0.db"}
    (tmp_path / "counter_1.db").write_bytes(b"\xff" * 100)
    assert Slots(tmp_path)() == 1
    assert (tmp_path / "counter_1.db").stat().st_size == (tmp_path / "counter_0.db").stat().st_size > 1 << 20


def test_a_folder_that_cannot_be_written_to_closes_no_portal(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    done = subprocess.run(  # noqa: S603  (our own interpreter and arguments)
        [sys.executable, "-c", "import portal.wsgi"],
        cwd=ROOT,
        env={**os.environ, "METRICS_DIR": str(tmp_path / "file" / "metrics")},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 0 and "METRICS_DIR cannot be used" in done.stderr
