"""Components of single pages: tabs, progress, facts with an act, danger zone, code list, QR box.

`ui` takes these tags over, so that a template loads `ui` alone.
"""

from __future__ import annotations

from collections.abc import Sequence

from django import template
from django.template import TemplateSyntaxError
from django.template.loader import render_to_string
from django.utils.html import format_html
from django.utils.safestring import SafeString

from portal.templatetags.component_checks import id_of, pairs_of, require

register = template.Library()


@register.inclusion_tag("components/tabs.html")
def tabs(label: str, *parts: str, current: str) -> dict[str, object]:
    """Render the pages of one thing as plain links: its name, then `label url label url ...`; `current` is a label."""
    require("tabs", label=label)
    items = pairs_of("tabs", parts)
    if current not in [words for words, _ in items]:
        raise TemplateSyntaxError(f"{{% tabs %}}: current must be one of its labels, not {current!r}.")
    return {"label": label, "items": items, "current": current}


@register.inclusion_tag("components/progress.html")
def progress(
    value: int | None, maximum: int | None, label: str, *, text: str = "", poll_url: str = ""
) -> dict[str, object]:
    """Render how far work is; without a value or a maximum, that it goes on.

    Args:
        value: what is done, from 0 to maximum.
        maximum: all there is to do.
        label: what is being done: "Importing people.csv".
        text: how far it is, in words; made of the numbers where it is empty.
        poll_url: an address of JSON from which the page updates itself: `value` and `maximum` (numbers or null),
            `text`, and at the end `url`, the page to go on to. Such a page also holds `refresh_without_scripts`.
    """
    require("progress", label=label)
    known = value is not None and bool(maximum)
    done = min(max(int(value or 0), 0), int(maximum or 0))
    words = text or (f"{done:,} of {int(maximum or 0):,}" if known else "")
    context = {"value": done, "maximum": int(maximum or 0), "known": known, "label": label, "text": words}
    return {**context, "poll_url": poll_url, "id": f"progress-{id_of(label)}"}


@register.simple_tag
def refresh_without_scripts(seconds: int = 3) -> SafeString:
    """Load a page anew while work goes on, where no script does it; it belongs into the block `head`."""
    if int(seconds) < 1:
        raise TemplateSyntaxError("{% refresh_without_scripts %} takes at least one second.")
    return format_html('<noscript><meta http-equiv="refresh" content="{}"></noscript>', int(seconds))


@register.simple_block_tag
def fact(content: str, label: str, *, action_url: str = "", action: str = "Change") -> str:
    """Wrap the value of one fact, with a link beside it that changes it; place it in a <dl class="details">."""
    require("fact", label=label, action=action)
    context = {"content": content, "label": label, "action_url": action_url, "action": action}
    return render_to_string("components/fact.html", context)


@register.simple_block_tag
def danger_zone(content: str, title: str, text: str) -> str:
    """Wrap the acts at the bottom of a page that nobody can take back: what they do stands in the text."""
    require("danger_zone", title=title, text=text)
    context = {"content": content, "title": title, "text": text, "id": id_of(title)}
    return render_to_string("components/danger_zone.html", context)


@register.inclusion_tag("components/code_list.html")
def code_list(label: str, codes: Sequence[str], *, file: str = "") -> dict[str, object]:
    """Render codes that a person keeps, with buttons that copy and print them, and one that downloads the file."""
    require("code_list", label=label, codes=codes)
    if isinstance(codes, str):
        raise TemplateSyntaxError("{% code_list %} takes a list of codes, not one text.")
    return {"label": label, "codes": codes, "id": f"codes-{id_of(label)}", "file": file}


@register.inclusion_tag("components/qr_box.html")
def qr_box(svg: SafeString, label: str) -> dict[str, object]:
    """Render a QR code, dark on white in every colour scheme; beside it stands the same in letters."""
    require("qr_box", svg=svg, label=label)
    if not isinstance(svg, SafeString):
        raise TemplateSyntaxError("{% qr_box %} takes the markup of an <svg>, marked safe by who drew it.")
    return {"svg": svg, "label": label}
