"""A rehearsal: a real round trip to the provider that signs nobody in and writes nothing but its result."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import timedelta
from typing import Any

from django.db import transaction
from django.utils import timezone

from idp import rehearsal_report as report
from idp import upstream
from idp.authorization import STATE_LIFETIME, code_of, new_request
from idp.backends import exchange, verify
from idp.claim_sign_in import plan_for, shown_plan, stored_rules
from idp.errors import RehearsalNotFound, RehearsalSessionMissing
from idp.federation import preview_match
from idp.federation_errors import NoMatch, ProviderChanged, StateExpired
from idp.jit import newcomer_of
from idp.models import IdentityProvider, Kind, Rehearsal
from idp.protocol.claim_values import left_out, texts_of
from idp.protocol.types import IdTokenClaims, TokenResponse
from idp.routing_queries import explain
from idp.steps import Finding, Run
from users.audit import Actor, audited, record
from users.log_context import note
from users.models import User
from users.permissions import Permission
from users.services import require

PREFIX = "rehearsal-"
# So long a rehearsal says that a sign-in works now.
FRESH = timedelta(hours=1)
KEPT = 20
ANSWER, TOKENS, ID_TOKEN, PERSON = "Answer of the provider", "Token request", "ID token", "Person"
# Entra and Google let an administrator choose a person's account. `select_account` is optional and Okta refuses it;
# `login` is what every provider has to know (OpenID Connect Core 1.0, section 15.1), and Google alone does not.
_PROMPTS = {Kind.ENTRA: "select_account", Kind.GOOGLE: "select_account"}


@dataclass(frozen=True)
class Begun:
    """A rehearsal on its way.

    Attributes:
        location: where the administrator's browser goes.
        entry: what the administrator's session remembers under `state` until the answer comes.
    """

    rehearsal: Rehearsal
    state: str = field(repr=False)
    location: str = field(repr=False)
    entry: dict[str, Any] = field(repr=False)


@dataclass(frozen=True)
class Seen:
    """What a sign-in would come to: the verdict, and what the claims would change of the person."""

    verdict: dict[str, str]
    changes: dict[str, Any] = field(default_factory=dict)


@audited("idp.provider.rehearsed")
def begin_rehearsal(*, actor: Actor, provider: IdentityProvider) -> Begun:
    """Begin a rehearsal of a draft or an active provider. Older ones than the last twenty of the provider go.

    Raises:
        RehearsalSessionMissing: no administrator is signed in who could be sent to the provider.
    """
    require(actor, Permission.MANAGE_IDENTITY_PROVIDERS)
    if actor.person is None:
        raise RehearsalSessionMissing()
    asked = new_request(provider, prefix=PREFIX, prompt=_PROMPTS.get(Kind(provider.kind), "login"))
    rehearsal = Rehearsal.objects.create(
        provider=provider, provider_version=provider.version, administrator=actor.person
    )
    outdated = Rehearsal.objects.filter(provider=provider).order_by("-started_at")[KEPT:].values_list("pk", flat=True)
    Rehearsal.objects.filter(pk__in=list(outdated)).delete()
    entry = {
        "provider": str(provider.pk),
        "version": provider.version,
        "rehearsal": str(rehearsal.pk),
        "nonce": asked.nonce,
        "code_verifier": asked.code_verifier,
        "at": rehearsal.started_at.timestamp(),
    }
    return Begun(rehearsal, asked.state, asked.location, entry)


@audited("idp.provider.rehearsed", atomic=False)
def finish_rehearsal(
    *, actor: Actor, provider: IdentityProvider, entry: Mapping[str, Any], answer: Mapping[str, str]
) -> Rehearsal:
    """Do with the provider's answer what a sign-in does with it, note each step and the verdict, and sign nobody in.

    Args:
        entry: what `begin_rehearsal` gave the session to remember; its state is used up already.
        answer: the parameters of the authorization response.

    Raises:
        RehearsalNotFound: it was removed meanwhile.
    """
    require(actor, Permission.MANAGE_IDENTITY_PROVIDERS)
    rehearsal = find_rehearsal(provider, entry["rehearsal"])
    if actor.person is None or rehearsal.administrator_id != actor.person.pk:
        raise RehearsalNotFound()
    note(provider=provider.slug)
    run = Run()
    code = run.step(ANSWER, lambda: _answer(provider, entry, answer))
    with upstream.one_deadline():
        tokens = run.step(TOKENS, lambda: _tokens(provider, code or "", entry), needs=(ANSWER,))
        claims = run.step(ID_TOKEN, lambda: _claims(provider, tokens, entry, code or ""), needs=(TOKENS,))
    seen = run.step(PERSON, lambda: _seen(provider, claims), needs=(ID_TOKEN,))
    if seen is None and run.error is not None:
        seen = Seen(report.refused(run.error, provider, claims))
        _explain(run, seen.verdict)
    return _store(actor, provider, rehearsal, run, claims, seen or Seen({}))


def _explain(run: Run, verdict: Mapping[str, str]) -> None:
    """Put the administrator's cause and cure into the line that failed, in place of the person's words."""
    run.steps = [
        replace(step, detail=verdict["cause"], hint=verdict["cure"]) if step.outcome == "failed" else step
        for step in run.steps
    ]


def _store(
    actor: Actor,
    provider: IdentityProvider,
    rehearsal: Rehearsal,
    run: Run,
    claims: IdTokenClaims | None,
    seen: Seen,
) -> Rehearsal:
    """Note the result, with one audit row."""
    verdict = seen.verdict
    succeeded = report.is_success(verdict)
    with transaction.atomic():
        stored = Rehearsal.objects.filter(pk=rehearsal.pk).update(
            steps=[step.as_dict() for step in run.steps],
            claims=report.shown_claims(claims) if claims else {},
            sent=texts_of(claims.raw) if claims else {},
            verdict=verdict,
            changes={**seen.changes, **({"left_out": left_out(claims.raw)} if claims else {})},
            succeeded=succeeded,
            finished_at=timezone.now(),
        )
        if not stored:
            raise RehearsalNotFound()
        facts = {name: verdict.get(name) for name in ("rule", "person", "code")}
        details = {"rehearsal": str(rehearsal.pk), **{name: value for name, value in facts.items() if value}}
        error = None if succeeded else run.error
        record("idp.provider.rehearsed", actor=actor, target=provider, error=error, details=details)
    rehearsal.refresh_from_db()
    return rehearsal


def _answer(provider: IdentityProvider, entry: Mapping[str, Any], answer: Mapping[str, str]) -> Finding[str]:
    """Check the answer as a sign-in's is checked: in time, of this provider as it still is, and with a code."""
    seconds = timezone.now().timestamp() - entry["at"]
    if seconds > STATE_LIFETIME.total_seconds():
        raise StateExpired()
    if entry["version"] != provider.version:
        raise ProviderChanged()
    code = code_of(provider, answer)
    return Finding(code, f"Came back to {provider.redirect_uri} with a code, {round(seconds)} s later.")


