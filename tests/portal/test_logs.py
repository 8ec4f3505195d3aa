"""The log lines: what an operator finds by a reference number, and what is never written down."""

import json
import logging
import logging.config
import sys
from collections.abc import Callable, Iterator
from urllib.parse import unquote

import pytest
from django.conf import LazySettings
from django.db import DatabaseError, transaction

from idp.models import IdentityProvider
from portal import errors
from portal.log_lines import JsonLines, PlainLines, configuration
from portal.user_portal import home
from tests.browsing import Browser, last_event
from tests.commands.running import in_shell, run
from tests.entra_tenant import Fault, PracticeTenant
from tests.factories import PASSWORD, make_person
from tests.log_lines import Written, written
from tests.mailbox import wait_for_mail_threads
from users import mails
from users.log_context import LogContext, current, log_context
from users.models import User

pytestmark = pytest.mark.django_db

ACCESS, AUDIT = "gatehouse.access", "gatehouse.audit"
Capture = Callable[..., object]


@pytest.fixture
def log() -> Iterator[Written]:
    """What is written during the test."""
    with written(logging.INFO) as collected:
        yield collected


def test_a_federated_sign_in_is_found_by_its_reference(
    provider: IdentityProvider,
    ada: User,
    browser_client: Browser,
    log: Written,
    django_capture_on_commit_callbacks: Capture,
) -> None:
    with django_capture_on_commit_callbacks(execute=True):
        answer = browser_client.federated_sign_in()
    lines = [line for line in log.lines if line.get("request_id") == answer["X-Request-ID"]]
    signed_in = next(line for line in lines if line.get("action") == "portal.sign_in.succeeded")
    assert signed_in["person"] == str(ada.pk) and signed_in["target"] == str(ada.pk)
    assert (signed_in["provider"], signed_in["outcome"], signed_in["realm"]) == (provider.slug, "success", "user")
    access = next(line for line in lines if line["logger"] == ACCESS)
    assert access["path"] == "/oauth/callback/<slug:slug>" and access["route"] == "federation_callback"
    assert (access["status"], access["method"], access["provider"]) == (303, "GET", provider.slug)
    assert access["person"] == str(ada.pk) and access["client_ip"] == "127.0.0.1"
    assert access["duration"] > 0 and access["time"].endswith("+00:00") and access["level"] == "INFO"


def test_a_refused_sign_in_has_its_code_and_whose_account_it_was(
    provider: IdentityProvider,
    tenant: PracticeTenant,
    ada: User,
    browser_client: Browser,
    log: Written,
    django_capture_on_commit_callbacks: Capture,
) -> None:
    location = browser_client.at_provider(browser_client.begin())
    tenant.fault("token", Fault.STATUS, status=503)
    with django_capture_on_commit_callbacks(execute=True):
        answer = browser_client.come_back(location)
    refused = log.of(AUDIT, action="portal.sign_in.failed")[0]
    assert refused["code"] == last_event(action="portal.sign_in.failed").error_code
    assert (refused["level"], refused["outcome"], refused["provider"]) == ("WARNING", "refused", provider.slug)
    assert refused["request_id"] == answer["X-Request-ID"]
    assert log.of(ACCESS, request_id=answer["X-Request-ID"])[0]["code"] == refused["code"]
    upstream = log.of("gatehouse.upstream")[0]
    assert (upstream["endpoint"], upstream["outcome"], upstream["request_id"]) == (
        "token",
        "5xx",
        answer["X-Request-ID"],
    )


def test_a_refusal_that_is_counted_in_an_earlier_row_still_has_a_line(
    browser_client: Browser, log: Written, django_capture_on_commit_callbacks: Capture
) -> None:
    form = {"email": "nobody@contoso.example", "password": "x"}
    with django_capture_on_commit_callbacks(execute=True):
        answers = [browser_client.post("/login/password/", form) for _ in range(17)]
    ids = [answer["X-Request-ID"] for answer in answers]
    lines = log.of(AUDIT, action="portal.sign_in.failed")
    assert [line["request_id"] for line in lines] == ids
    assert lines[-1]["reference"] == last_event(action="portal.sign_in.failed").request_id
    assert "reference" not in lines[0]


def test_what_is_rolled_back_has_no_line(log: Written, django_capture_on_commit_callbacks: Capture) -> None:
    with django_capture_on_commit_callbacks(execute=True):
        with pytest.raises(DatabaseError), transaction.atomic():
            make_person()
            raise DatabaseError
        made = make_person()
    assert [line["target"] for line in log.of(AUDIT)] == [str(made.pk)]


