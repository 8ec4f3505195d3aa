"""The two portals, for pages that both of them have: which names, templates and words each of them uses."""

from dataclasses import dataclass

from users.models import Realm


@dataclass(frozen=True)
class Face:
    """One portal.

    Attributes:
        realm: which sessions it takes.
        namespace: of its URL names.
        label: what it is called.
        base: the template of its signed-in pages.
        css: the class of its signed-out pages.
    """

    realm: Realm
    namespace: str
    label: str
    base: str
    css: str

    @property
    def home(self) -> str:
        """The URL name of its first page."""
        return f"{self.namespace}:home"

    def name(self, page: str) -> str:
        """Return the full URL name of one of its pages."""
        return f"{self.namespace}:{page}"


ADMIN = Face(Realm.ADMIN, "admin_portal", "Admin Portal", "admin_portal/base.html", "admin")
USER = Face(Realm.USER, "user_portal", "User Portal", "user_portal/base.html", "user")
FACES = {face.realm: face for face in (ADMIN, USER)}
