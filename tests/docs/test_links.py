"""Links of README, CHANGELOG and docs lead somewhere."""

from pathlib import Path
from urllib.parse import unquote

import pytest

from tests.docs.reading import DOCUMENTS, NAMES, ROOT, anchor, anchors, links


def broken(path: Path) -> list[str]:
    """Return the links of a page that lead to no file, or to no heading of it."""
    found = []
    for number, target in links(path.read_text()):
        if "://" in target or target.startswith("mailto:"):
            continue
        name, _, heading = unquote(target).partition("#")
        file = (path.parent / name).resolve() if name else path
        is_there = file == path or (file.exists() and file.is_relative_to(ROOT))
        if not is_there or (heading and heading not in anchors(file.read_text())):
            found.append(f"line {number}: {target}")
    return found


@pytest.mark.parametrize("path", DOCUMENTS, ids=NAMES)
def test_a_link_leads_somewhere(path: Path) -> None:
    assert broken(path) == []


def test_every_page_of_the_docs_is_in_their_index() -> None:
    index = ROOT / "docs" / "README.md"
    named = {(index.parent / target.partition("#")[0]).resolve() for _, target in links(index.read_text())}
    pages = {path for path in DOCUMENTS if path.is_relative_to(ROOT / "docs")}
    assert sorted(pages - named - {index}) == []


def test_a_broken_link_is_noticed(tmp_path: Path) -> None:
    page = ROOT / "docs" / "README.md"
    assert page in DOCUMENTS and len(DOCUMENTS) > 8
    text = "# One\n\n## Two *words*, `x_y`\n\n[a](nowhere.md) [b](#one) [c](#two-words-x_y)\n\n    [d](code.md)\n"
    assert anchors(text) == {"one", "two-words-x_y"}
    assert [target for _, target in links(text)] == ["nowhere.md", "#one", "#two-words-x_y"]
    sample = tmp_path / "sample.md"
    sample.write_text(text)
    # The sample itself lies outside of the project; links into itself count all the same.
    assert broken(sample) == ["line 5: nowhere.md"]
    assert anchor("Locked out?") == "locked-out"
