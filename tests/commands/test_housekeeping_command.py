"""`manage.py housekeeping`: what it checks, sends and removes, and how it ends."""

from datetime import UTC, datetime, timedelta

import pytest
from axes.models import AccessAttempt
from django.conf import LazySettings
from django.core import mail
from django.http import HttpResponse
from django.utils import timezone

from idp import certificates, credentials, housekeeping
from idp.models import IdentityProvider, Rehearsal, SpentState, Status
from tests.browsing import Browser, last_event
from tests.commands.running import in_shell, run
from tests.entra_tenant import Fault, PracticeTenant, lies
from tests.factories import OPERATOR, make_person, make_provider
from tests.idp.conformance.support import all_at_once, succeeds
from tests.idp.test_expiry import ends_in
from tests.mailbox import without_mail_server
from users.models import ActionLink, AuditEvent, Organization, ResetRequest, User, UserSession
from users.passwords import send_password_reset

pytestmark = pytest.mark.django_db

TASKS = [
    "scheduled states",
    "identity providers",
    "guards",
    "expiry mails",
    "sessions",
    "spent states",
    "rehearsals",
    "failed attempts",
    "counted requests",
    "cache",
    "sign-in days",
    "one-time links",
    "audit log",
    "people counts",
    "people imports",
]
NOW = datetime.now(UTC)


def keep_house() -> dict[str, dict[str, int]]:
    """Keep house without a failure, and return the counts of each task."""
    ran = run("housekeeping", "--json")
    assert (ran.status, ran.err) == (0, ""), ran.err
    assert [task["task"] for task in ran.json["tasks"]] == TASKS
    assert all(task["ok"] and not task["code"] for task in ran.json["tasks"])
    return {task["task"]: task["counts"] for task in ran.json["tasks"]}


def test_with_nothing_to_do_it_says_so_line_by_line() -> None:
    ran = run("housekeeping")
    assert (ran.status, ran.err) == (0, "")
    assert [line.partition(":")[0] for line in ran.out.splitlines()] == TASKS
    assert ran.out.startswith("scheduled states: 0 activated, 0 suspended\nidentity providers: 0 checked, 0 down")


def test_a_healthy_provider_is_noted_and_nothing_is_audited(provider: IdentityProvider, tenant: PracticeTenant) -> None:
    tenant.reset_log()
    rows = AuditEvent.objects.count()
    assert keep_house()["identity providers"] == {"checked": 1, "down": 0, "refreshed": 0}
    stored = IdentityProvider.objects.get()
    assert stored.health == {
        "ok": True,
        "code": "",
        "detail": "The discovery document is in order, and 3 signing keys can be used.",
    }
    assert stored.health_checked_at is not None and stored.down_since is None
    assert stored.metadata_fetched_at > provider.metadata_fetched_at
    assert (stored.version, stored.revision) == (provider.version, provider.revision)
    assert tenant.upstream_count() == 2 and AuditEvent.objects.count() == rows


def test_an_archived_provider_is_left_alone(provider: IdentityProvider, tenant: PracticeTenant) -> None:
    IdentityProvider.objects.update(status=Status.ARCHIVED)
    tenant.reset_log()
    assert keep_house()["identity providers"]["checked"] == 0 and tenant.upstream_count() == 0


def test_down_and_up_again_are_audited_once_each(provider: IdentityProvider, tenant: PracticeTenant) -> None:
    tenant.fault("discovery", Fault.STATUS, status=503)
    since = set()
    for _ in range(2):
        assert keep_house()["identity providers"]["down"] == 1
        stored = IdentityProvider.objects.get()
        since.add(stored.down_since)
        assert stored.health["ok"] is False and stored.health["code"].startswith("idp.")
    assert len(since) == 1 and None not in since
    assert last_event(action="idp.provider.health_changed").details["ok"] is False
    tenant.clear_faults()
    for _ in range(2):
        assert keep_house()["identity providers"]["down"] == 0
    assert IdentityProvider.objects.get().down_since is None
    changes = AuditEvent.objects.filter(action="idp.provider.health_changed").order_by("id")
    assert [change.details["ok"] for change in changes] == [False, True]


@pytest.mark.parametrize(
    ("lie", "code"),
    [
        ({"jwks": lies.no_keys}, "idp.keys_missing"),
        ({"jwks": lies.encryption_use}, "idp.keys_unusable"),
        ({"discovery": {"issuer": "https://login.microsoftonline.com/x/v2.0"}}, "idp.discovery.issuer_mismatch"),
        ({"discovery": {"token_endpoint": "https://login.example/token"}}, "idp.discovery.endpoint_host"),
    ],
)
def test_what_would_keep_people_out_is_down(
    lie: dict[str, object], code: str, provider: IdentityProvider, tenant: PracticeTenant
) -> None:
    before = IdentityProvider.objects.get().metadata
    with tenant.lying(**lie):
        assert keep_house()["identity providers"] == {"checked": 1, "down": 1, "refreshed": 0}
    stored = IdentityProvider.objects.get()
    assert (stored.health["code"], stored.metadata, stored.version) == (code, before, provider.version)


