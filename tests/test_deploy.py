"""The files of deploy/: what they name exists, what they promise stands in them."""

import configparser
import re
import shlex
from pathlib import Path
from typing import Any

import pytest
import yaml
from django.core.management import load_command_class
from django.urls import get_resolver
from django.urls.resolvers import URLResolver
from gunicorn.config import Config

from portal import limits, serving
from portal.metrics_page import MetricsRefused
from tests.commands.starting import ROOT, ended
from tests.environment import TEST_ENVIRONMENT
from tests.soak.nginx import AWAY, FAILS, RETRIES, nginx_command

DEPLOY = ROOT / "deploy"
UNITS = sorted((DEPLOY / "systemd").iterdir())
SERVICES = [unit for unit in UNITS if unit.suffix == ".service"]
COMPOSE = yaml.safe_load((DEPLOY / "docker" / "compose.yaml").read_text())
OURS = {name: service for name, service in COMPOSE["services"].items() if service["image"].startswith("gatehouse")}
DOCKERFILE = (DEPLOY / "docker" / "Dockerfile").read_text()
NGINX = (DEPLOY / "nginx" / "gatehouse.conf").read_text()
LISTENERS = re.findall(r"^ListenStream=(.+)$", (DEPLOY / "systemd" / "gatehouse.socket").read_text(), re.MULTILINE)
HARDENED = {
    "NoNewPrivileges": "yes",
    "CapabilityBoundingSet": "",
    "ProtectSystem": "strict",
    "ProtectHome": "yes",
    "PrivateTmp": "yes",
    "PrivateDevices": "yes",
    "RestrictNamespaces": "yes",
    "MemoryDenyWriteExecute": "yes",
    "RestrictAddressFamilies": "AF_INET AF_INET6 AF_UNIX",
    "SystemCallArchitectures": "native",
    "UMask": "0077",
    "User": "gatehouse",
}


def unit(path: Path) -> Any:
    """Return the sections of a unit. SystemCallFilter may stand twice in it."""
    parser = configparser.RawConfigParser(strict=False)
    parser.optionxform = str  # type: ignore[assignment,method-assign]
    parser.read(path)
    return parser


def parsed(words: list[str]) -> None:
    """Let the program itself read its options, from `python` on; it ends the test where one is wrong."""
    if words[:3] == ["python", "-m", "gunicorn"]:
        options = Config().parser().parse_args(words[3:])
        assert (options.config, options.args) == ("python:portal.serving", ["portal.wsgi:application"])
        return
    assert words[:2] == ["python", "manage.py"], words
    app = {"migrate": "users", "housekeeping": "idp", "backup": "portal"}[words[2]]
    command = load_command_class(app, words[2])
    command.create_parser("manage.py", words[2]).parse_args(words[3:])


@pytest.mark.parametrize("path", SERVICES, ids=lambda path: path.name)
def test_a_service_starts_what_exists_and_may_do_nothing_else(path: Path) -> None:
    service = unit(path)["Service"]
    words = shlex.split(service["ExecStart"])
    if words[0] == "/bin/sh":
        relative, *words = shlex.split(words[2].partition(" < ")[0])
        words = [f"{service['WorkingDirectory']}/{relative}", *words]
    assert words[0] == f"{service['WorkingDirectory']}/.venv/bin/python"
    parsed(["python", *words[1:]])
    assert {name: service.get(name) for name in HARDENED} == HARDENED
    assert "ENV_FILE=/etc/gatehouse/environment" in service["Environment"]
    assert not re.search(r"SECRET_KEY|ENCRYPTION_KEYS|PASSWORD", path.read_text())


def test_the_service_has_time_to_drain() -> None:
    service = unit(DEPLOY / "systemd" / "gatehouse.service")["Service"]
    assert int(service["TimeoutStopSec"]) > serving.graceful_timeout + 30
    assert service["KillMode"] == "mixed" and service["Type"] == "notify"
    graces = [int(OURS[name]["stop_grace_period"].rstrip("s")) for name in ("web-1", "web-2")]
    assert min(graces) > serving.graceful_timeout + 30


