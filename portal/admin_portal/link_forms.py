"""The forms of the pages about links: who is meant, which account, and many of both as lines."""

from typing import Any

from django import forms

from idp.link_queries import SORTS

LINES_MAX_LENGTH = 1_000_000


class LinkFilterForm(forms.Form):
    """Search and order of the list of links."""

    search = forms.CharField(
        required=False,
        max_length=255,
        label="Email, user name or object ID",
        widget=forms.TextInput(attrs={"autocomplete": "off", "spellcheck": "false"}),
    )
    sort = forms.ChoiceField(required=False, label="Order", choices=list(SORTS.items()))


class PersonForm(forms.Form):
    """Who is meant."""

    person = forms.CharField(
        label="Person",
        max_length=254,
        help_text="Company email, user name or ID; the beginning of one is enough to choose from.",
        widget=forms.TextInput(attrs={"autocomplete": "off", "spellcheck": "false"}),
        error_messages={"required": "Say whom you mean."},
    )


class PreLinkForm(PersonForm):
    """Who is meant, and which account."""

    object_id = forms.CharField(
        max_length=400,
        widget=forms.TextInput(attrs={"autocomplete": "off", "spellcheck": "false"}),
        error_messages={"required": "Paste the ID of the account."},
    )

    def __init__(self, data: Any = None, *, entra: bool) -> None:
        super().__init__(data)
        field = self.fields["object_id"]
        field.label = "Object ID" if entra else "Subject (sub)"
        field.help_text = (
            "In Entra under Users, open the person and copy Object ID."
            if entra
            else "What the provider calls the account in its tokens: capital letters count."
        )


class MapForm(forms.Form):
    """Lines of old and new accounts."""

    lines = forms.CharField(
        label="Lines",
        max_length=LINES_MAX_LENGTH,
        strip=False,
        widget=forms.Textarea(attrs={"rows": 10, "spellcheck": "false", "class": "mono"}),
        help_text="One line for each person: old object ID and new one, or company email and new object ID, "
        "separated by a comma.",
        error_messages={"required": "Paste at least one line."},
    )