@pytest.mark.parametrize(
    ("address", "path", "route"),
    [
        ("/admin/set-up/made-up-token-0123456789/", "/admin/set-up/<str:token>/", "admin_portal:set_up"),
        ("/login/?next=/profile/&state=made-up-token-0123456789", "/login/", "user_portal:sign_in"),
        ("/set-password/made-up-token-0123456789", "(no page)", "none"),
        ("/nowhere/made-up-token-0123456789?code=made-up-token-0123456789", "(no page)", "none"),
    ],
)
def test_no_address_is_written_down(address: str, path: str, route: str, browser_client: Browser, log: Written) -> None:
    browser_client.get(address)
    line = log.of(ACCESS)[0]
    assert (line["path"], line["route"]) == (path, route)
    assert "made-up" not in log.text


def test_the_questions_of_machines_are_written_down_when_they_fail(
    browser_client: Browser, log: Written, settings: LazySettings
) -> None:
    for address in ("/healthz", "/readyz", "/metrics"):
        browser_client.get(address)
    assert log.of(ACCESS) == []
    settings.METRICS_TOKEN = "something-long-enough"
    assert browser_client.get("/metrics").status_code == 403
    assert log.of(ACCESS)[0]["code"] == "portal.metrics_refused"


def test_a_defect_has_its_traceback_and_the_number_on_the_page(
    ada: User, log: Written, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*args: object) -> None:
        local_value = "only-a-local-value"
        try:
            raise KeyError("the-cause")
        except KeyError as error:
            raise RuntimeError(f"broken here, with {args[-1]!r}") from error
        finally:
            del local_value

    browser = Browser(raise_request_exception=False)
    person = make_person(password=PASSWORD)
    browser.sign_in_with_password(person)
    monkeypatch.setattr(home, "render", broken)
    answer = browser.get("/?code=a-code-that-nobody-may-read")
    assert answer.status_code == 500 and answer["X-Request-ID"] in answer.content.decode()
    line = log.of("django.request")[0]
    assert (line["request_id"], line["person"], line["level"]) == (answer["X-Request-ID"], str(person.pk), "ERROR")
    assert line["message"] == "Internal Server Error: /"
    assert "RuntimeError: broken here" in line["exception"] and "test_logs.py" in line["exception"]
    assert line["exception"].index("KeyError") < line["exception"].index("RuntimeError")
    assert "only-a-local-value" not in log.text and "a-code-that-nobody-may-read" not in log.text
    assert log.of(ACCESS, status=500)[0]["level"] == "ERROR"


def test_a_defect_behind_a_one_time_link_does_not_tell_the_link(log: Written, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*args: object, **kwargs: object) -> None:
        raise RuntimeError(str(args[0]))

    monkeypatch.setattr(errors, "render", broken)
    browser = Browser(raise_request_exception=False)
    assert browser.get("/password/reset/made-up-token-0123456789/?x=made-up-query").status_code == 500
    assert log.of("django.request")[0]["message"] == "Internal Server Error: /password/reset/<slug:token>/"
    assert "made-up" not in log.text


def test_no_query_hides_the_trace_of_a_defect(log: Written, monkeypatch: pytest.MonkeyPatch) -> None:
    typed = "a-word-of-uml%C3%A4uts"

    def broken(*args: object, **kwargs: object) -> None:
        raise RuntimeError(f"broken here, with {args[0]!r} and {unquote(typed)}")

    monkeypatch.setattr(errors, "render", broken)
    fields = "&".join(f"n{number}=made-up-{number}" for number in range(300))
    address = f"/password/reset/made-up-token-0123456789/?{fields}&last={typed}"
    assert Browser(raise_request_exception=False).get(address).status_code == 500
    line = log.of("django.request")[0]
    assert "RuntimeError: broken here" in line["exception"] and "test_logs.py" in line["exception"]
    assert "made-up" not in log.text and "a-word-of-uml" not in log.text


def test_the_lines_of_libraries_carry_the_number() -> None:
    with written() as log, log_context(LogContext(request_id="AAAA-BBBB-CCCC", person="someone")):
        logging.getLogger("some.library").warning("something %s", "happened")
    assert log.lines[0] | {"time": ""} == {
        "time": "",
        "level": "WARNING",
        "logger": "some.library",
        "message": "something happened",
        "request_id": "AAAA-BBBB-CCCC",
        "person": "someone",
    }
    assert log.plain.getvalue().endswith(
        "WARNING some.library something happened request_id=AAAA-BBBB-CCCC person=someone\n"
    )
    assert current().request_id == ""