def test_backups_have_the_folder_that_the_pages_make() -> None:
    service = unit(DEPLOY / "systemd" / "gatehouse-backup.service")["Service"]
    folder = service["ReadWritePaths"]
    assert f'"{folder}/gatehouse-' in service["ExecStart"] and f" {folder} " in service["ExecStartPost"]
    for page in ("docs/backup.md", "deploy/README.md", "deploy/systemd/gatehouse-backup.service"):
        assert f"install -d -m 700 -o gatehouse -g gatehouse {folder}\n" in (ROOT / page).read_text(), page


def test_units_name_each_other() -> None:
    names = {path.name for path in UNITS}
    assert unit(DEPLOY / "systemd" / "gatehouse.service")["Unit"]["Requires"] in names
    assert {path.with_suffix(".service").name for path in UNITS} <= names
    socket, _ = LISTENERS
    assert f"server unix:{socket};" in NGINX


def test_health_and_metrics_are_asked_where_somebody_listens() -> None:
    (job,) = yaml.safe_load((DEPLOY / "prometheus" / "scrape.yml").read_text())
    (target,) = job["static_configs"][0]["targets"]
    assert target in LISTENERS and f"http://{target}{job['metrics_path']}" in MetricsRefused.hint
    for name in ("operate", "recover", "upgrading"):
        asked = re.findall(r"curl -s [^\n]*?http://([^/\s]+)/", (ROOT / "docs" / f"{name}.md").read_text())
        assert asked and set(asked) == {target}, name


def test_prometheus_elsewhere_asks_each_server_with_the_token() -> None:
    _, _, elsewhere = (DEPLOY / "prometheus" / "scrape.yml").read_text().partition("# Prometheus elsewhere")
    (job,) = yaml.safe_load("\n".join(line[2:] for line in elsewhere.partition("#\n")[2].splitlines()))
    assert job["authorization"]["type"] == "Bearer"
    # The proxy answers 404 there; its comment names the same servers.
    assert all(f"server {target} " in NGINX for target in job["static_configs"][0]["targets"])
    ports = [port.rpartition(":")[0] for name in ("web-1", "web-2") for port in OURS[name]["ports"]]
    assert all(port in elsewhere for port in ports)
    assert "METRICS_TOKEN=" in (DEPLOY / "docker" / "compose.yaml").read_text()


@pytest.mark.parametrize("name", OURS)
def test_a_container_may_do_nothing_that_it_need_not(name: str) -> None:
    service = OURS[name]
    assert service["read_only"] is True and service["cap_drop"] == ["ALL"]
    assert service["security_opt"] == ["no-new-privileges:true"]
    assert set(service["environment"]) == {"ENV_FILE"} and service["secrets"] == ["gatehouse.env"]
    if "command" in service:
        parsed(service["command"])
    for other, condition in service.get("depends_on", {}).items():
        # Who is waited for to be well has to be asked; who is waited for to end has to end.
        is_asked = "healthcheck" in COMPOSE["services"][other]
        assert is_asked if condition["condition"] == "service_healthy" else other == "migrate"


def test_compose_keeps_database_and_cache_to_itself() -> None:
    services = COMPOSE["services"]
    for name in ("database", "cache"):
        assert services[name]["networks"] == ["inside"] and "ports" not in services[name]
    assert COMPOSE["networks"]["inside"]["internal"] is True
    # The temporary server of a first start does not listen there, and must not pass for the real one.
    assert "--host=127.0.0.1" in services["database"]["healthcheck"]["test"]
    ports = [port for service in services.values() for port in service.get("ports", [])]
    assert ports and all(port.startswith("127.0.0.1:") for port in ports)
    assert {secret for service in services.values() for secret in service.get("secrets", [])} == set(COMPOSE["secrets"])
    for service in OURS.values():
        assert (DEPLOY / "docker" / service["build"]["context"] / service["build"]["dockerfile"]).is_file()


