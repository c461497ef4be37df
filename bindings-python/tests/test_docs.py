"""Every example in the documentation runs, every public item has one, and the stub tells what help() tells."""

from __future__ import annotations

import ast
import asyncio
import doctest
import inspect
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from gateway import Sandbox

import komopay
from komopay import aio, batches, catalogue, errors, testing
from komopay.batches import codes, values

CODES = {name: getattr(codes, name) for name in codes.__all__}
GLOBALS = {name: getattr(komopay, name) for name in komopay.__all__} | CODES
GLOBALS |= {"asyncio": asyncio, "timedelta": timedelta}


def public() -> Iterator[tuple[str, object]]:
    """Everything a caller can call or catch, by its name."""
    yield "komopay", komopay
    yield "komopay.catalogue", catalogue
    yield "komopay.batches", batches
    yield "komopay.batches.values", values
    yield "komopay.batches.Batches.plan", batches.Batches.plan
    for name in batches.__all__:
        yield f"komopay.batches.{name}", getattr(batches, name)
    for name in komopay.__all__:
        item = getattr(komopay, name)
        if not inspect.isclass(item):
            continue
        yield name, item
        for member in vars(item):
            if not member.startswith("_") and callable(getattr(item, member)):
                yield f"{name}.{member}", getattr(item, member)


ITEMS = dict(public())


@pytest.mark.parametrize("name", ITEMS)
def test_the_example_of(name: str, sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch) -> None:
    for variable, value in sandbox.environment.items():
        monkeypatch.setenv(variable, value)
    documentation = inspect.getdoc(ITEMS[name]) or ""
    example = doctest.DocTestParser().get_doctest(documentation, dict(GLOBALS), name, None, None)
    assert example.examples, f"{name} has no example"
    report: list[str] = []
    failed, _ = doctest.DocTestRunner(verbose=False).run(example, out=report.append)
    assert not failed, "".join(report)


ROOT = Path(__file__).parents[2]


def snippets() -> Iterator[tuple[str, dict[str, str]]]:
    """The Python of every page, by its line; of a page, the files that its snippets call themselves by."""
    readmes = [ROOT / "README.md", *ROOT.glob("*/README.md"), *ROOT.glob("*/testing/README.md")]
    for page in [*readmes, *ROOT.glob("docs/**/*.md")]:
        text = page.read_text()
        files, programs = {}, {}
        for found in re.finditer(r"^```python\n(.*?)^```", text, re.MULTILINE | re.DOTALL):
            named = re.match(r"# (\w+\.py)\n", found[1])
            if named:
                files[named[1]] = found[1]
            else:
                programs[f"{page.relative_to(ROOT)}:{text[: found.start()].count(chr(10)) + 1}"] = found[1]
        for place, program in programs.items():
            yield place, {**files, "snippet.py": program}
        # Those that are read by nobody else: pytest runs the tests, and so what these import.
        if any(name.startswith("test_") for name in files):
            yield f"{page.relative_to(ROOT)}, tests", files


SNIPPETS = dict(snippets())


@pytest.mark.parametrize("place", SNIPPETS)
def test_the_snippet_runs_as_it_stands(place: str, folder: Path) -> None:
    files = SNIPPETS[place]
    for name, text in files.items():
        (folder / name).write_text(text)
    # The gateway that is meant stands on this machine, and knows the credentials that are shown.
    (folder / "sitecustomize.py").write_text(
        "import komopay, os\nkomopay.SANDBOX_URL = os.environ['KOMOPAY_BASE_URL']\n"
    )
    shown = re.search(r'merchant_code="(.*?)", secret="(.*?)"', files.get("snippet.py", ""))
    code, secret = shown.groups() if shown else (None, None)
    program = ["snippet.py"] if "snippet.py" in files else ["-m", "pytest", "-p", "no:cacheprovider", "."]
    with testing.Sandbox(merchant_code=code, secret=secret) as gateway:
        environment = {**os.environ, **gateway.environment}
        environment |= {"KOMOPAY_CALLBACK_KEYS": "k" * 32, "PYTHONPATH": str(folder)}
        run = subprocess.run(
            [sys.executable, *program], cwd=folder, env=environment, capture_output=True, text=True, timeout=60
        )
        assert run.returncode == 0, run.stdout + run.stderr


def test_the_snippets_are_found() -> None:
    assert {"README.md, tests", "bindings-python/README.md, tests"} <= set(SNIPPETS)
    assert any(name.startswith("README.md:") for name in SNIPPETS)


def stub() -> Iterator[tuple[str, str | None]]:
    """The documentation in the stub, by the name of the item."""
    tree = ast.parse((Path(komopay.__file__).parent / "_native.pyi").read_text())
    for node in tree.body:
        if isinstance(node, ast.ClassDef) and node.name in komopay.__all__:
            yield node.name, ast.get_docstring(node)
            for member in node.body:
                if isinstance(member, ast.FunctionDef) and not member.name.startswith("_"):
                    yield f"{node.name}.{member.name}", ast.get_docstring(member)


STUB = dict(stub())


@pytest.mark.parametrize("name", STUB)
def test_the_stub_tells_what_help_tells_of(name: str) -> None:
    item: object = komopay
    for part in name.split("."):
        item = getattr(item, part)
    assert STUB[name] == inspect.getdoc(item)


def test_both_clients_have_the_same_methods_with_the_same_parameters() -> None:
    names = {name for name in vars(komopay.Client) if not name.startswith("_")}
    assert names == {name for name in vars(aio.AsyncClient) if not name.startswith("_")}
    for name in names - {"from_env", "settings"}:
        assert parameters(komopay.Client, name) == parameters(aio.AsyncClient, name)


def parameters(client: type, method: str) -> list[tuple[str, object, object]]:
    _, *all_but_self = inspect.signature(getattr(client, method)).parameters.values()
    return [(each.name, each.kind, each.default) for each in all_but_self]


def test_every_error_says_what_it_means() -> None:
    for name in errors.__all__:
        assert inspect.getdoc(getattr(errors, name)), name
