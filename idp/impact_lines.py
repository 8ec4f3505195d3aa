"""The lines of an impact in words that fit the number: what each number means, with the first few names."""

from dataclasses import replace
from typing import Any

from users.impact import EXAMPLES, Line

# What each number means: for one, and for none or several.
_WORDS = {
    "people_sent": ("active person will sign in with {name}", "active people will sign in with {name}"),
    "already_linked": (
        "of them is linked to it already, from an earlier sign-in",
        "of them are linked to it already, from earlier sign-ins",
    ),
    "from_other": (
        "of them signs in with another identity provider now",
        "of them sign in with another identity provider now",
    ),
    "to_other": ("person signs in with {name} instead", "people sign in with {name} instead"),
    "kept_local": (
        "active person keeps a Gatehouse password, because no routing policy takes them",
        "active people keep their Gatehouse passwords, because no routing policy takes them",
    ),
    "links_kept": (
        "link between a person and an account at the provider is kept",
        "links between people and their accounts at the provider are kept",
    ),
    "policies_lost": ("routing policy is deleted with it", "routing policies are deleted with it"),
    "routed_sessions_end": (
        "session in the User Portal ends now; this person signs in again, the new way",
        "sessions in the User Portal end now; these people sign in again, the new way",
    ),
    "outside_domains": (
        "of them cannot be matched: the company email is outside {domains}",
        "of them cannot be matched: their company emails are outside {domains}",
    ),
    "staged": ("staged person stays out until activated", "staged people stay out until they are activated"),
    "suspended": ("suspended person stays out", "suspended people stay out"),
    "administrators_kept": (
        "administrator keeps their own sign-in and password, and is never sent to the provider",
        "administrators keep their own sign-in and password, and are never sent to the provider",
    ),
    "local_sessions_end": (
        "session in the User Portal ends now; this person signs in again",
        "sessions in the User Portal end now; these people sign in again",
    ),
    "its_sessions_end": ("session that it opened ends now", "sessions that it opened end now"),
    "locked_out": (
        "person has no password and cannot get in any more",
        "people have no password and cannot get in any more",
    ),
    "back_to_password": (
        "person signs in with a Gatehouse password again",
        "people sign in with their Gatehouse passwords again",
    ),
    "links_lost": (
        "link between a person and an account at the provider is lost",
        "links between people and their accounts at the provider are lost",
    ),
}


def people_line(key: str, people: Any, *, tone: str = "neutral", **words: str) -> Line:
    """Return how many people there are, with the first few names."""
    count = people.count()
    named = people.order_by("company_email")[:EXAMPLES] if count else []
    return line_of(key, count, tone=tone, examples=tuple(person.label for person in named), **words)


def sessions_line(words: str, count: int) -> Line:
    """Return how many sessions end.

    Args:
        words: the key of what is said of them.
    """
    return replace(line_of(words, count, tone="warning"), key="sessions_ended")


def line_of(key: str, count: int, *, tone: str, examples: tuple[str, ...] = (), **words: str) -> Line:
    """Return a line in words that fit the number; nothing shouts that concerns nobody."""
    one, many = _WORDS[key]
    text = (one if count == 1 else many).format(**words)
    return Line(count, text, tone if count else "neutral", examples, key)