def test_the_image_is_built_of_what_is_there() -> None:
    steps = [line for line in DOCKERFILE.splitlines() if re.match(r"[A-Z]+ ", line)]
    sources = [line.split()[1] for line in steps if line.startswith("COPY") and "--from" not in line]
    assert sources and all((ROOT / source).exists() for source in sources)
    ignored = (ROOT / ".dockerignore").read_text().splitlines()
    assert "*" in ignored and {line[1:] for line in ignored if line.startswith("!")} == set(sources)
    images = [line.split()[1] for line in steps if line.startswith("FROM")]
    assert len(images) == 2 and len(set(images)) == 1 and re.search(r":3\.\d+-", images[0])
    assert "USER 10001:10001" in steps and "STOPSIGNAL SIGTERM" in steps
    command = yaml.safe_load(next(line for line in steps if line.startswith("CMD"))[4:])
    parsed(command)
    assert '"python", "-m", "portal.healthcheck"' in DOCKERFILE


def test_nothing_of_deploy_holds_a_secret() -> None:
    for path in [path for path in DEPLOY.rglob("*") if path.is_file()]:
        assert not re.search(r"(SECRET_KEY|ENCRYPTION_KEYS)=[^ \n]*[^ \n-]{30}", path.read_text()), path


def test_the_health_check_asks_the_server() -> None:
    refused = ended(ROOT, "-m", "portal.healthcheck", "127.0.0.1:1", **TEST_ENVIRONMENT)
    assert refused.returncode == 1 and "does not answer" in refused.stdout


def links(resolver: URLResolver, before: str = "/") -> list[str]:
    """Return the addresses that hold the token of a one-time link, up to the token."""
    found = []
    for each in resolver.url_patterns:
        route = before + str(each.pattern)
        if isinstance(each, URLResolver):
            found += links(each, route)
        elif ":token>" in route:
            found.append(route.partition("<")[0])
    return found


def test_nginx_logs_no_one_time_link_and_no_query() -> None:
    (pattern,) = re.findall(r'"~(\^[^"]+)"', NGINX)
    hidden = re.compile(pattern.replace("(?<", "(?P<"))
    tokens = links(get_resolver())
    assert len(tokens) >= 6
    for path in tokens:
        found = hidden.match(f"{path}the-token/")
        assert found and found["gatehouse_page"] == path, path
    log = NGINX[NGINX.index("log_format") : NGINX.index("# Requests without a host")]
    assert "$gatehouse_uri" in log and not re.search(r"\$request\b|\$request_uri|\$args|\$http_referer", log)


def test_nginx_takes_as_much_as_gatehouse_and_believes_nobody() -> None:
    (size,) = re.findall(r"client_max_body_size (\d+)m;", NGINX)
    assert int(size) * 1_048_576 >= max(limits.BODIES.values())
    assert "proxy_set_header X-Forwarded-For $remote_addr;" in NGINX
    assert "proxy_set_header X-Forwarded-Proto $scheme;" in NGINX
    assert "non_idempotent" not in re.sub(r"#.*", "", NGINX) and "location = /metrics { return 404; }" in NGINX
    (idle,) = re.findall(r"keepalive_timeout (\d+)s;", NGINX)
    assert int(idle) < serving.keepalive
    # Each server that listens with TLS says which versions: at one address the first one's count for all.
    servers = re.split(r"^server \{", NGINX, flags=re.MULTILINE)[1:]
    assert all("ssl_protocols TLSv1.2 TLSv1.3;" in server for server in servers if "listen 443" in server)


def test_nginx_asks_another_instance_and_says_when_none_answers() -> None:
    assert RETRIES.splitlines() == [
        "proxy_connect_timeout 2s;",
        "proxy_send_timeout 20s;",
        "proxy_read_timeout 60s;",
        "proxy_next_upstream error timeout;",
        "proxy_next_upstream_tries 2;",
        "proxy_next_upstream_timeout 10s;",
    ]
    assert FAILS == "max_fails=2 fail_timeout=1s"
    assert AWAY.startswith("error_page 502 504 =503 @away;\n    location @away {")
    assert "add_header Retry-After 5 always;" in AWAY and 'data-error-code="proxy.no_instance"' in AWAY
    # Gatehouse's own pages pass as they are.
    assert "proxy_intercept_errors" not in re.sub(r"#.*", "", NGINX)


def test_the_soak_runs_with_what_is_shipped(tmp_path: Path) -> None:
    nginx_command(tmp_path, port=1, instances=(2, 3))
    written = (tmp_path / "nginx.conf").read_text()
    assert RETRIES in written and AWAY in written and f"server 127.0.0.1:2 {FAILS};" in written
