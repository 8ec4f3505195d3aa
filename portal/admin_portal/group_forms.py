"""The forms of the pages of groups."""

from typing import Any

from django import forms

from users.group_list import SORTS
from users.groups import DESCRIPTION_MAX_LENGTH, NAME_MAX_LENGTH
from users.models import Group

# Four bytes each at most, which DATA_UPLOAD_MAX_MEMORY_SIZE lets through.
PASTE_MAX_LENGTH = 500_000
_SEARCH = {"type": "search", "autocomplete": "off", "spellcheck": "false"}
_ORDERS = dict(zip(SORTS, ("Name, A to Z", "Name, Z to A", "Oldest first", "Newest first"), strict=True))


class GroupFilterForm(forms.Form):
    """Search and order of the list of groups."""

    search = forms.CharField(
        required=False, max_length=NAME_MAX_LENGTH, label="Part of the name", widget=forms.TextInput(_SEARCH)
    )
    sort = forms.ChoiceField(required=False, label="Order", choices=list(_ORDERS.items()))


class GroupForm(forms.Form):
    """A group. For one that there is it remembers which version it shows."""

    name = forms.CharField(
        label="Name",
        max_length=NAME_MAX_LENGTH,
        widget=forms.TextInput({"autocomplete": "off"}),
        error_messages={"required": "Give the group a name."},
    )
    description = forms.CharField(
        label="Description",
        required=False,
        max_length=DESCRIPTION_MAX_LENGTH,
        help_text="Who belongs to it and why, for the administrators who come after you.",
        widget=forms.Textarea({"rows": 3}),
    )
    seen = forms.DateTimeField(required=False, widget=forms.HiddenInput)

    @classmethod
    def of(cls, group: Group) -> "GroupForm":
        """Return the form filled with what is stored."""
        values = {"name": group.name, "description": group.description, "seen": group.updated_at.isoformat()}
        return cls(initial=values)


class MemberSearchForm(forms.Form):
    """Who is looked for, among members or among everybody."""

    search = forms.CharField(
        required=False, max_length=255, label="Name, email or user name", widget=forms.TextInput(_SEARCH)
    )


class PasteForm(forms.Form):
    """Company emails in any of the forms in which people have them."""

    emails = forms.CharField(
        label="Company emails",
        strip=False,
        # One more than is taken: browsers cut a longer text off at this length, and what was cut must be refused.
        widget=forms.Textarea(
            {"rows": 8, "spellcheck": "false", "class": "mono", "maxlength": str(PASTE_MAX_LENGTH + 1)}
        ),
        help_text="One on each line, or with commas or semicolons between them. “Name <email>” works too. "
        f"At most {PASTE_MAX_LENGTH:,} characters at once, which are some 15,000 emails.",
        error_messages={
            "required": "Paste at least one email.",
            "too_long": f"This is longer than {PASTE_MAX_LENGTH:,} characters, and its end may be missing, so nobody "
            "was added. Paste it in parts, or give the whole list to manage.py groups add-members.",
        },
    )

    def clean_emails(self) -> str:
        """Refuse a box with nothing but white space, and one that is too full; a line break counts once, as there."""
        text: str = self.cleaned_data["emails"].replace("\r\n", "\n")
        if not text.strip():
            raise forms.ValidationError(self.fields["emails"].error_messages["required"], code="required")
        if len(text) > PASTE_MAX_LENGTH:
            raise forms.ValidationError(self.fields["emails"].error_messages["too_long"], code="too_long")
        return text

    @classmethod
    def holding(cls, lines: Any) -> "PasteForm":
        """Return the form with what is left to look at."""
        return cls(initial={"emails": "\n".join(lines)})
