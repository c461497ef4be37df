"""Each block of code in a README or on a page of the site is read by something: Python is run as it stands."""

from __future__ import annotations

import ast
import json
import os
import re
import subprocess
import sys
import textwrap
import xml.etree.ElementTree
from collections.abc import Callable, Iterator
from configparser import ConfigParser
from pathlib import Path
from typing import NamedTuple

import pytest
from programs import EXAMPLES

from komopay import testing

ROOT = Path(__file__).parents[2]
TAKEN_IN = re.compile(r'--8<-- "(?P<path>.*?)(?::(?P<part>\w+))?"')
RUN = ("bindings-python/examples/", "bindings-kotlin/examples/", "bindings-swift/Examples/")
"""Where the programs are that pages take in: each is run by a test, or by a part of `cargo xtask test`."""


class Block(NamedTuple):
    """A block of code, without the blanks that it is moved in by."""

    page: Path
    line: int
    language: str
    text: str

    @property
    def place(self) -> str:
        return f"{self.page.relative_to(ROOT)}:{self.line}"

    @property
    def taken_in(self) -> re.Match[str] | None:
        """What stands in it instead of code: the name of a file."""
        return TAKEN_IN.fullmatch(self.text.strip())


def blocks() -> Iterator[Block]:
    readmes = [ROOT / "README.md", *ROOT.glob("*/README.md"), *ROOT.glob("*/testing/README.md")]
    for page in [*readmes, ROOT / "CONTRIBUTING.md", ROOT / "SECURITY.md", *ROOT.glob("docs/**/*.md")]:
        text = page.read_text()
        for found in re.finditer(r"^( *)```(\w*)[^\n]*\n(.*?)^\1```$", text, re.MULTILINE | re.DOTALL):
            line = text[: found.start()].count("\n") + 1
            yield Block(page, line, found[2], textwrap.dedent(found[3]))


BLOCKS = {block.place: block for block in blocks()}


def programs() -> Iterator[tuple[str, dict[str, str]]]:
    """The Python of every page, by its place; of a page, the files that its blocks call themselves by."""
    for page in sorted({block.page for block in BLOCKS.values()}):
        shown = [block for block in BLOCKS.values() if (block.page, block.language) == (page, "python")]
        files = {named[1]: block.text for block in shown if (named := re.match(r"# (\w+\.py)\n", block.text))}
        for block in shown:
            if block.text not in files.values() and not block.taken_in:
                yield block.place, {**files, "snippet.py": block.text}


PROGRAMS = dict(programs())


@pytest.mark.parametrize("place", PROGRAMS)
def test_the_program_runs_as_it_stands(place: str, folder: Path) -> None:
    files = PROGRAMS[place]
    for name, text in files.items():
        (folder / name).write_text(text)
    # The gateway that is meant stands on this machine, and knows the credentials that are shown.
    (folder / "sitecustomize.py").write_text(
        "import komopay, os\nkomopay.SANDBOX_URL = os.environ['KOMOPAY_BASE_URL']\n"
    )
    shown = re.search(r'merchant_code="(.*?)", secret="(.*?)"', files["snippet.py"])
    code, secret = shown.groups() if shown else (None, None)
    with testing.Sandbox(merchant_code=code, secret=secret) as gateway:
        environment = {**os.environ, **gateway.environment}
        environment |= {"KOMOPAY_CALLBACK_KEYS": "k" * 32, "PYTHONPATH": str(folder)}
        run = subprocess.run(
            [sys.executable, "snippet.py"], cwd=folder, env=environment, capture_output=True, text=True, timeout=60
        )
        assert run.returncode == 0, run.stdout + run.stderr


def commands(text: str) -> None:
    """What is typed is a command of the shell."""
    typed = "\n".join(re.findall(r"^\$ ((?:.*\\\n)*.*)", text, re.MULTILINE))
    assert typed, "shows no command"
    run = subprocess.run(["bash", "-n"], input=typed, capture_output=True, text=True)
    assert run.returncode == 0, run.stderr
    for task in re.findall(r"cargo xtask (\w+)", typed):
        assert re.search(rf"^    {task.capitalize()}\b", (ROOT / "xtask/src/main.rs").read_text(), re.MULTILINE), task


def properties(text: str) -> None:
    ConfigParser(interpolation=None).read_string("[all]\n" + text)


def an_excerpt(_: str) -> None:
    """A part of something: what is read by people only."""


READ: dict[str, Callable[[str], object]] = {
    "console": commands,
    "json": json.loads,
    "xml": xml.etree.ElementTree.fromstring,
    "properties": properties,
    # A part of a program, with `await` where there is none around it.
    "py": lambda text: compile(text, "shown", "exec", ast.PyCF_ALLOW_TOP_LEVEL_AWAIT),
    # Those of `settings.py` and of a trace: test_django.py and test_telemetry.py make the same.
    "text": an_excerpt,
    # Rights and the guard: test_changes.py and tests/tests/batches try them.
    "sql": an_excerpt,
}
ELSEWHERE = {
    "python": "above",
    "rust": "tests/build.rs",
    "kotlin": "xtask/src/kotlin.rs",
    "java": "xtask/src/kotlin.rs",
    "swift": "xtask/src/swift.rs",
    "mermaid": "xtask/src/layers.rs",
}


@pytest.mark.parametrize("place", BLOCKS)
def test_the_block_is_read_by_something(place: str) -> None:
    block = BLOCKS[place]
    taken_in = block.taken_in
    if taken_in is not None:
        assert taken_in["path"].startswith(RUN), "that file is run by nothing"
        text = (ROOT / taken_in["path"]).read_text()
        assert not taken_in["part"] or f"--8<-- [start:{taken_in['part']}]" in text
        return
    assert block.language in {*READ, *ELSEWHERE}, "nothing reads this language"
    READ.get(block.language, an_excerpt)(block.text)


def test_every_example_is_on_a_page_or_in_the_list_of_examples() -> None:
    pages = "".join(page.read_text() for page in ROOT.glob("docs/*.md"))
    for example in (*EXAMPLES.glob("*.py"), *EXAMPLES.glob("salary/*.py")):
        assert str(example.relative_to(ROOT)) in pages, example.name


def test_the_programs_are_found() -> None:
    pages = {place.rpartition(":")[0] for place in PROGRAMS}
    assert {"README.md", "bindings-python/README.md", "docs/callbacks-python.md", "docs/data.md"} <= pages