def test_a_changed_document_is_taken_over_and_sends_nobody_back(
    provider: IdentityProvider, tenant: PracticeTenant, ada: User, browser_client: Browser
) -> None:
    location = browser_client.at_provider(browser_client.begin())
    moved = f"{tenant.end_session_endpoint}?moved=1"
    with tenant.lying(discovery={"end_session_endpoint": moved}):
        assert keep_house()["identity providers"]["refreshed"] == 1
        assert keep_house()["identity providers"]["refreshed"] == 0
    stored = IdentityProvider.objects.get()
    assert stored.discovered.end_session_endpoint == moved
    assert (stored.version, stored.revision) == (provider.version, provider.revision + 1)
    assert last_event(action="idp.provider.metadata_refreshed").details == {"changed": ["end_session_endpoint"]}
    succeeds(browser_client.come_back(location), browser_client)


def test_a_stored_secret_does_not_follow_the_token_endpoint_to_another_host(
    plain_tenant: PracticeTenant, tenant: PracticeTenant
) -> None:
    provider = make_provider(plain_tenant, active=False)
    with plain_tenant.lying(discovery={"token_endpoint": tenant.token_endpoint}):
        keep_house()
    stored = IdentityProvider.objects.get()
    assert stored.health["code"] == "idp.health.token_endpoint_moved"
    assert stored.discovered.token_endpoint == provider.discovered.token_endpoint


def test_a_secret_that_waits_beside_a_certificate_does_not_follow_it_either(
    plain_tenant: PracticeTenant, tenant: PracticeTenant
) -> None:
    provider = make_provider(plain_tenant, active=False)
    certificates.make_next_certificate(actor=OPERATOR, provider=provider)
    certificates.promote_certificate(actor=OPERATOR, provider=provider)
    credentials.add_next_secret(actor=OPERATOR, provider=provider, client_secret="typed~for~the~first~host")
    with plain_tenant.lying(discovery={"token_endpoint": tenant.token_endpoint}):
        keep_house()
    stored = IdentityProvider.objects.get()
    assert stored.health["code"] == "idp.health.token_endpoint_moved"
    assert stored.discovered.token_endpoint == provider.discovered.token_endpoint


def test_a_certificate_that_the_provider_takes_no_more_is_down(
    provider: IdentityProvider, tenant: PracticeTenant
) -> None:
    made = certificates.make_next_certificate(actor=OPERATOR, provider=provider)
    tenant.add_certificate(made.certificate)
    certificates.promote_certificate(actor=OPERATOR, provider=provider)
    assert keep_house()["identity providers"]["down"] == 0
    with tenant.lying(discovery={"token_endpoint_auth_methods_supported": ["client_secret_post"]}):
        assert keep_house()["identity providers"]["down"] == 1
    assert IdentityProvider.objects.get().health["code"] == "idp.discovery.assertion"


def test_it_sends_mail_and_a_second_run_does_not(provider: IdentityProvider) -> None:
    ends_in(provider, 30)
    assert keep_house()["expiry mails"] == {"sent": 1}
    assert keep_house()["expiry mails"] == {"sent": 0}
    assert len(mail.outbox) == 1


def test_a_failed_task_is_the_exit_status_and_the_others_run(
    provider: IdentityProvider, settings: LazySettings
) -> None:
    ends_in(provider, 30)
    without_mail_server(settings)
    SpentState.objects.create(state_hash="0" * 64, expires_at=NOW - timedelta(hours=1))
    plain = run("housekeeping")
    assert plain.status == 5 and "[idp.mail_failed]" in plain.err and "Traceback" not in plain.err
    assert "expiry mails: failed" in plain.out and "spent states: 1 removed" in plain.out
    machine = run("housekeeping", "--json")
    failed = [task for task in machine.json["tasks"] if not task["ok"]]
    assert (machine.status, [task["code"] for task in failed]) == (5, ["idp.mail_failed"])


def test_a_defect_in_one_task_leaves_the_others_alone(
    provider: IdentityProvider, caplog: pytest.LogCaptureFixture
) -> None:
    IdentityProvider.objects.update(metadata={"issuer": "and nothing else"})  # what no service would store
    ran = run("housekeeping", "--json")
    (first, failed, *others) = ran.json["tasks"]
    assert (ran.status, failed["code"]) == (1, "idp.housekeeping.task_failed")
    assert all(task["ok"] for task in (first, *others)) and "TypeError" in failed["message"]


