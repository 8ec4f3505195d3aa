"""Out to the provider, back, and the landing page."""

import base64
import hashlib
import secrets
import time
from datetime import timedelta
from typing import Any
from urllib.parse import urlencode

import jwt
import urllib3
from django.contrib.auth import get_user_model, login, logout
from django.contrib.auth.decorators import login_not_required
from django.db import IntegrityError, transaction
from django.http import HttpRequest, HttpResponse, HttpResponseBadRequest
from django.shortcuts import redirect, render
from django.utils import timezone
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_POST, require_safe

from bench.registration import CLIENT_ID
from bench.rivals.config import PROVIDER, REDIRECT_URI
from bench.rivals.minimal import oidc
from bench.rivals.minimal.models import Link, SpentState

LIFETIME = 600
MAX_OPEN = 20
User: Any = get_user_model()
BACKEND = "django.contrib.auth.backends.ModelBackend"


@login_not_required
@never_cache
@require_safe
def begin(request: HttpRequest) -> HttpResponse:
    """Send the visitor to the provider with a fresh state, nonce and code challenge."""
    state, nonce, verifier = (secrets.token_urlsafe(32) for _ in range(3))
    challenge = base64.urlsafe_b64encode(hashlib.sha256(verifier.encode()).digest()).rstrip(b"=").decode()
    open_ones = list(request.session.get("sign_ins", {}).items())[-(MAX_OPEN - 1) :]
    request.session["sign_ins"] = {**dict(open_ones), state: [nonce, verifier, time.time()]}
    query = {
        "response_type": "code",
        "scope": "openid profile email",
        "client_id": CLIENT_ID,
        "redirect_uri": REDIRECT_URI,
        "state": state,
        "nonce": nonce,
        "code_challenge": challenge,
        "code_challenge_method": "S256",
    }
    return redirect(f"{PROVIDER.authorization}?{urlencode(query)}")


@login_not_required
@never_cache
@require_safe
def callback(request: HttpRequest) -> HttpResponse:
    """Take the provider's answer, and sign in under a new session key."""
    try:
        nonce, verifier = _take_state(request)
        claims = oidc.verify(oidc.exchange(request.GET["code"], verifier), nonce)
        user = _user_of(claims)
    except (oidc.Refused, jwt.PyJWTError, urllib3.exceptions.HTTPError, LookupError, ValueError) as error:
        return HttpResponseBadRequest(f"The sign-in was refused: {type(error).__name__}", content_type="text/plain")
    request.session.flush()
    login(request, user, backend=BACKEND)
    return redirect("home")


def _take_state(request: HttpRequest) -> tuple[str, str]:
    """Return nonce and code verifier of a state that this browser began, lately, and that was not used yet."""
    state, now = request.GET["state"], timezone.now()
    nonce, verifier, began_at = request.session["sign_ins"][state]
    if now.timestamp() - began_at > LIFETIME:
        raise oidc.Refused("too late")
    spent = hashlib.sha256(state.encode()).hexdigest()
    try:
        SpentState.objects.create(state_hash=spent, expires_at=now + timedelta(seconds=LIFETIME))
    except IntegrityError as error:
        raise oidc.Refused("used before") from error
    SpentState.objects.filter(expires_at__lt=now).delete()
    return nonce, verifier


def _user_of(claims: dict[str, Any]) -> Any:
    """Return the linked user, or link the one whose email the provider vouches for."""
    link = Link.objects.select_related("user").filter(issuer=claims["iss"], subject=claims["sub"]).first()
    if link is None:
        link = _link(claims)
    if not link.user.is_active:
        raise oidc.Refused("not active")
    return link.user


def _link(claims: dict[str, Any]) -> Link:
    user = User.objects.filter(email=str(claims.get("email", "")).lower(), is_staff=False).first()
    if user is None or claims.get("email_verified") is not True:
        raise oidc.Refused("unknown")
    with transaction.atomic():
        if Link.objects.filter(user=user, issuer=claims["iss"]).exists():
            raise oidc.Refused("linked to another subject")
        return Link.objects.create(issuer=claims["iss"], subject=claims["sub"], user=user)


@require_safe
@never_cache
def home(request: HttpRequest) -> HttpResponse:
    """Greet the person."""
    return render(request, "minimal/home.html")


@require_POST
def sign_out(request: HttpRequest) -> HttpResponse:
    """End the session."""
    logout(request)
    return redirect("begin")
