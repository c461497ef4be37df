"""Prints what users of the Python package see, as `Type.member`, read from its stubs and sources."""

import ast
import sys
from pathlib import Path

PACKAGE = Path(sys.argv[1])

# What is no part of it: the stand-in gateway is Python's own way to test, and batches are of servers only.
ELSEWHERE = {"Sandbox", "Batches", "RowSource", "Stop"}
# Kotlin and Swift construct these through their own syntax, Python too.
CONSTRUCTION = {"__new__", "__init__"}
# What every value and error has, as is usual in Python.
DATA = {"to_dict", "from_dict", "to_json", "from_json", "replace"}


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
    return {name for name in names - DATA if not name.startswith("_")}


def keywords(node: ast.ClassDef) -> set[str]:
    new = next(item for item in node.body if isinstance(item, ast.FunctionDef) and item.name in CONSTRUCTION)
    return {argument.arg for argument in new.args.kwonlyargs}


def show(owner: str, names: set[str]) -> None:
    for name in names:
        print(f"{owner}.{name}")


native, errors, codes = classes("_native.pyi"), classes("errors.py"), classes("codes.py")
values = {name: node for name, node in native.items() if not name.startswith("_")} | codes
values |= classes("catalogue.py") | classes("waits.py")
client, asynchronous = members(values.pop("Client")), members(classes("aio.py")["AsyncClient"])
if client != asynchronous:
    sys.exit(f"Client and AsyncClient differ: {sorted(client ^ asynchronous)}")
show("Client", client)
show("Config", keywords(native["Client"]))
show("Error", members(errors.pop("KomopayError")))
kinds = {name.removesuffix("Error") for name in errors if not name.startswith("_")}
if {kind.lower().replace("_", "") for kind in members(values["ErrorKind"])} != {kind.lower() for kind in kinds}:
    sys.exit("the error kinds and their exceptions differ")
for owner, node in values.items():
    if owner not in ELSEWHERE:
        show(owner, members(node))
