"""Prints what users of the Python package see, as `Type.member`, read from its stubs and sources."""

import ast
import sys
from pathlib import Path

PACKAGE = Path(sys.argv[1])

# What is no value of a call: the stand-in gateway is Python's own way to test.
ELSEWHERE = {"Sandbox"}
# Kotlin and Swift construct these through their own syntax, Python too.
CONSTRUCTION = {"__new__", "__init__"}


def classes(file: str) -> dict[str, ast.ClassDef]:
    tree = ast.parse((PACKAGE / file).read_text(encoding="utf-8"))
    return {node.name: node for node in tree.body if isinstance(node, ast.ClassDef)}


def members(node: ast.ClassDef) -> set[str]:
    names = set()
    for item in node.body:
        if isinstance(item, ast.FunctionDef | ast.AsyncFunctionDef):
            names.add(item.name)
        elif isinstance(item, ast.AnnAssign) and isinstance(item.target, ast.Name):
            names.add(item.target.id)
    return {name for name in names if not name.startswith("_")}


def keywords(node: ast.ClassDef) -> set[str]:
    new = next(item for item in node.body if isinstance(item, ast.FunctionDef) and item.name in CONSTRUCTION)
    return {argument.arg for argument in new.args.kwonlyargs}


def show(owner: str, names: set[str]) -> None:
    for name in names:
        print(f"{owner}.{name}")


native, errors = classes("_native.pyi"), classes("errors.py")
values = {name: node for name, node in native.items() if not name.startswith("_")} | classes("catalogue.py")
client, asynchronous = members(values.pop("Client")), members(classes("aio.py")["AsyncClient"])
if client != asynchronous:
    sys.exit(f"Client and AsyncClient differ: {sorted(client ^ asynchronous)}")
show("Client", client)
show("Config", keywords(native["Client"]))
show("Error", members(errors.pop("KomopayError")))
show("ErrorKind", {name.removesuffix("Error") for name in errors})
for owner, node in values.items():
    if owner not in ELSEWHERE:
        show(owner, members(node))
