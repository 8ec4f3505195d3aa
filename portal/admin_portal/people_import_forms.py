"""The forms of the pages about files of people."""

from django import forms

from users.models import AdminRole, State
from users.people_list import ANY_ROLE, LINKED, NEVER, NO_ROLE, UNLINKED


class UploadForm(forms.Form):
    """A file."""

    file = forms.FileField(
        label="CSV file",
        max_length=255,
        help_text="UTF-8, with a first row that names the columns.",
        widget=forms.FileInput(attrs={"accept": ".csv,text/csv,text/plain,.tsv"}),
        error_messages={
            "required": "Choose a file.",
            "empty": "This file is empty. The first row names the columns; each further row is a person.",
            "max_length": "The name of this file is too long. Rename it.",
        },
    )


class ExportFilterForm(forms.Form):
    """Whom an export is about: the filters of the list of people."""

    search = forms.CharField(required=False, max_length=255)
    state = forms.ChoiceField(required=False, choices=[("", ""), *State.choices])
    role = forms.ChoiceField(required=False, choices=[(v, v) for v in ("", ANY_ROLE, NO_ROLE, *AdminRole.values)])
    sign_in = forms.ChoiceField(required=False, choices=[(v, v) for v in ("", LINKED, UNLINKED, NEVER)])
    group = forms.UUIDField(required=False)
