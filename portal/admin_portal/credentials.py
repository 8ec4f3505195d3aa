"""The credentials of an identity provider: two client secrets at once, and a certificate in their place."""

from collections.abc import Callable
from typing import Any
from uuid import UUID

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_POST, require_safe

from idp import certificates, credentials, queries
from idp.credential_errors import CertificateNotFound
from idp.expiry import expiry_of
from idp.models import ClientCertificate, IdentityProvider, Kind, Slot
from idp.protocol.client_certificate import as_cer
from idp.protocol.discovery import choose_auth_method
from portal.actors import actor_of
from portal.admin_portal.access import permission_required
from portal.admin_portal.credential_forms import NextSecretForm
from portal.admin_portal.forms import show_on_form, words_for_administrators
from portal.fresh import fresh_authentication
from users.audit import Actor
from users.errors import DirectoryError
from users.permissions import Permission

view_permission = permission_required(Permission.VIEW_IDENTITY_PROVIDERS)
manage_permission = permission_required(Permission.MANAGE_IDENTITY_PROVIDERS)

CONTENT_TYPES = {"cer": "application/pkix-cert", "pem": "application/x-pem-file"}


@require_safe
@view_permission
@fresh_authentication(who_may=Permission.MANAGE_IDENTITY_PROVIDERS)
def show(request: HttpRequest, pk: UUID) -> HttpResponse:
    """Show what is in use, what waits, and until when."""
    return _page(request, queries.find_provider(str(pk)))


@sensitive_post_parameters("client_secret")
@require_POST
@manage_permission
@fresh_authentication(back_to="admin_portal:identity_provider_credentials")
def add_secret(request: HttpRequest, pk: UUID) -> HttpResponse:
    """Take the next secret; it is tried before it is stored."""
    provider = queries.find_provider(str(pk))
    form = NextSecretForm(request.POST)
    if form.is_valid():
        try:
            credentials.add_next_secret(actor=actor_of(request), provider=provider, **form.values())
        except DirectoryError as error:
            show_on_form(form, error)
        else:
            messages.success(request, "The next client secret is stored. Promote it when you are ready.")
            return redirect("admin_portal:identity_provider_credentials", pk=pk)
    return _page(request, queries.find_provider(str(pk)), form=form, status=422)


@require_POST
@manage_permission
@fresh_authentication(back_to="admin_portal:identity_provider_credentials")
def promote_secret(request: HttpRequest, pk: UUID) -> HttpResponse:
    """Put the next secret into use."""
    said = "The next client secret is in use now. You may delete the former one at the provider."
    return _act(request, pk, credentials.promote_next_secret, said)


@require_POST
@manage_permission
@fresh_authentication(back_to="admin_portal:identity_provider_credentials")
def discard_secret(request: HttpRequest, pk: UUID) -> HttpResponse:
    """Forget the next secret."""
    return _act(request, pk, credentials.discard_next_secret, "The next client secret was discarded.")


@require_POST
@manage_permission
@fresh_authentication(back_to="admin_portal:identity_provider_credentials")
def new_certificate(request: HttpRequest, pk: UUID) -> HttpResponse:
    """Make a key pair, whose certificate waits."""
    said = "The key pair is made. Download its certificate and upload it at the provider."
    return _act(request, pk, certificates.make_next_certificate, said)


@require_POST
@manage_permission
@fresh_authentication(back_to="admin_portal:identity_provider_credentials")
def promote_certificate(request: HttpRequest, pk: UUID) -> HttpResponse:
    """Put the waiting certificate into use, once the provider takes it."""
    said = "The certificate is in use now. You may delete what was in use before at the provider."
    return _act(request, pk, certificates.promote_certificate, said)


@require_POST
@manage_permission
@fresh_authentication(back_to="admin_portal:identity_provider_credentials")
def discard_certificate(request: HttpRequest, pk: UUID) -> HttpResponse:
    """Forget the waiting certificate."""
    return _act(request, pk, certificates.discard_certificate, "The certificate and its private key were discarded.")


@require_safe
@view_permission
def download(request: HttpRequest, pk: UUID, slot: str, form: str) -> HttpResponse:
    """Hand out a certificate as a file. The private key is in no answer."""
    provider = queries.find_provider(str(pk))
    certificate = certificates.find_certificate(provider, slot)
    if form not in CONTENT_TYPES:
        raise CertificateNotFound()
    content = as_cer(certificate.certificate) if form == "cer" else certificate.certificate.encode()
    response = HttpResponse(content, content_type=CONTENT_TYPES[form])
    response["Content-Disposition"] = f'attachment; filename="gatehouse-{provider.slug}-{slot}.{form}"'
    return response


def _act(request: HttpRequest, pk: UUID, service: Callable[..., object], said: str) -> HttpResponse:
    """Do one act and go back to the page; a refusal is shown on it."""
    provider = queries.find_provider(str(pk))
    actor: Actor = actor_of(request)
    try:
        service(actor=actor, provider=provider)
    except DirectoryError as error:
        return _page(request, queries.find_provider(str(pk)), error=error, status=error.http_status)
    messages.success(request, said)
    return redirect("admin_portal:identity_provider_credentials", pk=pk)


def _page(
    request: HttpRequest,
    provider: IdentityProvider,
    *,
    form: NextSecretForm | None = None,
    error: DirectoryError | None = None,
    status: int = 200,
) -> HttpResponse:
    text, hint = words_for_administrators(error) if error else ("", "")
    context: dict[str, Any] = {
        "provider": provider,
        "kind": Kind(provider.kind),
        "expiry": expiry_of(provider),
        "form": form or NextSecretForm(),
        "current": _facts(provider.certificate_in(Slot.CURRENT)),
        "waiting": _facts(provider.certificate_in(Slot.NEXT)),
        "no_certificates": _why_no_certificates(provider),
        "error": error,
        "error_text": text,
        "error_hint": hint,
    }
    return render(request, "admin_portal/identity_providers/credentials.html", context, status=status)


def _facts(certificate: ClientCertificate | None) -> dict[str, Any] | None:
    """Return what the page shows of a certificate: by these an administrator finds it at the provider."""
    if certificate is None:
        return None
    sha1, sha256 = certificates.sha1_hex(certificate), certificates.sha256_hex(certificate)
    dates = {"made_at": certificate.created_at, "expires_at": certificate.expires_at}
    return {"sha1": sha1, "sha256": sha256, **dates, "is_readable": certificate.private_key.is_readable}


def _why_no_certificates(provider: IdentityProvider) -> str:
    """Return why this provider takes no certificates, or "" where it does."""
    try:
        choose_auth_method(provider.discovered, assertion=True)
    except DirectoryError as error:
        return error.message
    return ""
