"""Our own address, from the outside: name, TLS, the proxies in front, and whether it is this installation at all."""

import json
import re
import ssl
import time
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from urllib.parse import urljoin, urlsplit

from django.conf import settings

from idp.protocol.reachability import clock_skew
from idp.steps import Finding
from portal import seen
from portal.doctor import wire
from portal.doctor.database import DATABASE, MIGRATIONS
from portal.doctor.examination import Examination, not_ok, ok

NAME, TLS, ANSWER, SAME = "Address: name", "Address: TLS", "Address: answer", "Address: this installation"
# Of a network for documentation (RFC 5737): nobody has it, so whoever names it repeats what we claimed.
CLAIMED_CLIENT = "198.51.100.254"
_SOON, _VERY_SOON = 21, 3
_PROXY = "deploy/nginx/gatehouse.conf shows how a proxy is set up."
_REACH = "See whether the proxy and Gatehouse run, and whether this machine may call that address; --url asks another."


@dataclass(frozen=True)
class Address:
    """Where to ask.

    Attributes:
        url: PUBLIC_URL, or what was given instead of it.
        host: the host that every request names, that of PUBLIC_URL.
    """

    url: str

    @property
    def host(self) -> str:
        """The Host header: it is this site also where another address is asked."""
        return urlsplit(settings.PUBLIC_URL).netloc

    @property
    def name(self) -> str:
        """The name or the IP address."""
        return urlsplit(self.url).hostname or ""

    @property
    def is_https(self) -> bool:
        """Whether TLS is spoken there."""
        return urlsplit(self.url).scheme == "https"

    @property
    def is_direct(self) -> bool:
        """Whether Gatehouse itself is asked, in the place of its proxy: the site has https, and this address none."""
        return settings.IS_HTTPS and not self.is_https

    @property
    def port(self) -> int:
        """The port."""
        return urlsplit(self.url).port or (443 if self.is_https else 80)

    def ask(self, path: str, **headers: str) -> wire.Reply:
        """GET a path there."""
        return wire.ask(f"{self.url}{path}", {"Host": self.host, "User-Agent": "Gatehouse doctor", **headers})


def look_at_address(examination: Examination, url: str) -> None:
    """Add the lines of the address that people use, or of another one of the same site."""
    address = Address(url.rstrip("/"))
    examination.look(NAME, lambda: _name(address), hint="Set the DNS record of this name, or PUBLIC_URL.")
    examination.look(TLS, lambda: _tls(address), hint=_REACH, needs=(NAME,))
    examination.look("Address: http", lambda: _plain_http(address), needs=(NAME,))
    answer = examination.look(
        ANSWER, lambda: _answer(address), hint=_REACH, needs=(NAME, TLS) if address.is_https else (NAME,)
    )
    echo = examination.look(SAME, lambda: _same(answer), needs=(ANSWER, DATABASE, MIGRATIONS))
    _look_at_proxy(examination, address, echo)
    examination.look("Pages", lambda: _pages(address), hint=_REACH, needs=(SAME,))
    examination.look("Clock of the server", lambda: _clock(answer), needs=(SAME,))


def _look_at_proxy(examination: Examination, address: Address, echo: dict[str, Any] | None) -> None:
    """Add the lines of what stands in front of Gatehouse, unless it is asked itself."""
    lines = {
        "Proxy: X-Forwarded-For": lambda: _client(echo),
        "Proxy: X-Forwarded-Proto": lambda: _scheme(address, echo),
        "Proxy: Host": lambda: _host(address, echo),
    }
    for name, work in lines.items():
        if address.is_direct:
            examination.look(name, lambda: not_ok("Gatehouse itself was asked, without its proxy.", "", "skipped"))
        else:
            examination.look(name, work, needs=(SAME,))


def _name(address: Address) -> Finding[None]:
    found = wire.addresses(address.name, address.port)
    return ok(f"{address.name} is at {', '.join(found[:4])}.")