def test_what_is_over_is_removed_and_what_is_not_stays(provider: IdentityProvider, administrator: User) -> None:
    for days in (-1, 1):
        for number, person in enumerate((administrator, None)):
            UserSession.objects.create(
                session_key=f"{days}-{number}", expire_date=NOW + timedelta(days=days), person=person
            )
        SpentState.objects.create(state_hash=str(days), expires_at=NOW + timedelta(days=days))
        started_at = NOW - timedelta(days=30 - days)
        Rehearsal.objects.create(
            provider=provider, provider_version=1, administrator=administrator, started_at=started_at
        )
        attempt = AccessAttempt.objects.create(username=str(days), failures_since_start=1)
        AccessAttempt.objects.filter(pk=attempt.pk).update(attempt_time=NOW + timedelta(days=days))
    counts = keep_house()
    assert counts["sessions"] == {"removed": 2}
    assert counts["spent states"] == counts["rehearsals"] == counts["failed attempts"] == {"removed": 1}
    assert sorted(UserSession.objects.values_list("session_key", flat=True)) == ["1-0", "1-1"]
    assert Rehearsal.objects.get().started_at == NOW - timedelta(days=29)


def test_audit_rows_past_retention_are_removed_in_batches_and_one_row_says_how_many() -> None:
    old = [
        AuditEvent(action="a.b", outcome="success", actor_label="x", at=NOW - timedelta(days=days, seconds=number))
        for days in (89, 90)
        for number in range(1, 1502)
    ]
    AuditEvent.objects.bulk_create(old)
    Organization.objects.create(audit_retention_days=90)
    assert keep_house()["audit log"] == {"removed": 1501}
    assert AuditEvent.objects.filter(action="a.b").count() == 1501
    assert last_event(action="audit.pruned").details == {"rows": 1501, "retention_days": 90}
    assert keep_house()["audit log"] == {"removed": 0}
    assert AuditEvent.objects.filter(action="audit.pruned").count() == 1


def test_without_settings_audit_rows_are_kept_for_a_year() -> None:
    for days in (364, 366):
        AuditEvent.objects.create(action="a.b", outcome="success", actor_label="x", at=NOW - timedelta(days=days))
    assert keep_house()["audit log"] == {"removed": 1}


@pytest.mark.django_db(transaction=True)
def test_several_runs_at_once_do_no_harm(provider: IdentityProvider, tenant: PracticeTenant) -> None:
    ends_in(provider, 7)
    long_ago = NOW - timedelta(days=400)
    AuditEvent.objects.bulk_create(
        AuditEvent(action="a.b", outcome="success", actor_label="x", at=long_ago) for _ in range(2500)
    )
    tenant.fault("keys", Fault.STATUS, status=500)
    outputs = all_at_once(lambda _: HttpResponse(run_silently()), range(4))
    assert [response.content for response in outputs] == [b"ok"] * 4
    assert len(mail.outbox) == 1
    assert AuditEvent.objects.filter(action="idp.provider.health_changed").count() == 1
    assert not AuditEvent.objects.filter(action="a.b").exists()
    pruned = AuditEvent.objects.filter(action="audit.pruned")
    assert sum(event.details["rows"] for event in pruned) == 2500


def run_silently() -> str:
    """Keep house in a thread without the command, which would redirect the output of the whole process."""
    return "ok" if all(done.error is None for done in housekeeping.keep_house()) else "failed"


@pytest.mark.django_db(transaction=True)
def test_it_runs_from_a_shell(provider: IdentityProvider) -> None:
    assert IdentityProvider.objects.count() == 1
    origin = provider.issuer.rpartition("/v2.0")[0].rpartition("/")[0]
    ran = in_shell("housekeeping", INSECURE_ISSUER_ORIGINS=origin)
    assert (ran.status, ran.err) == (0, "")
    assert "identity providers: 1 checked, 0 down" in ran.out


@pytest.mark.parametrize("further", [("--every", "0"), ("--every", "soon"), ("now",)])
def test_a_wrong_call_is_refused(further: tuple[str, ...]) -> None:
    assert run("housekeeping", *further).status == 2


def test_links_go_a_month_after_their_time_and_counted_requests_at_once() -> None:
    for days in (-6, 29, 31):
        send_password_reset(actor=OPERATOR, person=make_person())
        newest = ActionLink.objects.order_by("-made_at")[:1].values("pk")
        ActionLink.objects.filter(pk__in=list(newest.values_list("pk", flat=True))).update(
            expires_at=timezone.now() - timedelta(days=days)
        )
    for minutes in (1, 20):
        ResetRequest.objects.create(address="203.0.113.9", at=timezone.now() - timedelta(minutes=minutes))
    assert keep_house()["one-time links"] == {"removed": 1}
    assert (ActionLink.objects.count(), ResetRequest.objects.count()) == (2, 1)
