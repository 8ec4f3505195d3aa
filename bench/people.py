"""The invented people who sign in again and again, the same for every contestant."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Person:
    """Somebody at the provider and, with the same email, in every contestant's directory."""

    number: int

    @property
    def name(self) -> str:
        """The name that a landing page has to show."""
        return f"Person Number {self.number:03d}"

    @property
    def email(self) -> str:
        """The company email."""
        return f"person{self.number}@contoso.example"

    @property
    def object_id(self) -> str:
        """The lasting ID at the provider: `oid` and `sub`."""
        return f"00000000-0000-4000-8000-{self.number:012d}"

    def is_on(self, page: bytes) -> bool:
        """Return whether a page is this person's. The stock library does not keep names: there it is the email."""
        return self.name.encode() in page or self.email.encode() in page


PEOPLE = tuple(Person(number) for number in range(1, 33))