def _tls(address: Address) -> Finding[None]:
    """Verify the certificate as a browser would, and see how long it is good for."""
    if not address.is_https:
        text = f"{address.url} is not https."
        if address.is_direct:
            return not_ok(text, "", "skipped")
        return not_ok(text, "People need https: put a proxy with TLS in front, and set PUBLIC_URL to its address.")
    try:
        facts = wire.handshake(address.name, address.port)
    except ssl.SSLCertVerificationError as error:
        hint = "Install a certificate for this name with its whole chain; a private authority goes to UPSTREAM_CA_FILE."
        return not_ok(f"The certificate is refused: {error.verify_message.rstrip('.')}.", hint)
    except ssl.SSLError as error:
        return not_ok(f"No TLS connection: {error.reason or 'the handshake failed'}.", "See the log of the proxy.")
    text = f"{facts.version}; certificate of {facts.subject or address.name} by {facts.issuer or 'an unnamed issuer'}"
    if facts.not_after is None:
        return ok(f"{text}.")
    days = (facts.not_after - datetime.now(UTC)).days
    text = f"{text}, valid for {days} more days."
    if days < _SOON:
        hint = "Renew it, and see why what renews it by itself has not."
        return not_ok(text, hint, "failed" if days < _VERY_SOON else "warning")
    return ok(text)


def _plain_http(address: Address) -> Finding[None]:
    """Ask port 80, where whoever types the bare name comes first."""
    if not address.is_https or address.port != 443:
        return not_ok("Only looked at where https has its usual port 443.", "", "skipped")
    return redirects(f"http://{address.name}", address.host)


def redirects(url: str, host: str) -> Finding[None]:
    """Return whether an http address of ours leads to https and to nowhere else."""
    try:
        reply = wire.ask(f"{url}/login/", {"Host": host})
    except Exception:  # noqa: BLE001  (whatever it is, nothing is told in clear)
        return ok("Nobody answers in clear; HSTS leads those who have been here.")
    if _leads_to_https(reply, host):
        return ok(f"It leads to https ({reply.status}).")
    return not_ok(f"{url} answers {reply.status} in clear.", f"Let it redirect to https://{host}. {_PROXY}")


def _leads_to_https(reply: wire.Reply, host: str) -> bool:
    target = urlsplit(reply.headers.get("location", ""))
    return reply.status in {301, 302, 307, 308} and (target.scheme, target.netloc) == ("https", host)


def _answer(address: Address) -> Finding[tuple[str, wire.Reply]]:
    """Ask with a token, and claim what a visitor could claim of itself."""
    token = seen.new_token()
    claims = {"X-Forwarded-For": CLAIMED_CLIENT, "X-Forwarded-Proto": "http", seen.HEADER: token}
    reply = address.ask(seen.PATH, **claims)
    return Finding((token, reply), f"HTTP {reply.status} from {address.url}.")


def _same(answer: tuple[str, wire.Reply] | None) -> Finding[dict[str, Any]]:
    """See whether the keys and the database behind the address are ours."""
    assert answer is not None  # noqa: S101  (the line needs the answer's)
    token, reply = answer
    none: dict[str, Any] = {}
    if reply.status == 400:
        hint = f"Add it to ALLOWED_HOSTS, and let the proxy pass the Host header on. {_PROXY}"
        return Finding(none, f"The host {urlsplit(settings.PUBLIC_URL).netloc} is refused there.", "failed", hint)
    try:
        echo = json.loads(reply.body)
        found, version = str(echo["proof"]), str(echo["version"])
    except (ValueError, KeyError, TypeError):
        text = f"What answers there (HTTP {reply.status}) is not this installation: it does not know its keys."
        hint = "See where the proxy leads, whether every instance has the same SECRET_KEY, and whether all were "
        hint += "restarted since it changed; and whether the clocks agree."
        return Finding(none, text, "failed", hint)
    if found != seen.proof(token):
        hint = "See which DATABASE_URL the service has: this command reads another .env or environment."
        return Finding(none, "What answers there has the same keys, and another database.", "failed", hint)
    if version != settings.VERSION:
        text = f"What answers there is version {version}; the code here is {settings.VERSION}."
        return Finding(echo, text, "warning", "Restart the service, every instance of it.")
    return Finding(echo, f"Version {version}, with our keys and our database.")


