"""`manage.py doctor` at the address that people use: with a real server, and proxies that are set up well and badly."""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from portal.doctor.outside import redirects
from tests.commands.running import database_url
from tests.commands.serving import Portal, serving
from tests.commands.starting import copy_project, ended, free_port
from tests.environment import TEST_ENVIRONMENT
from tests.tls_proxy import Authority, Change, overwrite, proxy

pytestmark = pytest.mark.django_db(transaction=True)

SAME, CLIENT, SCHEME, HOST = (
    "Address: this installation",
    "Proxy: X-Forwarded-For",
    "Proxy: X-Forwarded-Proto",
    "Proxy: Host",
)
GOOD = ("localhost", 90.5)
Checks = dict[str, dict[str, str]]


@dataclass
class Site:
    """A portal behind an https address at which a proxy may be put."""

    project: Path
    authority: Authority
    port: int
    environment: dict[str, str]
    portal: Portal

    @property
    def upstream(self) -> int:
        """The port of the portal itself."""
        return urlsplit(self.portal.url).port or 0

    def examined(self, *arguments: str, **changes: str) -> Checks:
        """Run the doctor in the environment of the portal, and return its lines by name."""
        variables = {**TEST_ENVIRONMENT, "DATABASE_URL": database_url(), **self.environment, **changes}
        ran = ended(self.project, "manage.py", "doctor", "--json", *arguments, **variables)
        assert ran.stderr == "", ran.stderr
        return {check["name"]: check for check in json.loads(ran.stdout)["checks"]}

    def behind(self, change: Change = overwrite, *, certificate: tuple[str, float] = GOOD, lost: str = "") -> Checks:
        """Return the lines while such a proxy is in front, with a certificate for that name and so many days."""
        context = self.authority.context(certificate[0], days=certificate[1])
        with proxy(self.port, self.upstream, context, change, lost=tuple(lost.split())):
            return self.examined()


@pytest.fixture
def site(tmp_path: Path) -> Iterator[Site]:
    """A portal that knows its https address and trusts its proxy."""
    project, authority, port = tmp_path / "project", Authority(tmp_path), free_port()
    project.mkdir()
    environment = {
        "PUBLIC_URL": f"https://localhost:{port}",
        "ALLOWED_HOSTS": "localhost,127.0.0.1",
        "TRUSTED_PROXIES": "127.0.0.1",
        "UPSTREAM_CA_FILE": str(authority.file),
    }
    with serving(copy_project(project), **environment) as portal:
        yield Site(project, authority, port, environment, portal)


def outcomes(checks: Checks, *names: str) -> list[str]:
    return [checks[name]["outcome"] for name in names]


def test_a_proxy_that_is_set_up_well(site: Site) -> None:
    checks = site.behind()
    about = {name: check for name, check in checks.items() if name.startswith(("Address", "Proxy", "Pages", "Clock"))}
    assert {check["outcome"] for name, check in about.items() if name != "Address: http"} == {"passed"}, about
    assert "certificate of localhost by Practice CA, valid for 90 more days" in about["Address: TLS"]["detail"]
    assert "our keys and our database" in about[SAME]["detail"]


def test_a_proxy_that_is_set_up_badly(site: Site) -> None:
    def no_word(headers: dict[str, str], client: str) -> None:
        headers.pop("X-Forwarded-For")
        headers.pop("X-Forwarded-Proto")

    def as_claimed(headers: dict[str, str], client: str) -> None:
        """Change nothing."""

    def added(headers: dict[str, str], client: str) -> None:
        headers |= {"X-Forwarded-For": f"{headers['X-Forwarded-For']}, {client}", "X-Forwarded-Proto": "https"}

    def another_host(headers: dict[str, str], client: str) -> None:
        overwrite(headers, client)
        headers["Host"] = "gatehouse.internal"

    checks = site.behind(no_word)
    assert outcomes(checks, SAME, CLIENT, SCHEME) == ["passed", "failed", "failed"]
    assert (
        "does not say who its client is" in checks[CLIENT]["detail"]
        and "does not say https" in checks[SCHEME]["detail"]
    )
    checks = site.behind(as_claimed)
    assert outcomes(checks, SAME, CLIENT, SCHEME) == ["passed", "failed", "failed"]
    assert "everybody can choose an address" in checks[CLIENT]["detail"]
    assert "passes on what a client claims" in checks[SCHEME]["detail"]
    assert "overwrite X-Forwarded-For" in checks[CLIENT]["hint"]
    assert outcomes(site.behind(added), CLIENT, SCHEME) == ["passed", "passed"]
    checks = site.behind(another_host)
    assert outcomes(checks, SAME, HOST) == ["failed", "skipped"] and "ALLOWED_HOSTS" in checks[SAME]["hint"]
    checks = site.behind(lost="strict-transport-security content-security-policy")
    assert checks["Pages"]["outcome"] == "failed" and "strict-transport-security" in checks["Pages"]["detail"]


