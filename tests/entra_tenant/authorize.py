"""The authorization endpoint: checks the request, asks who it is, sends the browser back."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING
from urllib.parse import urlencode

from . import pages
from .errors import TenantRefusal, refuse
from .grants import BrowserSession, Grant
from .lies import altered
from .people import Person
from .wire import Pairs, Request, Response, redirect

if TYPE_CHECKING:
    from .tenant import PracticeTenant

# Cookies know no ports: the name must not collide with Gatehouse's on the same loopback host.
COOKIE = "practice_tenant_session"


@dataclass(frozen=True, kw_only=True)
class Asked:
    """An authorization request whose client and redirect URI are sound."""

    redirect_uri: str
    state: str
    response_mode: str
    login_hint: str
    prompt: str
    after_form: bool
    """The request came from the sign-in page's form."""


def authorize(tenant: PracticeTenant, request: Request) -> Response:
    """Answers one authorization request: by a page, or by sending the browser back."""
    try:
        asked = _read(tenant, request)
    except TenantRefusal as refusal:
        # Whom to tell is not certain, so the browser stays here (RFC 6749 section 4.1.2.1).
        return pages.error_page(refusal)
    try:
        return _answer(tenant, request, asked)
    except TenantRefusal as refusal:
        error = {"error": refusal.oauth_error, "error_description": refusal.description()}
        if not tenant.is_entra:
            error["error_description"] = refusal.text
        return _send(tenant, asked, error)


def _read(tenant: PracticeTenant, request: Request) -> Asked:
    client_id, redirect_uri = request.value("client_id"), request.value("redirect_uri")
    if tenant.lie.authorize_page_error:
        raise refuse(tenant.lie.authorize_page_error, client_id=client_id, redirect_uri=redirect_uri)
    if name := request.repeated():
        raise refuse(9000411, name=name)
    if not client_id:
        raise refuse(900144, name="client_id")
    if client_id != tenant.client_id:
        raise refuse(700016, client_id=client_id)
    if not redirect_uri or not tenant.accepts_redirect(redirect_uri):
        raise refuse(50011, client_id=client_id, redirect_uri=redirect_uri)
    return Asked(
        redirect_uri=redirect_uri,
        state=request.value("state"),
        response_mode=request.value("response_mode") or "query",
        login_hint=request.value("login_hint"),
        prompt=request.value("prompt"),
        after_form=bool(request.value("person") or request.value("cancel")),
    )


def _check(tenant: PracticeTenant, request: Request, asked: Asked) -> None:
    """Refuses what is told to the application by redirect."""
    if tenant.lie.authorize_error:
        raise refuse(tenant.lie.authorize_error, client_id=tenant.client_id)
    if asked.response_mode not in {"query", "fragment", "form_post"}:
        raise refuse(90023, reason="unknown response_mode")
    response_type = request.value("response_type")
    if "token" in response_type:
        raise refuse(700054)
    if response_type != "code":
        raise refuse(90023, error="unsupported_response_type", reason="response_type must be code")
    if "openid" not in request.value("scope").split():
        raise refuse(70011, scope=request.value("scope"))
    if request.value("code_challenge_method") != "S256" or not 43 <= len(request.value("code_challenge")) <= 128:
        raise refuse(9002325)
    if asked.prompt == "select_account" and asked.login_hint:
        raise refuse(90023, reason="login_hint cannot be combined with prompt=select_account")


def _answer(tenant: PracticeTenant, request: Request, asked: Asked) -> Response:
    _check(tenant, request, asked)
    if request.value("cancel"):
        raise refuse(65004)
    session = tenant.grants.session(request.cookie(COOKIE))
    person = _chosen(tenant, request, asked, session)
    if person is None and asked.prompt == "none":
        raise refuse(50058)
    if person is None:
        hinted = tenant.person(asked.login_hint) if asked.login_hint else None
        signed_in = session.person if session else None
        return pages.sign_in_page(tenant, request, hinted=hinted, signed_in=signed_in)
    return _sign_in(tenant, request, asked, person, session)