def _tokens(provider: IdentityProvider, code: str, entry: Mapping[str, Any]) -> Finding[TokenResponse]:
    tokens = exchange(provider, code, entry["code_verifier"])
    how = provider.get_credential_display().lower()
    return Finding(tokens, f"The code was exchanged for an ID token, with the {how} and PKCE.")


def _claims(
    provider: IdentityProvider, tokens: TokenResponse | None, entry: Mapping[str, Any], code: str
) -> Finding[IdTokenClaims]:
    assert tokens is not None  # noqa: S101  (the step needs the token request's)
    claims = verify(provider, tokens, entry["nonce"], code)
    checked = "Signature, issuer, audience, times and nonce are right"
    return Finding(claims, f"{checked}; so are tenant and object ID." if provider.is_entra else f"{checked}.")


def _seen(provider: IdentityProvider, claims: IdTokenClaims | None) -> Finding[Seen]:
    assert claims is not None  # noqa: S101  (the step needs the ID token's)
    try:
        match = preview_match(provider, claims)
    except NoMatch as error:
        return _without_match(provider, claims, error)
    plan = plan_for(stored_rules(provider), claims.raw, match.person)
    verdict = report.matched(match, claims) | {"routing": _routing(provider, match.person)}
    seen = Seen(verdict, shown_plan(plan))
    return Finding(seen, f"{match.person.label} would be signed in.")


def _routing(provider: IdentityProvider, person: User) -> str:
    """Return where the policies send a person who is matched; "" while the provider is none to be sent to."""
    if not provider.is_active:
        return ""
    answer = explain(person.company_email)
    if answer.provider is not None and answer.provider.pk == provider.pk:
        return f"Here: {answer.sentence}"
    where = f"to {answer.provider.name}" if answer.provider else "nowhere"
    return f"Not here but {where}, so a sign-in would be refused. {answer.sentence}"


def _without_match(provider: IdentityProvider, claims: IdTokenClaims, error: NoMatch) -> Finding[Seen]:
    """Return what becomes of somebody whom nobody here is; raises the refusal where she is not added."""
    if error.code == report.ADMINISTRATOR:
        verdict = report.refused(error, provider, claims)
        words = f"{verdict['person']} is an administrator, who signs in without the provider."
        return Finding(Seen(verdict), words)
    newcomer = newcomer_of(provider, claims, error)
    if newcomer is None:
        raise error
    changes = shown_plan(newcomer.plan) | {"new_person": report.shown_person(newcomer)}
    return Finding(Seen(report.created(newcomer.person), changes), f"{newcomer.person.label} would be added.")


def find_rehearsal(provider: IdentityProvider, rehearsal_id: str) -> Rehearsal:
    """Return a rehearsal of this provider; raises RehearsalNotFound."""
    found = Rehearsal.objects.select_related("administrator").filter(provider=provider, pk=rehearsal_id).first()
    if found is None:
        raise RehearsalNotFound()
    return found


def last_rehearsal(provider: IdentityProvider, administrator: User | None) -> Rehearsal | None:
    """Return the newest rehearsal of this provider by this administrator that came to an end."""
    finished = Rehearsal.objects.filter(provider=provider, finished_at__isnull=False)
    return finished.filter(administrator=administrator).order_by("-started_at").first() if administrator else None


def is_rehearsed(provider: IdentityProvider, administrator: User | None) -> bool:
    """Return whether this administrator has rehearsed the provider successfully, as it is, within the last hour."""
    if administrator is None:
        return False
    since = timezone.now() - FRESH
    if provider.client_secret_set_at is not None:
        since = max(since, provider.client_secret_set_at)
    return Rehearsal.objects.filter(
        provider=provider,
        administrator=administrator,
        provider_version=provider.version,
        succeeded=True,
        started_at__gte=since,
    ).exists()
