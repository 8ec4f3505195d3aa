"""The practice tenant: an OpenID provider in the shape of one Entra tenant, for demos and tests.

It knows nothing of Gatehouse and imports none of it.
"""

from .app import wsgi_app
from .faults import Fault
from .lies import Lies, SignWith
from .log import RecordedRequest
from .people import PRACTICE_PEOPLE, Person, make_person
from .server import PracticeServer
from .tenant import PracticeTenant

__all__ = [
    "PRACTICE_PEOPLE",
    "Fault",
    "Lies",
    "Person",
    "PracticeServer",
    "PracticeTenant",
    "RecordedRequest",
    "SignWith",
    "make_person",
    "wsgi_app",
]
