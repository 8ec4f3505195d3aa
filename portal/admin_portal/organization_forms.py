"""The forms of SETTINGS > Organization, one for each section of the page."""

from typing import Any

from django import forms
from django.core.files.uploadedfile import UploadedFile

from users.default_states import COLUMNS
from users.logo import MAX_BYTES
from users.models import Source, State
from users.organization_profile import NAME_LENGTH, NOTE_LENGTH, URL_LENGTH

_PLAIN = {"autocomplete": "off", "spellcheck": "false"}


class NameForm(forms.Form):
    """What the company is called."""

    name = forms.CharField(
        label="Name of the company",
        required=False,
        max_length=NAME_LENGTH,
        help_text="People see it where they sign in (“Sign in to …”), in the titles of their pages, and as the sender "
        "of mails. Leave it empty to show Gatehouse alone.",
        widget=forms.TextInput(attrs={"autocomplete": "organization"}),
        error_messages={"max_length": f"Use at most {NAME_LENGTH} characters."},
    )


class LogoForm(forms.Form):
    """A picture. What is in it is checked by the service, whatever the file is called."""

    logo = forms.FileField(
        label="Picture",
        help_text="A PNG, JPEG or WebP file of at most 2 MB and 4,000 x 4,000 pixels. It is drawn anew, at most "
        "160 x 48 pixels large, on a white plate: choose the version for light backgrounds.",
        widget=forms.FileInput(attrs={"accept": "image/png,image/jpeg,image/webp"}),
        error_messages={"required": "Choose a file first.", "empty": "There is no picture in that file."},
    )

    def data_of(self) -> bytes:
        """Return the file, or as much of it as shows that it is too large."""
        upload: UploadedFile[Any] = self.cleaned_data["logo"]
        data: bytes = upload.read(MAX_BYTES + 1)
        return data


class SupportForm(forms.Form):
    """Whom people ask for help. The service says what can be used."""

    support_note = forms.CharField(
        label="What to say",
        required=False,
        max_length=NOTE_LENGTH,
        help_text="A sentence such as “Ask the IT desk, extension 4711.”",
        widget=forms.TextInput(attrs={"autocomplete": "off"}),
        error_messages={"max_length": f"Use at most {NOTE_LENGTH} characters."},
    )
    support_email = forms.CharField(
        label="Email",
        required=False,
        max_length=254,
        help_text="The reference number of an error is put into the subject of the mail.",
        widget=forms.EmailInput(attrs=_PLAIN),
    )
    support_phone = forms.CharField(
        label="Phone", required=False, max_length=50, widget=forms.TextInput(attrs={**_PLAIN, "type": "tel"})
    )
    support_url = forms.CharField(
        label="Web page",
        required=False,
        max_length=URL_LENGTH,
        help_text="An address that begins with https://.",
        widget=forms.URLInput(attrs=_PLAIN),
    )

    def values(self) -> dict[str, str]:
        """Return the service's arguments."""
        return {name.removeprefix("support_"): value for name, value in self.cleaned_data.items()}


_CHOICES = [
    (State.STAGED.value, "Staged: may not sign in yet"),
    (State.ACTIVE.value, "Active: may sign in at once"),
]


def _state(label: str, help_text: str) -> forms.ChoiceField:
    return forms.ChoiceField(
        label=label,
        choices=_CHOICES,
        help_text=help_text,
        error_messages={"required": "Choose one of the two.", "invalid_choice": "Choose one of the two."},
    )


class DefaultStatesForm(forms.Form):
    """In which state new people begin, for each source that adds people."""

    default_state_manual = _state(
        "People whom an administrator adds", "Chosen beforehand in the form, and used by “manage.py users add”."
    )
    default_state_import = _state("People from a CSV import", "Where the file has no state of its own.")

    def values(self) -> dict[Source, State]:
        """Return the service's argument."""
        return {source: State(self.cleaned_data[column]) for source, column in COLUMNS.items()}
