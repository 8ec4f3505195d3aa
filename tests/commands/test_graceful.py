"""How the server ends and is renewed: nobody is cut off, and who asks is told."""

import json
import re
import signal
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from urllib.error import URLError

import pytest

from idp.models import IdentityProvider
from tests.commands.running import ROOT, database_url
from tests.commands.serving import Portal, Visitor, serving
from tests.commands.starting import bare_environment, copy_project, ended, eventually, free_port, started
from tests.commands.test_starting import housekeeping_of
from tests.entra_tenant import Fault, PracticeTenant
from tests.environment import TEST_ENVIRONMENT
from users.models import AuditEvent, User

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A copy of the project."""
    return copy_project(tmp_path)


def wait_until_refused(portal: Portal) -> None:
    """Wait until nobody takes a new connection any more; the process is still there, or the test proves nothing."""
    ends_at = time.monotonic() + 20
    while True:
        try:
            Visitor().get(f"{portal.url}/healthz")
        except URLError as refused:
            if isinstance(refused.reason, ConnectionRefusedError):
                break
        assert time.monotonic() < ends_at
    assert portal.process.poll() is None


def test_a_sign_in_under_way_ends_well(
    project: Path, tenant: PracticeTenant, provider: IdentityProvider, ada: User
) -> None:
    with serving(project, INSECURE_ISSUER_ORIGINS=tenant.base_url) as portal, ThreadPoolExecutor() as pool:
        visitor = Visitor()
        callback = visitor.at_callback(portal.url, ada.company_email)
        armed = tenant.fault("token", Fault.LATE)
        try:
            answer = pool.submit(visitor.get, callback)
            assert armed.begun.wait(20)
            portal.process.terminate()
            wait_until_refused(portal)
        finally:
            tenant.clear_faults()
        done = answer.result(timeout=20)
        assert (done.status, done.headers["Location"], done.headers["Connection"]) == (303, "/", "close")
        assert portal.process.wait(timeout=30) == 0
    assert AuditEvent.objects.get(action="portal.sign_in.succeeded").actor_id == ada.pk


def test_it_says_that_it_ends_and_serves_meanwhile(project: Path) -> None:
    with serving(project, DRAIN_SECONDS="600") as portal:
        assert Visitor().get(f"{portal.url}/readyz").status == 200
        portal.process.terminate()
        ends_at = time.monotonic() + 20
        while (ready := Visitor().get(f"{portal.url}/readyz")).status == 200:
            assert time.monotonic() < ends_at
        assert (ready.status, json.loads(ready.text)) == (503, {"status": "draining"})
        assert Visitor().get(f"{portal.url}/login/").status == 200
        # It lives until it has ended, so that a supervisor does not kill it meanwhile.
        environment = {**TEST_ENVIRONMENT, "PUBLIC_URL": portal.url}
        asked = ended(project, "-m", "portal.healthcheck", portal.url.removeprefix("http://"), **environment)
        assert (asked.returncode, asked.stdout.strip()[-11:]) == (0, "answers 200")
        portal.process.terminate()  # a second one ends the announcement
        assert portal.process.wait(timeout=30) == 0


def test_the_announcement_ends_by_itself(project: Path) -> None:
    with serving(project, DRAIN_SECONDS="1") as portal:
        portal.process.terminate()
        assert portal.process.wait(timeout=30) == 0


def test_new_processes_take_over_without_a_refused_connection(project: Path) -> None:
    with serving(project) as portal:
        before = portal.workers()
        assert len(before) == 2
        portal.process.send_signal(signal.SIGHUP)
        ends_at = time.monotonic() + 60
        while before & portal.workers():
            assert Visitor().get(f"{portal.url}/healthz").status == 200
            assert time.monotonic() < ends_at
        assert len(portal.workers()) == 2
        assert Visitor().get(f"{portal.url}/readyz").status == 200  # it does not end


def test_run_ends_with_0_and_its_housekeeping_with_it(project: Path) -> None:
    ended(project, "-m", "portal.environment")
    port = free_port()
    command = ("manage.py", "run", "--bind", f"127.0.0.1:{port}", "--workers", "1")
    with started(project, *command, until="Press Ctrl-C") as (process, _):
        eventually(f"http://127.0.0.1:{port}/healthz")
        ends_at = time.monotonic() + 60
        while not housekeeping_of(project):
            assert time.monotonic() < ends_at
        process.terminate()
        assert process.wait(timeout=30) == 0
    # `started` has read the output to its end, which housekeeping shares.
    assert housekeeping_of(project) == []


@pytest.mark.parametrize(("every", "status"), [(("--every", "600"), 0), ((), 143)])
def test_housekeeping_ends_between_two_tasks(
    every: tuple[str, ...], status: int, tenant: PracticeTenant, provider: IdentityProvider
) -> None:
    IdentityProvider.objects.update(health_checked_at=None)
    armed = tenant.fault("discovery", Fault.LATE)
    environment = {"INSECURE_ISSUER_ORIGINS": tenant.base_url, "DATABASE_URL": database_url()}
    with subprocess.Popen(  # noqa: S603  (our own interpreter and arguments)
        [sys.executable, "manage.py", "housekeeping", *every],
        cwd=ROOT,
        env=bare_environment(**{**TEST_ENVIRONMENT, **environment}),
        text=True,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
    ) as process:
        assert armed.begun.wait(30)
        process.terminate()
        tenant.clear_faults()
        _, said = process.communicate(timeout=30)
    assert (process.returncode, "Traceback" in said) == (status, False), said
    assert len(re.findall(r"2 of \d+ were run", said)) == (0 if every else 1)
    assert IdentityProvider.objects.get().health_checked_at is not None
