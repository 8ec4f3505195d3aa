"""The forms of a person's pages: what is known of a person, a state with its reason, a typed confirmation."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from django import forms

from users.default_states import default_state
from users.models import Source, State, User

_PLAIN = {"autocomplete": "off"}
_EXACT = {"autocomplete": "off", "spellcheck": "false"}
FIELDS = (
    "given_name",
    "family_name",
    "display_name",
    "company_email",
    "user_name",
    "title",
    "department",
    "phone_number",
    "locale",
    "external_id",
)


class PersonForm(forms.Form):
    """What an administrator writes down of a person."""

    given_name = forms.CharField(label="Given name", required=False, max_length=150, widget=forms.TextInput(_PLAIN))
    family_name = forms.CharField(label="Family name", required=False, max_length=150, widget=forms.TextInput(_PLAIN))
    display_name = forms.CharField(
        label="Display name",
        required=False,
        max_length=150,
        help_text="What lists show. Empty for given and family name.",
        widget=forms.TextInput(_PLAIN),
    )
    company_email = forms.CharField(
        label="Company email",
        max_length=254,
        help_text="What the person types to sign in.",
        widget=forms.TextInput({**_EXACT, "inputmode": "email"}),
        error_messages={"required": "Give the company email."},
    )
    user_name = forms.CharField(label="User name", max_length=64, widget=forms.TextInput(_EXACT))
    title = forms.CharField(label="Job title", required=False, max_length=150, widget=forms.TextInput(_PLAIN))
    department = forms.CharField(label="Department", required=False, max_length=150, widget=forms.TextInput(_PLAIN))
    phone_number = forms.CharField(
        label="Phone number", required=False, max_length=50, widget=forms.TextInput({**_PLAIN, "inputmode": "tel"})
    )
    locale = forms.CharField(
        label="Locale",
        required=False,
        max_length=35,
        help_text="A language tag such as en-GB.",
        widget=forms.TextInput(_EXACT),
    )
    external_id = forms.CharField(
        label="External ID",
        required=False,
        max_length=255,
        help_text="The object ID of the account at the provider, where the company email there is another one.",
        widget=forms.TextInput(_EXACT),
    )

    def values(self) -> dict[str, Any]:
        """Return the service's arguments."""
        return {name: self.cleaned_data[name] for name in FIELDS}


class AddPersonForm(PersonForm):
    """A new person, with the state to begin with."""

    state = forms.ChoiceField(
        label="State",
        choices=[
            (State.STAGED.value, "Staged: may not sign in yet"),
            (State.ACTIVE.value, "Active: may sign in at once"),
        ],
        initial=lambda: default_state(Source.MANUAL).value,
        error_messages={"required": "Choose a state."},
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["user_name"].required = False
        self.fields["user_name"].help_text = "Proposed from the company email where it is empty."

    def values(self) -> dict[str, Any]:
        """Return the service's arguments."""
        return {**super().values(), "state": State(self.cleaned_data["state"])}


class EditPersonForm(PersonForm):
    """A known person. It remembers which version it shows, so that two who edit at once do not undo each other."""

    seen = forms.DateTimeField(widget=forms.HiddenInput)

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["company_email"].help_text = (
            "What the person types to sign in from now on. A link to an account at a provider stays as it is: "
            "it does not rest on the email. Somebody who is not linked yet is found there by this address."
        )

    @classmethod
    def of(cls, person: User) -> "EditPersonForm":
        """Return the form filled with what is stored."""
        return cls(initial=initial_of(person))

    def say_who_keeps(self, keepers: Mapping[str, str]) -> None:
        """Say at fields that a provider's claims keep that what is typed here does not last.

        Args:
            keepers: the provider's name for each field.
        """
        for name, provider in keepers.items():
            text = f"Kept by {provider}: the person's next sign-in there sets it again."
            self.fields[name].help_text = f"{self.fields[name].help_text} {text}".strip()

    def values(self) -> dict[str, Any]:
        """Return the service's arguments."""
        return {**super().values(), "seen": self.cleaned_data["seen"]}


def initial_of(person: User) -> dict[str, str]:
    """Return the fields of a person as a form shows them."""
    return {"seen": stamp(person.updated_at), **{name: getattr(person, name) or "" for name in FIELDS}}


def stamp(moment: datetime) -> str:
    """Return a moment with all its digits, so that it compares equal when it comes back."""
    return moment.isoformat()


class StateForm(forms.Form):
    """Why a state is set, and when, unless now."""

    reason = forms.CharField(
        required=False,
        max_length=200,
        label="Reason",
        help_text="Shown on this person's page and in the audit log. The person does not see it.",
        widget=forms.TextInput(_PLAIN),
    )
    at = forms.DateTimeField(
        required=False,
        widget=forms.DateTimeInput({"type": "datetime-local"}, format="%Y-%m-%dT%H:%M"),
        error_messages={"invalid": "Give a date and a time, such as 2030-01-31 18:00."},
    )

    def __init__(self, data: Any = None, *, state: State, may_schedule: bool) -> None:
        super().__init__(data)
        self.fields["at"].label = "When (UTC)"
        verb = "suspended" if state == State.SUSPENDED else "activated"
        self.fields[
            "at"
        ].help_text = f"Leave it empty for now. With a date the person is {verb} by itself at that time."
        if not may_schedule:
            del self.fields["at"]


class ConfirmForm(forms.Form):
    """A name that is typed again before something is deleted."""

    confirmation = forms.CharField(max_length=254, widget=forms.TextInput(_EXACT), required=False)

    def __init__(self, data: Any = None, *, label: str) -> None:
        super().__init__(data)
        self.fields["confirmation"].label = label
