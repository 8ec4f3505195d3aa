"""Opening the session of somebody for whom a provider vouches: from its answer, or after a second step here."""

from collections.abc import Mapping
from typing import Any

from django.db import transaction
from django.http import HttpRequest

from idp.backends import BACKEND
from idp.federation import Match, keep_link
from idp.held_answers import Answer
from idp.models import IdentityProvider
from idp.recheck import keep_grant
from portal.actors import actor_of
from portal.admission import Admission
from portal.sign_in import open_session
from users.log_context import note
from users.models import Realm


def session_provider(request: HttpRequest) -> IdentityProvider | None:
    """Return the provider that this session came through, or None for a local one."""
    provider_id = request.session.get("federation", {}).get("provider_id")
    return IdentityProvider.objects.filter(pk=provider_id).first() if provider_id else None


def open_federated_session(
    request: HttpRequest,
    answer: Answer,
    match: Match,
    admission: Admission,
    *,
    other_tabs: dict[str, Any],
    factor: str = "",
    facts: Mapping[str, Any] | None = None,
    is_confirmed: bool = False,
) -> None:
    """Keep the link, open the session and keep its refresh token, in one transaction.

    Args:
        other_tabs: the sign-ins that other tabs of this browser have under way.
        factor: what was shown at Gatehouse beyond the provider's word, such as `totp`.
        facts: what else the audit row says.
        is_confirmed: whether the provider was asked to make sure who sits there.

    Raises:
        ProviderUnavailable, ProviderChanged, PersonLinkedElsewhere: see `idp.federation.keep_link`.
    """
    provider, claims, actor = answer.provider, answer.claims, actor_of(request)
    note(provider=provider.slug)
    match.person.backend = BACKEND
    with transaction.atomic(savepoint=False):
        keep_link(actor=actor, provider=provider, claims=claims, match=match)
        open_session(
            request,
            match.person,
            realm=Realm.USER,
            method=f"{match.rule}+{factor}" if factor else match.rule,
            admission=admission,
            provider_id=str(provider.pk),
            upstream_sid=claims.sid,
            keep={
                "oidc_states": other_tabs,
                "federation": {
                    "provider_id": str(provider.pk),
                    "provider_name": provider.name,
                    "trust": provider.trust,
                    "login_hint": claims.login_hint,
                    "second_factor": answer.second_factor,
                },
            },
            facts=facts,
            is_confirmed=is_confirmed,
        )
        keep_grant(
            actor=actor,
            session_key=request.session.session_key or "",
            provider=provider,
            claims=claims,
            refresh_token=answer.refresh_token,
            nonce=answer.nonce,
        )
