"""Why an account was not matched, in words for an administrator, and what cures it."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from idp.federation_errors import (
    EmailMissing,
    EmailNotPlain,
    EmailOutsideDomains,
    EmailUnverified,
    ExternalIdContradicts,
    GuestNotLinked,
    MatchAmbiguous,
    NewcomerRoutedElsewhere,
    NoMatch,
    PersonIsAdministrator,
    PersonLinkedElsewhere,
    PersonStaged,
    PersonSuspended,
)


@dataclass(frozen=True)
class Reason:
    """What happened, and what to do. Both may name `{person}`, `{people}`, `{emails}` and `{domains}`."""

    happened: str
    cure: str


_REASONS = {
    NoMatch.code: Reason(
        "Nobody here has the company email {emails}.",
        "Add the person with this company email and they are linked at the next sign-in, or link somebody here.",
    ),
    NewcomerRoutedElsewhere.code: Reason(
        "Nobody here has the company email {emails}. The person would be added, but no routing policy sends them here.",
        "Let a routing policy take the email domain, or a group that new people join. Or add the person yourself.",
    ),
    EmailMissing.code: Reason(
        "The provider sent no email that can be used.",
        "Let the provider send the email claim (at Entra also upn), or link the account to its person here.",
    ),
    EmailNotPlain.code: Reason(
        "The email has characters that can imitate others, so nobody is looked up by it.",
        "Compare it letter by letter with the person whom you expect before you link the account.",
    ),
    EmailOutsideDomains.code: Reason(
        "The email is in {domains}, which is none of this provider's email domains.",
        "Add the domain to the provider if it belongs to the company, or link this one account.",
    ),
    EmailUnverified.code: Reason(
        "The provider does not vouch for the email: anybody could have entered it.",
        "Have it verified at the provider. Link the account only if you know by other means whose it is.",
    ),
    GuestNotLinked.code: Reason(
        "This is a guest, whose email another organisation vouches for.",
        "Link the account to its person here, or give the person its object ID as external ID.",
    ),
    ExternalIdContradicts.code: Reason(
        "{person} has this email, but an external ID that names another account.",
        "Find out which account is theirs. Correct the external ID, or link this account.",
    ),
    MatchAmbiguous.code: Reason(
        "Email and user principal name belong to different people: {people}.",
        "Link the account to the right one of them, and correct the other's email at the provider.",
    ),
    PersonIsAdministrator.code: Reason(
        "{person} has this email or object ID, and is an administrator, who never signs in through a provider.",
        "Nothing, if it was the administrator's own attempt: dismiss it. Otherwise find out who came.",
    ),
    PersonLinkedElsewhere.code: Reason(
        "{person} has this email, but is linked to another account of this provider.",
        "If the account was replaced, unlink the former one, then link this. If not, find out who bears this email.",
    ),
    PersonSuspended.code: Reason(
        "{person} would be matched, but is suspended.",
        "Activate the person and they are linked at the next sign-in, or dismiss this.",
    ),
    PersonStaged.code: Reason(
        "{person} would be matched, but is not active yet.",
        "Activate the person and they are linked at the next sign-in.",
    ),
}
# What an administrator gets to see of the facts behind a refusal.
FACTS = ("person", "people", "emails", "domains")


def explain(code: str, facts: Mapping[str, Any]) -> Reason:
    """Return why an account waits and what to do, for the code of a refusal and its stored facts."""
    reason = _REASONS.get(code, _REASONS[NoMatch.code])
    values = {name: _listed(facts.get(name)) for name in FACTS}
    return Reason(reason.happened.format(**values), reason.cure.format(**values))


def suggested(facts: Mapping[str, Any]) -> str:
    """Return the company email of the person whom the facts name, or "" where they name none or several."""
    return str(facts.get("person") or "")


def _listed(value: object) -> str:
    if isinstance(value, list):
        return " and ".join(str(item) for item in value) or "it sent"
    return str(value or "it sent")
