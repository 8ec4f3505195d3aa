"""The forms of the pages about files of people."""

from django import forms


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