CERTIFICATES = [
    ("elsewhere.example", 90, "failed", "certificate is refused: Hostname mismatch"),
    ("localhost", -1, "failed", "certificate is refused: certificate has expired"),
    ("localhost", 10.5, "warning", "valid for 10 more days"),
    ("localhost", 1.5, "failed", "valid for 1 more days"),
]


def test_a_certificate_that_does_not_do(site: Site) -> None:
    for name, days, outcome, said in CERTIFICATES:
        checks = site.behind(certificate=(name, days))
        assert checks["Address: TLS"]["outcome"] == outcome and said in checks["Address: TLS"]["detail"]
        assert checks["Address: answer"]["outcome"] == ("skipped" if outcome == "failed" else "passed")
    with proxy(site.port, site.upstream, site.authority.context()):
        checks = site.examined(UPSTREAM_CA_FILE="")  # an authority that nobody trusts
    assert checks["Address: TLS"]["outcome"] == "failed" and "UPSTREAM_CA_FILE" in checks["Address: TLS"]["hint"]


def test_something_else_at_the_address(site: Site) -> None:
    with proxy(site.port, site.upstream, site.authority.context()):
        other_keys = site.examined(SECRET_KEY="another-one-0123456789-abcdefghijklmnopqrstuvwxyz-ABCDEFGHIJ")
        assert other_keys[SAME]["outcome"] == "failed" and "does not know its keys" in other_keys[SAME]["detail"]
        elsewhere = f"sqlite:///{site.project / 'var' / 'other.sqlite3'}"
        ended(site.project, "manage.py", "migrate", "-v0", **{**TEST_ENVIRONMENT, "DATABASE_URL": elsewhere})
        other_database = site.examined(DATABASE_URL=elsewhere)
        assert other_database[SAME]["outcome"] == "failed" and "another database" in other_database[SAME]["detail"]


def test_the_instance_itself_is_asked_in_the_place_of_its_proxy(site: Site) -> None:
    checks = site.examined("--url", site.portal.url)
    assert outcomes(checks, SAME, "Pages") == ["passed", "passed"]
    assert outcomes(checks, "Address: TLS", CLIENT, SCHEME, HOST) == ["skipped"] * 4
    nobody = site.examined()
    assert nobody["Address: TLS"]["outcome"] == "failed" and "refused" in nobody["Address: TLS"]["detail"]


def test_the_instance_itself_does_not_take_us_for_its_proxy(site: Site) -> None:
    """As behind the Unix socket of a proxy: nobody who comes by an address is believed to have come by https."""
    elsewhere = {**site.environment, "TRUSTED_PROXIES": "unix"}
    with serving(site.project, **elsewhere) as portal:
        checks = site.examined("--url", portal.url, TRUSTED_PROXIES="unix")
    assert outcomes(checks, SAME, "Pages") == ["passed", "skipped"]
    assert "leads to https" in checks["Pages"]["detail"] and checks["Pages"]["hint"] == ""


def test_a_proxy_that_is_not_trusted(site: Site) -> None:
    with (
        serving(site.project, **{**site.environment, "TRUSTED_PROXIES": ""}) as portal,
        proxy(site.port, urlsplit(portal.url).port or 0, site.authority.context()),
    ):
        checks = site.examined()
    assert outcomes(checks, CLIENT, SCHEME, "Pages") == ["failed", "failed", "failed"]
    assert "Set TRUSTED_PROXIES" in checks[CLIENT]["hint"] and "redirects to https again" in checks[SCHEME]["detail"]


def test_http_leads_to_https_or_the_doctor_says_so(site: Site) -> None:
    def pretended(headers: dict[str, str], client: str) -> None:
        headers["X-Forwarded-Proto"] = "https"

    host, port = urlsplit(site.environment["PUBLIC_URL"]).netloc, free_port()
    assert redirects(f"http://127.0.0.1:{port}", host).outcome == "passed"  # nobody listens
    assert redirects(site.portal.url, host).outcome == "passed"  # Gatehouse itself does it
    with proxy(port, site.upstream, None, pretended):
        found = redirects(f"http://127.0.0.1:{port}", host)
    assert found.outcome == "failed" and "in clear" in found.detail and "redirect" in found.hint
