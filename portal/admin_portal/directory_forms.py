"""The forms of INSIGHTS > Directory."""

from datetime import UTC, datetime
from typing import Any

from django import forms

from users.audit_export import ExportFormat
from users.audit_filter import OUTCOMES, RANGES, AuditFilter, moment, normal_address

_NO_HELP = {"autocomplete": "off", "spellcheck": "false"}


class MomentField(forms.CharField):
    """A moment in UTC, as the browser's own picker and as a link of ours write it."""

    widget = forms.DateTimeInput(attrs={"type": "datetime-local", "step": "1"}, format="%Y-%m-%dT%H:%M:%S")

    def to_python(self, value: Any) -> Any:
        """Return the moment, or None where nothing is given."""
        text = super().to_python(value)
        if not text:
            return None
        try:
            return moment(text)
        except (ValueError, OverflowError) as error:
            raise forms.ValidationError("Use a date and time such as 2026-11-24 09:30.") from error

    def prepare_value(self, value: Any) -> Any:
        """Show a moment of a link as the picker needs it: it knows no time zones."""
        try:
            given = value if isinstance(value, datetime) else moment(value or "")
        except (ValueError, OverflowError):
            return value
        return given.astimezone(UTC).replace(tzinfo=None)


class DirectoryFilterForm(forms.Form):
    """The filters of the audit log. `last` comes from the quick links, and yields to `since` and `until`."""

    last = forms.ChoiceField(required=False, choices=[(name, name) for name in RANGES], widget=forms.HiddenInput)
    since = MomentField(required=False, label="From (UTC)")
    until = MomentField(required=False, label="To (UTC)")
    action = forms.CharField(
        required=False, max_length=64, label="Action", widget=forms.TextInput(attrs={"list": "actions", **_NO_HELP})
    )
    outcome = forms.ChoiceField(required=False, label="Outcome", choices=[("", "Any"), *OUTCOMES.items()])
    person = forms.CharField(required=False, max_length=254, label="Person")
    actor = forms.CharField(required=False, max_length=254, label="Administrator")
    address = forms.CharField(
        required=False, max_length=64, label="Address or network", widget=forms.TextInput(attrs=_NO_HELP)
    )
    code = forms.CharField(
        required=False, max_length=64, label="Code of a refusal", widget=forms.TextInput(attrs=_NO_HELP)
    )
    reference = forms.CharField(required=False, max_length=32, label="Reference number")

    def clean_address(self) -> str:
        """Return the address or network in normal form."""
        text: str = self.cleaned_data["address"]
        if text and normal_address(text) is None:
            raise forms.ValidationError("Use an address such as 203.0.113.7, or a network such as 203.0.113.0/24.")
        return normal_address(text) or ""

    def clean(self) -> dict[str, Any]:
        """Compare the two ends of the range."""
        cleaned: dict[str, Any] = super().clean() or self.cleaned_data
        since, until = cleaned.get("since"), cleaned.get("until")
        if since and until and since >= until:
            self.add_error("until", "This must be later than From.")
        return cleaned

    def wanted(self) -> AuditFilter:
        """Return the filter; everything where the form has errors."""
        return AuditFilter.of(self.cleaned_data) if self.is_valid() else AuditFilter()


class SaveFilterForm(forms.Form):
    """The name under which the filter at hand is kept."""

    name = forms.CharField(
        max_length=80,
        label="Name",
        widget=forms.TextInput(attrs={"autocomplete": "off"}),
        error_messages={"required": "Give the filter a name."},
    )
    is_shared = forms.BooleanField(required=False, label="Show it to all administrators")


class ExportForm(forms.Form):
    """The format of a file."""

    format = forms.ChoiceField(choices=[(form.value, form.name) for form in ExportFormat])
