"""What an administrator should look at: of one provider on its page, and first of all on the home page."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

from django.urls import reverse

from idp.activity import Cause, failures_of_day, last_sign_in
from idp.claim_queries import recent_overage
from idp.claim_words import OVERAGE_CURE
from idp.expiry import expiry_of
from idp.guard_queries import last_return, watched
from idp.models import GuardOutcome, IdentityProvider, PendingLink
from idp.outages import in_words
from idp.routing_queries import password_policies
from users.factors import administrators_without_second_factor
from users.models import AuthenticatorApp, User

WENT_BACK = (GuardOutcome.EXPIRED, GuardOutcome.FAILURES)


@dataclass(frozen=True)
class Item:
    """One thing to look at, with the way there."""

    tone: str
    title: str
    text: str
    url: str
    link: str


def health_context(provider: IdentityProvider) -> dict[str, Any]:
    """Return what a provider's page shows of its health, of whom it opens passwords, and of its credential's end."""
    return {
        "expiry": expiry_of(provider),
        "password_policies": password_policies(provider),
        "last_sign_in": last_sign_in(provider),
        "failures": [(cause, failures_url(cause)) for cause in failures_of_day(provider)],
    }


def failures_url(cause: Cause) -> str:
    """Return where the audit log shows the day's sign-ins that failed with this cause's code."""
    query = urlencode({"last": "24h", "action": cause.action, "code": cause.code})
    return f"{reverse('admin_portal:directory')}?{query}"


def items(provider: IdentityProvider) -> list[Item]:
    """Return what of the active provider needs attention, the most urgent first."""
    found = [_down(provider), _guarded(provider), _expiry(provider), _pending(provider), _overage(provider)]
    return sorted((item for item in found if item is not None), key=lambda item: item.tone != "danger")


def returns() -> list[Item]:
    """Return a word about each provider of which something went back by itself in the last days."""
    found = []
    for provider in IdentityProvider.objects.filter(guards__outcome__in=WENT_BACK).distinct().order_by("name"):
        gone = last_return(provider)
        if gone is not None:
            title = f"{provider.name}: federation went back by itself"
            url = reverse("admin_portal:identity_provider", args=[provider.pk])
            text = f"{gone.guard.get_outcome_display()}. People sign in as they did before."
            found.append(Item("danger", title, text, url, "See why"))
    return found


def failures(causes: Sequence[Cause]) -> list[Item]:
    """Return a word about the sign-ins that failed in the last day, whether through a provider or not, if any did."""
    count = sum(cause.count for cause in causes)
    if not count:
        return []
    text = "; ".join(f"{cause.count:,} × {cause.words} ({cause.portal})" for cause in causes[:3]) + "."
    title = f"{count:,} sign-in{'s' if count > 1 else ''} failed in the last day"
    return [Item("warning", title, text, f"{reverse('admin_portal:home')}#failures", "See all causes")]


def second_factors() -> list[Item]:
    """Return a word about administrators whose password alone signs them in, if there are any."""
    people = administrators_without_second_factor()
    count = people.count()
    if not count:
        return []
    named = ", ".join(person.label for person in people[:3]) + (f" and {count - 3} more" if count > 3 else "")
    title = f"{count} administrator{'s have' if count > 1 else ' has'} no second factor"
    text = f"Their password alone opens the Admin Portal: {named}."
    return [Item("warning", title, text, reverse("admin_portal:administrators"), "Look at the administrators")]


def unreadable_apps() -> list[Item]:
    """Return a word about administrators whose codes cannot be checked, because an encryption key is missing."""
    stored = AuthenticatorApp.objects.filter(person__in=User.objects.administrators()).select_related("person")
    names = [app.person.label for app in stored if not app.seed.is_readable]
    if not names:
        return []
    named = ", ".join(names[:3]) + (f" and {len(names) - 3} more" if len(names) > 3 else "")
    title = f"Codes of {named} cannot be checked"
    text = (
        "Gatehouse lacks the key to the secrets of their authenticator apps: put it back into ENCRYPTION_KEYS, or let "
        "them sign in with a passkey or a recovery code and set up the app again."
    )
    return [Item("danger", title, text, reverse("admin_portal:administrators"), "Look at the administrators")]


def _down(provider: IdentityProvider) -> Item | None:
    if provider.down_since is None:
        return None
    health = provider.health or {}
    title = f"{provider.name} has been down since {in_words(provider.down_since)}"
    url = f"{reverse('admin_portal:identity_provider', args=[provider.pk])}#health"
    text = f"{health.get('detail', '')} {_open_passwords(provider)}".strip()
    return Item("danger", title, text, url, "Look at its health")


def _open_passwords(provider: IdentityProvider) -> str:
    """Return of which policies people may use Gatehouse passwords now, in words."""
    policies = password_policies(provider) if provider.down_now else []
    if not policies:
        return ""
    named = ", ".join(policy.name for policy in policies[:3])
    further = f" and {len(policies) - 3} more" if len(policies) > 3 else ""
    word = "policy" if len(policies) == 1 else "policies"
    return f"People of the routing {word} {named}{further} may use their Gatehouse passwords now."


def _guarded(provider: IdentityProvider) -> Item | None:
    waiting = watched(provider)
    if not waiting:
        return None
    until = min(each.guard.until for each in waiting)
    title = f"{provider.name} is on trial until {until:%-d %B, %H:%M} UTC"
    url = reverse("admin_portal:identity_provider", args=[provider.pk])
    return Item(
        "warning", title, "It goes back by itself unless an Administrator With Billing confirms it.", url, "Look at it"
    )


def _expiry(provider: IdentityProvider) -> Item | None:
    expiry = expiry_of(provider)
    if not expiry.needs_attention:
        return None
    until = "until it is replaced" if expiry.is_over or not expiry.is_readable else f"after {expiry.ends_on:%-d %B %Y}"
    url = reverse("admin_portal:identity_provider_credentials", args=[provider.pk])
    text = f"Nobody can sign in through {provider.name} {until}."
    return Item(expiry.tone, expiry.title, text, url, "Open its credentials")


def _overage(provider: IdentityProvider) -> Item | None:
    left_out = [each.claim for each in recent_overage(provider)]
    if not left_out:
        return None
    url = reverse("admin_portal:identity_provider_claims", args=[provider.pk])
    title = f"{provider.name} leaves {' and '.join(left_out)} out of some tokens"
    return Item(
        "warning", title, f"Those people’s groups are not kept up to date. {OVERAGE_CURE}", url, "Look at its claims"
    )


def _pending(provider: IdentityProvider) -> Item | None:
    count = PendingLink.objects.filter(provider=provider, dismissed_at=None).count()
    if not count:
        return None
    title = f"{count} {'people' if count > 1 else 'person'} came with a valid account and could not be matched"
    url = reverse("admin_portal:identity_provider_links", args=[provider.pk])
    return Item("warning", title, "Link each to a person, or dismiss it.", url, "Look at the pending links")
