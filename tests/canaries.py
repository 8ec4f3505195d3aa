"""Secrets that a test gave away on purpose, and everything that the portal wrote meanwhile.

Whoever finds one of them in the other has found a leak. What is looked through: log lines in both forms and down to
DEBUG, what commands print, all audit rows and their exports, every error page, every redirect's address but the
provider's, `/metrics`, and whatever reached standard output and standard error.
"""

import base64
import html
import json
import re
from dataclasses import dataclass, field
from urllib.parse import quote, quote_plus

import pytest
from django.conf import settings
from django.http import HttpResponse

from tests.browsing import Browser
from tests.commands.running import Ran, run
from tests.log_lines import Written
from users.models import AuditEvent

# A code of an authenticator app may be part of a time or an id by chance: it counts where it stands alone.
_SHORT = 8


def spellings(secret: str) -> set[str]:
    """Return what a secret looks like where somebody has encoded it."""
    raw = secret.encode()
    encoded = {base64.b64encode(raw).decode().rstrip("="), base64.urlsafe_b64encode(raw).decode().rstrip("=")}
    escaped = {quote(secret), quote(secret, safe=""), quote_plus(secret), html.escape(secret), json.dumps(secret)[1:-1]}
    return {secret, secret.replace("\n", "\\n"), repr(secret)[1:-1], raw.hex(), *encoded, *escaped}


def holds(text: str, secret: str) -> bool:
    """Return whether a text holds a secret, in whatever spelling."""
    if len(secret) < _SHORT:
        return bool(re.search(rf"(?<![\w.:+-]){re.escape(secret)}(?![\w.:-])", text))
    return any(spelling in text for spelling in spellings(secret))


@dataclass
class Watch:
    """The canaries of one test, and what was written since it began."""

    log: Written
    terminal: pytest.CaptureFixture[str]
    secrets: dict[str, str] = field(default_factory=dict)
    outputs: list[tuple[str, str]] = field(default_factory=list)

    def secret(self, name: str, value: str, *, proof: object) -> str:
        """Note a canary. `proof` is what shows that the portal really had it in hands."""
        assert value and proof, f"{name} was not used"
        self.secrets[name] = value
        return value

    def page(self, response: HttpResponse, status: int) -> HttpResponse:
        """Note an answer: a refusal's page as a whole, and of all others where they lead."""
        assert response.status_code == status, (response.status_code, response.content.decode()[-3000:])
        headers = {name: value for name, value in response.headers.items() if name != "Location"}
        self.outputs.append(("headers", str(headers)))
        if status >= 400:
            self.outputs.append((f"page {status}", response.content.decode()))
        return response

    def ran(self, *arguments: str, status: int = 0, stdin: str = "", hands_out: bool = False) -> Ran:
        """Run a command. What it prints counts, unless its purpose is to hand out a link."""
        done = run(*arguments, stdin=stdin)
        assert done.status == status, done.err
        self.outputs.append((f"standard error of {arguments}", done.err))
        if not hands_out:
            self.outputs.append((f"standard output of {arguments}", done.out))
        return done

    def everything(self) -> list[tuple[str, str]]:
        """Return all that was written, each with where."""
        exports = [run("audit", "export", "--format", form).out for form in ("csv", "jsonl")]
        headers = {"Authorization": f"Bearer {settings.METRICS_TOKEN}"} if settings.METRICS_TOKEN else {}
        metrics = Browser().get("/metrics", headers=headers)
        assert metrics.status_code == 200 and all(exports)
        written = [("log (json)", self.log.json.getvalue()), ("log (plain)", self.log.plain.getvalue())]
        written += [("audit rows", str(list(AuditEvent.objects.values())))]
        written += [("audit export", text) for text in exports]
        written += [("metrics", metrics.content.decode()), ("terminal", "".join(self.terminal.readouterr()))]
        return written + self.outputs

    def assert_silent(self, *names: str) -> None:
        """Check that each of the canaries was used, and that none of them is anywhere."""
        fixed = {"secret key": settings.SECRET_KEY, "encryption key": settings.ENCRYPTION_KEYS[0]}
        assert set(self.secrets) == set(names)
        texts = self.everything()
        assert all(text for _, text in texts[:2]), "nothing was written: this test would prove nothing"
        leaks = {
            (name, where)
            for name, secret in {**self.secrets, **fixed}.items()
            for where, text in texts
            if holds(text, secret)
        }
        assert not leaks, leaks