def test_what_is_done_in_the_background_belongs_to_its_request(log: Written) -> None:
    with log_context(LogContext(request_id="AAAA-BBBB-CCCC")):
        mails.in_background(lambda: logging.getLogger("gatehouse.mail").warning("A mail could not be sent"))
    wait_for_mail_threads()
    assert [line["request_id"] for line in log.of("gatehouse.mail")] == ["AAAA-BBBB-CCCC"]


def test_a_text_cannot_pass_itself_off_as_further_lines() -> None:
    with written() as log:
        logging.getLogger("x").warning("one\n2026-01-01 INFO y two", extra={"fields": {"code": "a\nb"}})
    assert len(log.plain.getvalue().splitlines()) == len(log.json.getvalue().splitlines()) == 1


def test_a_faulty_call_does_not_write_its_arguments_out(capsys: pytest.CaptureFixture[str]) -> None:
    with written() as log:
        record = logging.LogRecord("x", logging.INFO, __file__, 1, "%d", ("an-argument",), None)
        for handler in logging.getLogger().handlers:
            if isinstance(handler.formatter, JsonLines):
                handler.handle(record)
    assert "could not be written" in log.text and "an-argument" not in log.text + capsys.readouterr().err


@pytest.mark.parametrize(
    ("message", "args", "written_down"),
    [
        ("Invalid request from ip=::1: Invalid HTTP header: 'SECRET'", (), "Invalid request from ip=::1"),
        ("Error handling request %s", ("/x?code=SECRET",), "Error handling request"),
        ("Error handling request %s %s", ("GET", "/x?code=SECRET"), "Error handling request"),
        ("Worker (pid:%s) was sent %s!", (12, "SIGKILL"), "Worker (pid:12) was sent SIGKILL!"),
    ],
)
def test_the_server_does_not_quote_requests(message: str, args: tuple[object, ...], written_down: str) -> None:
    with written() as log:
        logging.getLogger("gunicorn.error").warning(message, *args)
    assert [line["message"] for line in log.lines] == [written_down]


def test_a_command_says_itself_what_it_did(django_capture_on_commit_callbacks: Capture, settings: LazySettings) -> None:
    with written() as log, django_capture_on_commit_callbacks(execute=True):
        assert run("users", "add", "grace@contoso.example").status == 0
        assert run("users", "add", "grace@contoso.example").status == 3
    assert log.of(AUDIT) == []
    settings.LOG_COMMANDS = True
    with written() as log, django_capture_on_commit_callbacks(execute=True):
        run("users", "add", "grace@contoso.example")
        run("housekeeping")
    refused = log.of(AUDIT)[0]
    assert (refused["command"], refused["code"], refused["outcome"]) == ("users", "users.email_taken", "refused")
    assert refused["request_id"] == last_event(action=refused["action"]).request_id
    kept = log.of("gatehouse.housekeeping", task="sessions")[0]
    assert kept["request_id"] and kept["command"] == "housekeeping" and kept["counts"] == {"removed": 0}


@pytest.mark.django_db(transaction=True)
def test_a_command_writes_lines_in_the_form_that_is_asked_for() -> None:
    ran = in_shell("housekeeping", LOG_COMMANDS="true", LOG_FORMAT="json")
    assert {json.loads(line)["logger"] for line in ran.err.splitlines()} == {"gatehouse.housekeeping"}
    ran = in_shell("housekeeping", LOG_COMMANDS="true", LOG_FORMAT="plain")
    assert " INFO gatehouse.housekeeping housekeeping: sessions ended well request_id=" in ran.err
    assert in_shell("housekeeping", LOG_COMMANDS="true", LOG_LEVEL="ERROR").err == ""
    for wrong in ({"LOG_FORMAT": "xml"}, {"LOG_LEVEL": "loud"}):
        assert next(iter(wrong)) in in_shell("check", **wrong).err


def test_what_libraries_would_tell_is_held_back_at_every_level() -> None:
    loggers = configuration("json", "debug")["loggers"]
    assert loggers["django.db.backends"]["level"] == loggers["urllib3"]["level"] == "INFO"
    assert loggers["mozilla_django_oidc"]["level"] == "ERROR"
    assert configuration("plain", "error")["loggers"]["urllib3"]["level"] == "ERROR"


def test_the_bare_forms_need_nothing_of_the_portal(capsys: pytest.CaptureFixture[str]) -> None:
    record = logging.LogRecord("gunicorn.error", logging.ERROR, __file__, 1, "Worker %s", ("ends",), None)
    try:
        raise ValueError("why")
    except ValueError:
        record.exc_info = sys.exc_info()
    line = json.loads(JsonLines().format(record))
    assert (line["message"], line["level"]) == ("Worker ends", "ERROR") and "ValueError: why" in line["exception"]
    assert " ERROR gunicorn.error Worker ends process=" in PlainLines().format(record)
