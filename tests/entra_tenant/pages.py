"""The tenant's few pages. Every value that is not ours passes `html.escape`."""

from __future__ import annotations

from collections.abc import Iterable
from html import escape
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlencode, urlsplit

from .errors import TenantRefusal
from .people import Person
from .wire import Pairs, Request, Response

if TYPE_CHECKING:
    from .tenant import PracticeTenant

STYLE = Path(__file__).with_name("style.css").read_bytes()
FORM_POST_SCRIPT = b'document.getElementById("response").submit();\n'

_FRAME = """<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<title>{title} - Practice tenant</title>
<link rel="stylesheet" href="/style.css">
</head>
<body>
<header><p><strong>Practice tenant</strong> - not Microsoft</p></header>
<main{attributes}>
{body}
</main>
</body>
</html>
"""


def _page(
    title: str, body: str, *, attributes: str = "", status: int = 200, headers: Pairs = (), frame: str = ""
) -> Response:
    # No form-action: the form's answer redirects to the application, and browsers apply it to that too.
    policy = "default-src 'none'; style-src 'self'; script-src 'self'; base-uri 'none'; frame-ancestors 'none'"
    if frame:
        parts = urlsplit(frame)
        policy += f"; frame-src {parts.scheme}://{parts.netloc}"
    document = _FRAME.format(title=escape(title), body=body, attributes=attributes)
    return Response(
        status=status,
        body=document.encode(),
        content_type="text/html; charset=utf-8",
        headers=(
            ("Cache-Control", "no-store"),
            ("Content-Security-Policy", policy),
            ("Referrer-Policy", "no-referrer"),
            ("X-Content-Type-Options", "nosniff"),
            *headers,
        ),
    )


def _choice(person: Person, label: str, *, first: bool = False, signed_in: bool = False) -> str:
    notes = ["signed in in this browser"] if signed_in else []
    notes += [person.note] if person.note else []
    note = f'<span class="note">{escape("; ".join(notes))}</span>' if notes else ""
    # Focus goes to what the visitor most probably wants; the hint says who that is.
    attributes = ' class="choice first" autofocus' if first else ' class="choice"'
    return (
        f'<button type="submit" name="person" value="{escape(person.oid)}"{attributes}>'
        f'<span class="name">{escape(label)}</span> <span class="email">{escape(person.email)}</span> {note}</button>'
    )


def sign_in_page(
    tenant: PracticeTenant, request: Request, *, hinted: Person | None, signed_in: Person | None
) -> Response:
    """Asks who signs in: the hinted person first, then everybody else."""
    client = urlsplit(request.value("redirect_uri")).netloc
    action = f"{request.path}?{urlencode((*request.query, *request.form))}"
    body = [
        "<h1>Sign in to Contoso</h1>",
        f"<p>Choose who signs in to <strong>{escape(client)}</strong>. These people are invented, "
        "so no password is asked.</p>",
    ]
    hint = request.value("login_hint")
    if hint and not hinted:
        body.append(f'<p class="notice">Nobody here is called <strong>{escape(hint)}</strong>.</p>')
    body.append(f'<form method="post" action="{escape(action)}">')
    if hinted:
        label = f"Continue as {hinted.name}"
        body.append(_choice(hinted, label, first=True, signed_in=hinted == signed_in))
    body.append(f"<h2>{'Use another account' if hinted else 'Pick an account'}</h2>")
    rest = (person for person in tenant.people if person != hinted)
    items = "".join(f"<li>{_choice(person, person.name, signed_in=person == signed_in)}</li>" for person in rest)
    body.append(f'<ul class="people">{items}</ul>')
    body.append('<button type="submit" name="cancel" value="1" class="quiet">Cancel</button></form>')
    return _page("Sign in", "\n".join(body))


def error_page(refusal: TenantRefusal) -> Response:
    """A refusal of which the application must not hear; the code is for the administrator who set it up."""
    code = f"AADSTS{refusal.code}"
    rows = (
        ("Error", code),
        ("Correlation ID", refusal.correlation_id),
        ("Trace ID", refusal.trace_id),
        ("Time", refusal.timestamp),
    )
    details = "".join(f"<div><dt>{name}</dt><dd>{escape(value)}</dd></div>" for name, value in rows)
    body = (
        "<h1>We cannot sign you in</h1>\n"
        f'<p class="notice">{code}: {escape(refusal.text)}</p>\n'
        "<p>The application that sent you here is set up differently from its registration in this tenant. "
        "Go back to it and compare the two.</p>\n"
        f"<dl>{details}</dl>"
    )
    return _page("Sign-in failed", body, attributes=f' data-error-code="{code}"', status=max(refusal.status, 400))


def form_post_page(redirect_uri: str, pairs: Iterable[tuple[str, str]], headers: Pairs) -> Response:
    """The authorization response as a form that submits itself (Form Post Response Mode)."""
    fields = "".join(f'<input type="hidden" name="{escape(name)}" value="{escape(value)}">' for name, value in pairs)
    body = (
        "<h1>One moment</h1>\n<p>You are being sent back.</p>\n"
        f'<form id="response" method="post" action="{escape(redirect_uri)}">{fields}'
        '<button type="submit" class="choice first">Continue</button></form>\n'
        '<script src="/form-post.js"></script>'
    )
    return _page("Sending you back", body, headers=headers)


def signed_out_page(person: Person | None, *, target: str, frame: str, headers: Pairs) -> Response:
    """The end of a session; the hidden frame tells the application (Front-Channel Logout section 3)."""
    who = f"{escape(person.name)} is signed out of the practice tenant." if person else "Nobody is signed in here now."
    body = f"<h1>You signed out</h1>\n<p>{who}</p>"
    if frame:
        body += f'\n<iframe hidden title="Signing out of the application" src="{escape(frame)}"></iframe>'
    if target:
        body += f'\n<p><a href="{escape(target)}">Continue</a></p>'
        # Time for the frame to load, then on. A script would do it better, and would be one more thing.
        headers = (*headers, ("Refresh", f"2; url={target}"))
    return _page("Signed out", body, headers=headers, frame=frame)


def home_page(tenant: PracticeTenant) -> Response:
    """What this server is, for whoever opens its address."""
    rows = (("IdP URL", tenant.idp_url), ("Client ID", tenant.client_id), ("Issuer", tenant.issuer))
    details = "".join(f"<div><dt>{name}</dt><dd><code>{escape(value)}</code></dd></div>" for name, value in rows)
    items = "".join(
        f'<li><span class="name">{escape(person.name)}</span> <span class="email">{escape(person.email)}</span> '
        f'<span class="note">{escape(person.note)}</span></li>'
        for person in tenant.people
    )
    body = (
        "<h1>Practice tenant</h1>\n"
        "<p>An OpenID provider that behaves like one Microsoft Entra tenant. Nothing here is real.</p>\n"
        f'<dl>{details}</dl>\n<h2>People</h2>\n<ul class="people plain">{items}</ul>'
    )
    return _page("About", body)