def _chosen(tenant: PracticeTenant, request: Request, asked: Asked, session: BrowserSession | None) -> Person | None:
    """Who signs in without (further) asking, if anybody."""
    if request.value("person"):
        person = tenant.person(request.value("person"))
        if person is None:
            raise refuse(50034)
        return person
    if isinstance(tenant.auto_sign_in, str):
        person = tenant.person(tenant.auto_sign_in)
        if person is None:
            raise LookupError(f"auto_sign_in names nobody: {tenant.auto_sign_in!r}")
        return person
    if tenant.auto_sign_in:
        return tenant.person(asked.login_hint)
    if asked.prompt == "none" and session and (not asked.login_hint or session.person.is_called(asked.login_hint)):
        return session.person
    return None


def _sign_in(
    tenant: PracticeTenant, request: Request, asked: Asked, person: Person, session: BrowserSession | None
) -> Response:
    headers: Pairs = ()
    if session is None or session.person != person or asked.prompt == "login":
        cookie, session = tenant.grants.start_session(person)
        secure = "; Secure" if tenant.base_url.startswith("https:") else ""
        headers = (("Set-Cookie", f"{COOKIE}={cookie}; Path=/; HttpOnly; SameSite=Lax{secure}"),)
    grant = Grant(
        person=person,
        client_id=tenant.client_id,
        redirect_uri=asked.redirect_uri,
        scope=request.value("scope"),
        nonce=request.value("nonce"),
        code_challenge=request.value("code_challenge"),
        sid=session.sid,
        auth_time=session.auth_time,
        issued_at=int(tenant.now()),
    )
    honest = {"code": tenant.grants.issue_code(grant)}
    if tenant.is_entra:
        honest["session_state"] = session.sid
    return _send(tenant, asked, honest, headers)


def _send(tenant: PracticeTenant, asked: Asked, honest: dict[str, str], headers: Pairs = ()) -> Response:
    """The authorization response, in the mode that was asked for."""
    lie = tenant.lie
    if asked.state:
        honest["state"] = asked.state
    if tenant.response_iss:
        honest["iss"] = tenant.issuer
    params = {name: str(value) for name, value in altered(honest, lie.response, lie.drop_response).items()}
    pairs = [*params.items(), *((name, params.get(name, "")) for name in lie.repeat_response), *lie.extra_response]
    mode = lie.response_mode or asked.response_mode
    if mode == "form_post":
        return pages.form_post_page(asked.redirect_uri, pairs, headers)
    mark = "?" if "?" not in asked.redirect_uri else "&"
    joint = "#" if mode == "fragment" else mark
    # 303 after the form: the browser must not repeat the POST (RFC 9700 section 4.12).
    status = 303 if asked.after_form else 302
    return redirect(f"{asked.redirect_uri}{joint}{urlencode(pairs)}", status=status, headers=headers)


def logout(tenant: PracticeTenant, request: Request) -> Response:
    """RP-initiated logout; opened without parameters it is the tenant's own sign-out page."""
    session = tenant.grants.end_session(request.cookie(COOKIE))
    expired: Pairs = (("Set-Cookie", f"{COOKIE}=; Path=/; Max-Age=0; HttpOnly; SameSite=Lax"),)
    target = request.value("post_logout_redirect_uri")
    if target and not tenant.accepts_logout_redirect(target):
        # Entra ignores an address that it does not know.
        target = ""
    if target and request.value("state"):
        honest = {"state": request.value("state")}
        params = altered(honest, tenant.lie.response, tenant.lie.drop_response)
        target += ("&" if "?" in target else "?") + urlencode(params) if params else ""
    frame = tenant.frontchannel_logout_url(session.sid) if session and tenant.frontchannel_logout_uri else ""
    if target and not frame:
        return redirect(target, headers=expired)
    return pages.signed_out_page(session.person if session else None, target=target, frame=frame, headers=expired)
