"""Writes the defaults of the package, as it is installed, into its stub: the generator shows each as `...`."""

import ast
import inspect
import sys
from pathlib import Path

import komopay._native

file = Path(sys.argv[1])
text = file.read_bytes()
starts = [0]
for line in text.splitlines(keepends=True):
    starts.append(starts[-1] + len(line))
found = []


def look(body: list[ast.stmt], owner: object) -> None:
    for stated in body:
        if isinstance(stated, ast.ClassDef):
            look(stated.body, getattr(owner, stated.name))
        elif isinstance(stated, ast.FunctionDef):
            own = stated.args
            positional = [*own.posonlyargs, *own.args]
            defaults = [*zip(reversed(positional), reversed(own.defaults)), *zip(own.kwonlyargs, own.kw_defaults)]
            for parameter, default in defaults:
                if isinstance(default, ast.Constant) and default.value is ...:
                    function = owner if stated.name == "__new__" else getattr(owner, stated.name)
                    value = inspect.signature(function).parameters[parameter.arg].default
                    if value is inspect.Parameter.empty:
                        sys.exit(f"{stated.name} does not tell its default of {parameter.arg}: text_signature does")
                    found.append((starts[default.lineno - 1] + default.col_offset, value))


look(ast.parse(text).body, komopay._native)
for at, value in sorted(found, reverse=True):
    shown = f'"{value}"' if isinstance(value, str) else repr(value)
    text = text[:at] + shown.encode() + text[at + len("...") :]
file.write_bytes(text)
