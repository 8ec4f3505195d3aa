"""Forms that came too late: kept while their sender confirms who she is, then sent on.

What was typed may be a client secret that its provider shows once, so it must not be lost; and it must not lie about
either. It is encrypted, in her session, for ten minutes and for one use.
"""

import secrets
from datetime import datetime, timedelta

from django.contrib.sessions.backends.base import SessionBase
from django.http import HttpRequest, QueryDict
from django.utils import timezone

from users.fields import Secret

FIELD = "late_form"
KEPT_FOR = timedelta(minutes=10)
# More is a file, or nothing that anybody typed.
LARGEST = 64 * 1024


def keep(request: HttpRequest) -> str:
    """Keep what was posted, in the place of an older form, and return its name; "" for files and very long texts."""
    body = request.POST.urlencode()
    if request.FILES or len(body) > LARGEST:
        return ""
    name = secrets.token_urlsafe(16)
    request.session[FIELD] = {
        "name": name,
        "path": request.get_full_path(),
        "until": (timezone.now() + KEPT_FOR).isoformat(),
        "form": Secret.of(body).token,
    }
    return name


def path_of(session: SessionBase, name: str) -> str:
    """Return the address to which a kept form goes on, or "" where there is none of this name any more."""
    kept = session.get(FIELD)
    if not kept or not secrets.compare_digest(kept["name"], name.encode("ascii", "replace").decode()):
        return ""
    return str(kept["path"]) if timezone.now() < datetime.fromisoformat(kept["until"]) else ""


def take(request: HttpRequest) -> bool:
    """Put the kept form that a request names in the place of what was posted; return False where there is none.

    One that was kept under an encryption key that is gone since then is none.
    """
    if path_of(request.session, request.POST[FIELD]) != request.get_full_path():
        return False
    form = Secret(request.session.pop(FIELD)["form"].encode())
    if not form.is_readable:
        return False
    request.POST = QueryDict(form.reveal())
    return True
