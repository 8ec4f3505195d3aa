"""The arrows of the house: portal -> idp -> users, and protocol code that knows none of them."""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
FLOORS = {"users": {"users"}, "idp": {"idp", "users"}, "portal": {"portal", "idp", "users"}}
# Django calls `ready()` once the models exist; what it imports cannot be imported earlier.
LATE_IMPORTS = {"idp/apps.py", "portal/apps.py"}


def modules(folder: str) -> list[Path]:
    return [path for path in sorted((ROOT / folder).rglob("*.py")) if "migrations" not in path.parts]


def imports(path: Path) -> Iterator[str]:
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}: a relative import"
            yield node.module or ""
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


@pytest.mark.parametrize("floor", FLOORS)
def test_nothing_imports_a_higher_floor_or_the_tests(floor: str) -> None:
    for path in modules(floor):
        ours = {name.partition(".")[0] for name in imports(path)} & {*FLOORS, "tests", "bench"}
        assert ours <= FLOORS[floor], path


def test_protocol_code_knows_errors_and_itself_only() -> None:
    for path in modules("idp/protocol"):
        for name in imports(path):
            top = name.partition(".")[0]
            assert top not in {"django", "mozilla_django_oidc", "portal", "environ"}, (path, name)
            assert top not in {"users", "idp"} or name.startswith(("users.errors", "idp.protocol")), (path, name)


def test_only_the_http_client_opens_sockets() -> None:
    openers = {"socket", "ssl", "urllib3", "http", "requests", "httpx", "urllib.request"}
    found = {str(path.relative_to(ROOT)) for path in modules("idp") if openers & set(imports(path))}
    assert found == {"idp/protocol/http.py"}


def test_imports_stand_at_the_top() -> None:
    late = set()
    for path in [path for floor in FLOORS for path in modules(floor)]:
        for node in ast.walk(ast.parse(path.read_text())):
            is_function = isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
            if is_function and any(isinstance(inner, ast.Import | ast.ImportFrom) for inner in ast.walk(node)):
                late.add(str(path.relative_to(ROOT)))
    assert late == LATE_IMPORTS


def reads_environment(node: ast.AST) -> bool:
    if isinstance(node, ast.Call):
        return ast.unparse(node.func) in {"os.environ.get", "os.getenv", "environ.Env", "Readable"}
    return (
        isinstance(node, ast.Subscript) and ast.unparse(node.value) == "os.environ" and isinstance(node.ctx, ast.Load)
    )


def test_only_the_settings_read_the_environment() -> None:
    readers = set()
    for path in [path for floor in FLOORS for path in modules(floor)]:
        if any(reads_environment(node) for node in ast.walk(ast.parse(path.read_text()))):
            readers.add(str(path.relative_to(ROOT)))
    assert readers == {"portal/settings.py"}