def _client(echo: dict[str, Any] | None) -> Finding[None]:
    """See whether the audit log and the counting of failed sign-ins get the visitor's true address."""
    assert echo is not None  # noqa: S101  (the line needs the installation's)
    passed = [part.strip() for part in echo["forwarded"]["for"].split(",") if part.strip()]
    if not echo["forwarded"]["believed"]:
        if passed == [CLAIMED_CLIENT] and not settings.TRUSTED_PROXIES:
            return ok(f"Nothing is believed that a client says of itself; we are {echo['client']} there.")
        hint = "Set TRUSTED_PROXIES to the address from which the proxy calls Gatehouse, or to unix for its socket."
        return not_ok(f"A proxy is in front, and it is not believed: visitors look like {echo['client']}.", hint)
    if not passed:
        hint = f"Let the proxy set X-Forwarded-For to the address of its client. {_PROXY}"
        return not_ok("The proxy does not say who its client is: all visitors look the same.", hint)
    if passed[-1] == CLAIMED_CLIENT:
        hint = f"Let the proxy overwrite X-Forwarded-For. {_PROXY}"
        return not_ok("The proxy passes on what a client claims: everybody can choose an address.", hint)
    if CLAIMED_CLIENT in passed:
        return ok("The proxy adds its client to what that claimed; the part that it added is believed.")
    return ok(f"The proxy overwrites what a client claims; we are {echo['client']}.")


def _scheme(address: Address, echo: dict[str, Any] | None) -> Finding[None]:
    """See whether Gatehouse learns that a request came by https: pages redirect again and again otherwise."""
    assert echo is not None  # noqa: S101  (the line needs the installation's)
    if not address.is_https:
        return not_ok("There is no TLS at this address.", "", "skipped")
    if echo["is_secure"]:
        return ok("The proxy says https, whatever a client claims.")
    if not echo["forwarded"]["believed"]:
        return not_ok("It is not believed, so that every page redirects to https again.", "Set TRUSTED_PROXIES.")
    what = "passes on what a client claims" if echo["forwarded"]["proto"] == "http" else "does not say https"
    return not_ok(f"The proxy {what}.", f"Let it overwrite X-Forwarded-Proto with its scheme. {_PROXY}")


def _host(address: Address, echo: dict[str, Any] | None) -> Finding[None]:
    assert echo is not None  # noqa: S101  (the line needs the installation's)
    if echo["host"] != address.host:
        hint = f"Let it pass the Host header on. {_PROXY}"
        return not_ok(f"The proxy makes {echo['host']} of {address.host}.", hint, "warning")
    return ok(f"{address.host} arrives.")


def _pages(address: Address) -> Finding[None]:
    """Open the sign-in page as a browser does, with its stylesheet and the headers that protect it."""
    as_proxy = {"X-Forwarded-Proto": "https"} if address.is_direct else {}
    page = address.ask("/login/", **as_proxy)
    if address.is_direct and _leads_to_https(page, address.host):
        # TRUSTED_PROXIES does not name this machine: behind a Unix socket, or with the proxy elsewhere, it need not.
        return not_ok("Asked from here every page leads to https, as it must: we are no trusted proxy.", "", "skipped")
    sheet = re.search(r'<link rel="stylesheet"\s+href="([^"]+)"', page.text)
    if page.status != 200 or not sheet:
        hint = "See the log of Gatehouse, and run `manage.py collectstatic --no-input`."
        return not_ok(f"The sign-in page answers {page.status}.", hint)
    missing = [name for name in ("content-security-policy", "x-frame-options") if name not in page.headers]
    if settings.IS_HTTPS and "strict-transport-security" not in page.headers:
        missing.append("strict-transport-security")
    if missing:
        return not_ok(f"The proxy removes {', '.join(missing)}.", "Let it pass the headers of Gatehouse on.")
    style = address.ask(urlsplit(urljoin(address.url, sheet[1])).path, **as_proxy)
    if style.status != 200 or "css" not in style.headers.get("content-type", ""):
        return not_ok(f"Its stylesheet answers {style.status}.", "Let the proxy pass /static/ on as well.")
    return ok("The sign-in page arrives with its stylesheet and its headers.")


def _clock(answer: tuple[str, wire.Reply] | None) -> Finding[None]:
    assert answer is not None  # noqa: S101  (the line needs the installation's)
    skew = clock_skew(answer[1].headers, time.time())
    if skew is None:
        return not_ok("Its answers name no time.", "", "unknown")
    if abs(skew) > 5:
        hint = "Let every machine set its clock from the network (NTP), such as with `timedatectl set-ntp true`."
        return not_ok(f"Its clock and ours differ by {abs(skew):.0f} seconds.", hint, "warning")
    return ok("It agrees with ours.")
