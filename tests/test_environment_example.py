"""`.env.example` lists what the settings read, and nothing else."""

import ast
import re
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
READER = re.compile(r"env(\.\w+)?|os\.environ\.get|os\.getenv")


def names_read() -> set[str]:
    """Return the names in `env.str("NAME")`, `env("NAME")`, `os.environ.get("NAME")` and `os.environ["NAME"]`."""
    names = set()
    for node in ast.walk(ast.parse((ROOT / "portal" / "settings.py").read_text())):
        if isinstance(node, ast.Call) and READER.fullmatch(ast.unparse(node.func)):
            key = node.args[0] if node.args else None
        elif isinstance(node, ast.Subscript) and ast.unparse(node.value) == "os.environ":
            key = node.slice
        else:
            continue
        if isinstance(key, ast.Constant) and isinstance(key.value, str):
            names.add(key.value)
    return names


def lines_of_example() -> list[str]:
    return re.findall(r"^(?:# )?([A-Z][A-Z_]+)=", (ROOT / ".env.example").read_text(), re.MULTILINE)


def test_the_example_lists_every_name_once() -> None:
    listed = lines_of_example()
    assert sorted(listed) == sorted(names_read())
    assert len(listed) > 10


def test_each_name_is_explained_above_its_line() -> None:
    text = (ROOT / ".env.example").read_text()
    for block in text.strip().split("\n\n"):
        assert block.startswith("# "), block


def test_the_example_holds_no_secret() -> None:
    text = (ROOT / ".env.example").read_text()
    assert re.search(r"^SECRET_KEY=$", text, re.MULTILINE) and re.search(r"^ENCRYPTION_KEYS=$", text, re.MULTILINE)
