"""The components of both portals: each tag checks its arguments and renders one file of templates/components/."""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import UTC, datetime
from functools import lru_cache
from typing import Any

from django import template
from django.forms import BaseForm, BoundField, CheckboxInput
from django.template import TemplateSyntaxError
from django.template.loader import render_to_string
from django.utils.formats import date_format
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.timesince import timesince
from lucide.templatetags.lucide import lucide

from portal.browsers import browser_name
from portal.charts import BarChart
from portal.templatetags import list_components, page_components, word_filters
from portal.templatetags.component_checks import TONE_ICONS
from portal.templatetags.component_checks import one_of as _one_of
from portal.templatetags.component_checks import require as _require
from portal.templatetags.component_checks import tone_of as _tone

register = template.Library()
for library in (list_components.register, page_components.register, word_filters.register):
    register.tags.update(library.tags)
    register.filters.update(library.filters)

TONE_OF_LEVEL = {"debug": "neutral", "info": "info", "success": "success", "warning": "warning", "error": "danger"}
BUTTON_VARIANTS = ("default", "primary", "quiet")


def _banner(content: object, *, tone: str, title: str, icon: str, role: str) -> dict[str, object]:
    icon = icon or TONE_ICONS[_tone("banner", tone)]
    return {"content": content, "tone": tone, "title": title, "icon": icon, "role": role}


# How icons are drawn stands in the stylesheet, once for all of a page's.
_DRAWN = ' fill="none" stroke="currentColor" stroke-width="2" stroke-linecap="round" stroke-linejoin="round"'


@register.simple_tag
def icon(name: str, *, size: int = 20, css_class: str = "icon") -> SafeString:
    """Return a decorative Lucide icon: the text beside it says what it means, so readers skip it."""
    return _icon(str(name), size, str(css_class))


@lru_cache(maxsize=512)
def _icon(name: str, size: int, css_class: str) -> SafeString:
    """Return the markup of an icon, which is always the same; drawing it costs more than the rest of a small page."""
    attributes = {"class": css_class, "aria-hidden": "true", "focusable": "false"}
    markup = str(lucide(name, size=size, **attributes)).replace(_DRAWN, "")
    return SafeString("".join(line.strip() for line in markup.splitlines()))


@register.filter
def message_tone(level_tag: str) -> str:
    """Map a level of django.contrib.messages to a tone."""
    return TONE_OF_LEVEL.get(level_tag, "info")


@register.simple_tag
def when(moment: datetime) -> SafeString:
    """Say how long ago something was, and when exactly."""
    age = timesince(moment, depth=1).replace("\xa0", " ")
    words = "just now" if age.startswith("0 ") else f"{age} ago"
    exact = date_format(moment, "j F Y, H:i")
    return format_html('{} (<time datetime="{}">{} UTC</time>)', words, moment.isoformat(), exact)


@register.filter
def initials(name: str) -> str:
    """Return the one or two letters that stand for a person."""
    words = [word for word in str(name).replace("@", " ").split() if word[0].isalnum()]
    letters = [words[0][0], words[-1][0]] if len(words) > 1 else [word[0] for word in words]
    return "".join(letters).upper() or "?"


@register.filter
def day(moment: datetime) -> SafeString:
    """Return the day of a moment (UTC) as a <time>, in one step because long lists are full of them."""
    utc = moment.astimezone(UTC)
    return SafeString(f'<time class="nowrap" datetime="{utc:%Y-%m-%d}">{utc.day} {utc:%b %Y}</time>')


@register.filter
def any_count(lines: Sequence[Any]) -> bool:
    """Say whether any line of an impact concerns anybody."""
    return any(line.count for line in lines)


register.filter("browser_name", browser_name)


# --- forms ---------------------------------------------------------------------------------------------------------


# A password field is empty on a page that comes back with an error, also where the error is in another field.
SECRET_NOT_KEPT = "Paste the secret again: it is not kept."  # noqa: S105


@register.inclusion_tag("components/field.html")
def field(bound: BoundField, *, label: str = "", hint: str = "", autofocus: bool = False) -> dict[str, Any]:
    """Render a form field: label, hint, errors and widget, linked for assistive technology."""
    if not isinstance(bound, BoundField):
        raise TemplateSyntaxError("{% field %} needs a field of a form.")
    hint_text = hint or bound.help_text
    if bound.name == "client_secret" and bound.form.errors and bound.data and not bound.errors:
        hint_text = f"{SECRET_NOT_KEPT} {hint_text}".strip()
    attrs: dict[str, str | bool] = {}
    described_by = [f"{bound.auto_id}_helptext"] if hint_text else []
    if bound.errors:
        described_by.append(f"{bound.auto_id}_error")
    if described_by and not bound.use_fieldset:
        attrs["aria-describedby"] = " ".join(described_by)
    if autofocus and not bound.form.errors:  # with errors, the summary takes the focus
        attrs["autofocus"] = True
    widget = bound.field.widget
    return {
        "field": bound,
        "label": label or bound.label,
        "hint": hint_text,
        "described_by": " ".join(described_by),
        "control": bound.as_widget(attrs=attrs),
        "is_hidden": bound.is_hidden,
        "is_checkbox": isinstance(widget, CheckboxInput),
        "is_secret": getattr(widget, "input_type", "") == "password",
    }


def _first_sentence(text: str) -> str:
    return re.split(r"(?<=[.!?])\s", text, maxsplit=1)[0]


