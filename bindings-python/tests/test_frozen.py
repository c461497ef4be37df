"""Frozen applications: whatever the package imports by name, programs that freeze applications can see.

`frozen/test_pyinstaller.py` freezes a real one.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import komopay

SOURCES = Path(__file__).parents[1] / "src"
PACKAGE = Path(komopay.__file__).parent


def imports(file: Path) -> Iterator[str]:
    """The modules that the code of a file imports, in functions too."""
    for node in ast.walk(ast.parse(file.read_text())):
        if isinstance(node, ast.Import):
            yield from (name.name for name in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module is not None:
            yield node.module
            yield from (f"{node.module}.{name.name}" for name in node.names)


def seen() -> set[str]:
    """All that is seen from `import komopay` on."""
    found: set[str] = set()
    waiting = ["komopay"]
    while waiting:
        name = waiting.pop()
        if name in found:
            continue
        found.add(name)
        path = PACKAGE.joinpath(*name.split(".")[1:])
        file = path / "__init__.py" if path.is_dir() else path.with_suffix(".py")
        if name.split(".")[0] == "komopay" and file.exists():
            waiting += imports(file)
    return found


def test_what_is_imported_by_name_is_imported_in_code_too() -> None:
    by_name = re.compile(r"""\bimport\((?:\w+,\s*)?"([\w.]+)\"""")
    sources = [file.read_text() for file in SOURCES.glob("*.rs")]
    names = {name for source in sources for name in by_name.findall(source)}
    sure = {"komopay.errors", "komopay._provider", "logging", "decimal", "multiprocessing.util"}
    assert sure <= names, "so it finds them"
    names |= {f"komopay.{module}" for module in komopay._LAZY.values()}
    assert names <= seen(), names - seen()
