"""A grader of answers, after the public lists of what a careful site sends. Each criterion costs points; none is A+."""

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from http.cookies import Morsel

HALF_A_YEAR = 180 * 24 * 60 * 60
GRADES = ((100, "A+"), (90, "A"), (80, "B"), (65, "C"), (50, "D"), (0, "F"))
UNSAFE_SOURCES = ("'unsafe-inline'", "'unsafe-eval'", "'unsafe-hashes'", "*", "data:", "blob:", "http:", "https:")
POWERFUL = ("camera", "microphone", "geolocation", "payment", "usb", "serial", "hid", "display-capture")
CARING_REFERRERS = ("no-referrer", "same-origin", "strict-origin", "strict-origin-when-cross-origin")


@dataclass(frozen=True)
class Answer:
    """What there is to grade.

    Attributes:
        kept: whether caches may keep it: a file with a hashed name, the company's logo.
        framed: whether a provider's page shows it in a frame: front-channel logout alone.
        https: whether it came over https.
    """

    headers: Mapping[str, str]
    cookies: Iterable["Morsel[str]"] = ()
    kept: bool = False
    framed: bool = False
    https: bool = True

    def get(self, name: str) -> str:
        """Return a header, or ""."""
        return self.headers.get(name) or ""

    @property
    def policy(self) -> dict[str, list[str]]:
        """The content policy by its directives."""
        parts = [part.split() for part in self.get("Content-Security-Policy").split(";") if part.strip()]
        return {name: sources for name, *sources in parts}


def _csp(answer: Answer) -> bool:
    return answer.policy.get("default-src") == ["'none'"]


def _csp_safe(answer: Answer) -> bool:
    sources = {source for sources in answer.policy.values() for source in sources}
    return not sources & set(UNSAFE_SOURCES) and all(not source.startswith("*.") for source in sources)


def _csp_scripts(answer: Answer) -> bool:
    allowed = answer.policy.get("script-src", answer.policy.get("default-src", ["*"]))
    return set(allowed) <= {"'self'", "'none'"} and answer.policy.get("object-src", ["'none'"]) == ["'none'"]


def _csp_base(answer: Answer) -> bool:
    return answer.framed or (answer.policy.get("base-uri") == ["'none'"] and "form-action" in answer.policy)


def _csp_types(answer: Answer) -> bool:
    return answer.framed or answer.policy.get("require-trusted-types-for") == ["'script'"]


def _frames(answer: Answer) -> bool:
    ancestors = answer.policy.get("frame-ancestors", ["*"])
    if answer.framed:
        return "*" not in ancestors and not answer.get("X-Frame-Options")
    return ancestors == ["'none'"] and answer.get("X-Frame-Options") == "DENY"


def _hsts(answer: Answer) -> bool:
    words = [word.strip() for word in answer.get("Strict-Transport-Security").split(";")]
    if not answer.https:
        return words == [""]
    age = re.fullmatch(r"max-age=(\d+)", words[0])
    return age is not None and int(age[1]) >= HALF_A_YEAR and {"includeSubDomains", "preload"} <= set(words)


def _sniffing(answer: Answer) -> bool:
    return answer.get("X-Content-Type-Options") == "nosniff"


def _referrer(answer: Answer) -> bool:
    return answer.get("Referrer-Policy") in CARING_REFERRERS


def _opener(answer: Answer) -> bool:
    return answer.get("Cross-Origin-Opener-Policy") == "same-origin"


def _resource(answer: Answer) -> bool:
    return answer.get("Cross-Origin-Resource-Policy") == ("cross-origin" if answer.framed else "same-origin")


def _features(answer: Answer) -> bool:
    parts = dict(part.strip().split("=", 1) for part in answer.get("Permissions-Policy").split(",") if "=" in part)
    passkeys = {parts.get(f"publickey-credentials-{act}") for act in ("create", "get")}
    return all(parts.get(name) == "()" for name in POWERFUL) and passkeys == {"(self)"}


def _sharing(answer: Answer) -> bool:
    return not answer.get("Access-Control-Allow-Origin")


def _caching(answer: Answer) -> bool:
    rules = {rule.strip() for rule in answer.get("Cache-Control").split(",")}
    return "public" in rules if answer.kept else "no-store" in rules and "public" not in rules


def _chatter(answer: Answer) -> bool:
    return not answer.get("X-Powered-By") and "/" not in answer.get("Server")


def _cookies(answer: Answer) -> bool:
    return all(is_careful(cookie, https=answer.https) for cookie in answer.cookies)


def is_careful(cookie: "Morsel[str]", *, https: bool = True) -> bool:
    """Return whether a cookie is out of the reach of scripts, other sites, other hosts and plain http.

    The `__Host-` prefix (RFC 6265bis, section 4.1.3.2) binds it to one host, whatever its siblings do.
    """
    closed = cookie["httponly"] or not cookie.value  # one that is taken back has nothing to read
    bound = cookie["path"] == "/" and not cookie["domain"] and str(cookie["samesite"]) in {"Lax", "Strict"}
    return bool(closed and bound and (not https or (cookie.key.startswith("__Host-") and cookie["secure"])))


CRITERIA: tuple[tuple[str, int, Callable[[Answer], bool]], ...] = (
    ("a content policy that begins with nothing", 25, _csp),
    ("no unsafe source in the content policy", 20, _csp_safe),
    ("scripts from here alone, no plug-ins", 20, _csp_scripts),
    ("forms and base address are bound", 10, _csp_base),
    ("trusted types", 5, _csp_types),
    ("no frames of others", 20, _frames),
    ("HSTS for half a year, with subdomains", 20, _hsts),
    ("no guessing of types", 5, _sniffing),
    ("no addresses to other sites", 5, _referrer),
    ("windows of other sites have no handle", 5, _opener),
    ("other sites embed nothing", 5, _resource),
    ("powerful features are off, passkeys are on", 5, _features),
    ("no sharing with other origins", 20, _sharing),
    ("kept by caches only where that is meant", 15, _caching),
    ("no names and versions of software", 5, _chatter),
    ("cookies are bound to host, https and site", 20, _cookies),
)


def faults(answer: Answer) -> list[str]:
    """Return the criteria that an answer fails."""
    return [name for name, _, holds in CRITERIA if not holds(answer)]


def grade(answer: Answer) -> str:
    """Return a letter: A+ where nothing is missing."""
    points = max(0, 100 - sum(cost for _, cost, holds in CRITERIA if not holds(answer)))
    return next(letter for least, letter in GRADES if points >= least)