@register.inclusion_tag("components/form_errors.html")
def form_errors(form: BaseForm, *, title: str = "") -> dict[str, Any]:
    """Render what is wrong with a form in a sentence each, with a link to the field, which has the whole text."""
    general = list(form.non_field_errors()) if form.is_bound else []
    links: list[tuple[str, str, str]] = []
    for bound in form if form.is_bound else ():
        if bound.is_hidden:
            general += [str(error) for error in bound.errors]
        else:
            target = bound.id_for_label or bound.auto_id
            links += [(target, str(bound.label), _first_sentence(str(error))) for error in bound.errors]
    return {"general": general, "links": links, "title": title}


# --- pieces of a page ----------------------------------------------------------------------------------------------


@register.inclusion_tag("components/copy_field.html")
def copy_field(label: str, value: str, *, hint: str = "", id: str = "") -> dict[str, str]:  # noqa: A002
    """Render a read-only value that people carry elsewhere, with a copy button."""
    _require("copy_field", label=label)
    slug = "".join(char if char.isalnum() else "-" for char in label.lower())
    return {"label": label, "value": value, "hint": hint, "id": id or f"copy-{slug}"}


@register.inclusion_tag("components/badge.html")
def badge(text: str, *, tone: str = "neutral", icon: str = "") -> dict[str, str]:
    """Render a status: always words and an icon, never colour alone."""
    return {"text": text, "tone": _tone("badge", tone), "icon": icon or TONE_ICONS[tone]}


@register.inclusion_tag("components/stat.html")
def stat(label: str, value: object, hint: str = "", tone: str = "neutral", *, url: str = "") -> dict[str, object]:
    """Render one number, and the whole tile as a link where it has a url; place it in a <dl class="stats">."""
    return {"label": label, "value": value, "hint": hint, "tone": _tone("stat", tone), "url": url}


@register.inclusion_tag("components/bar_chart.html")
def bar_chart(chart: BarChart, *, id: str = "chart") -> dict[str, object]:  # noqa: A002
    """Draw a chart of portal/charts.py; id must be unique on the page."""
    return {"chart": chart, "id": id}


@register.simple_tag
def avatar(name: str, *, size: str = "medium") -> SafeString:
    """Render a person's initials (decorative: the name stands beside them). Every page has some, so no file is read."""
    size = _one_of("avatar", "size", size, ("small", "medium", "large"))
    return format_html('<span class="avatar avatar-{}" aria-hidden="true">{}</span>', size, initials(name))


@register.inclusion_tag("components/breadcrumbs.html")
def breadcrumbs(*parts: str) -> dict[str, object]:
    """Render `label url label url ... label`; the last label is the page itself."""
    if len(parts) % 2 == 0:
        raise TemplateSyntaxError("{% breadcrumbs %} takes pairs of label and url, then the label of this page.")
    items = [(parts[i], parts[i + 1]) for i in range(0, len(parts) - 1, 2)]
    return {"items": [*items, (parts[-1], "")]}


# --- components that wrap a part of the page -----------------------------------------------------------------------


@register.simple_block_tag
def dialog(
    content: str,
    *,
    id: str,  # noqa: A002
    title: str,
    subtitle: str = "",
    open_on_load: bool = False,
    cancel_url: str = "",
    tone: str = "neutral",
    icon: str = "",
) -> str:
    """Wrap content in a native <dialog>; opened by the server it is an ordinary panel until JavaScript arrives."""
    _require("dialog", id=id, title=title)
    context = {
        "content": content,
        "id": id,
        "title": title,
        "subtitle": subtitle,
        "open_on_load": open_on_load,
        "cancel_url": cancel_url,
        "tone": _tone("dialog", tone),
        "icon": icon,
    }
    return render_to_string("components/dialog.html", context)


@register.simple_block_tag
def banner(content: str, *, tone: str = "info", title: str = "", icon: str = "", role: str = "") -> str:
    """Wrap content in a notice that stays on the page."""
    context = _banner(content, tone=tone, title=title, icon=icon, role=role)
    return render_to_string("components/banner.html", context)


@register.inclusion_tag("components/banner.html")
def notice(text: object, *, tone: str = "info", title: str = "", icon: str = "", role: str = "") -> dict[str, object]:
    """Render a banner that holds one plain text."""
    return _banner(text, tone=tone, title=title, icon=icon, role=role)


@register.simple_block_tag
def empty_state(content: str, icon: str, title: str, *, level: int = 2) -> str:
    """Wrap what to say and do where nothing is yet."""
    _require("empty_state", icon=icon, title=title)
    context = {"content": content, "icon": icon, "title": title, "level": level}
    return render_to_string("components/empty_state.html", context)


@register.simple_block_tag
def menu(content: str, label: str, icon: str = "", *, variant: str = "default", align: str = "end") -> str:
    """Wrap <li> entries in a drop-down menu built on <details>."""
    _require("menu", label=label)
    context = {
        "content": content,
        "label": label,
        "icon": icon,
        "variant": _one_of("menu", "variant", variant, BUTTON_VARIANTS),
        "align": _one_of("menu", "align", align, ("start", "end")),
    }
    return render_to_string("components/menu.html", context)


@register.simple_block_tag
def page_header(content: str, title: str, subtitle: str = "", *, icon: str = "") -> str:
    """Wrap the actions of a page beside its heading; content may also hold a badge."""
    _require("page_header", title=title)
    actions = content if content.strip() else ""
    context = {"content": actions, "title": title, "subtitle": subtitle, "icon": icon}
    return render_to_string("components/page_header.html", context)
