"""What the site does to the pages: links into the repository lead there, and graphs are drawn while it is built."""

from __future__ import annotations

import posixpath
import re
from collections.abc import MutableMapping
from pathlib import Path
from typing import Any
from xml.sax.saxutils import escape

from grandalf.graphs import Edge, Graph, Vertex
from grandalf.layouts import SugiyamaLayout

ROOT = Path(__file__).parents[2]
FENCE = re.compile(r"^( *)(```+).*?^\1\2 *$", re.MULTILINE | re.DOTALL)
LINK = re.compile(r"(\]\()([^)\s]+)(?=[)\s])")


def repository() -> str:
    """Where the sources are: what Cargo.toml says."""
    found = re.search(r'^repository = "(.*)"$', (ROOT / "Cargo.toml").read_text(), re.MULTILINE)
    assert found, "Cargo.toml names no repository"
    return found[1]


def on_config(config: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    """Told here and not as `repo_url`, with which each reader's browser would ask GitHub for numbers of stars."""
    config["extra"]["social"] = [{"icon": "fontawesome/brands/github", "link": repository(), "name": "The repository"}]
    # A new decision is in the menu by itself.
    design = next(entry["Design"] for entry in config["nav"] if "Design" in entry)
    decisions = next(entry["Decisions"] for entry in design if "Decisions" in entry)
    decisions.extend(f"adr/{file.name}" for file in sorted((ROOT / "docs/adr").glob("0*.md")))
    graph = {"name": "mermaid", "class": "mermaid", "format": draw}
    config["mdx_configs"].setdefault("pymdownx.superfences", {})["custom_fences"] = [graph]
    config["mdx_configs"]["pymdownx.snippets"]["base_path"] = [str(ROOT)]
    return config


def on_page_markdown(markdown: str, page: Any, **_: object) -> str:
    """A link that leads out of docs/ in a checkout leads to the same file on the repository's own pages."""
    folder = posixpath.dirname("docs/" + page.file.src_uri)

    def lead(found: re.Match[str]) -> str:
        target, hash_, anchor = found[2].partition("#")
        path = posixpath.normpath(posixpath.join(folder, target))
        if ":" in target or not target or path.startswith("docs/"):
            return found[0]
        kind = "tree" if (ROOT / path).is_dir() else "blob"
        return f"{found[1]}{repository()}/{kind}/main/{path}{hash_}{anchor}"

    written, end = [], 0
    for fence in FENCE.finditer(markdown):
        written += [LINK.sub(lead, markdown[end : fence.start()]), fence[0]]
        end = fence.end()
    return "".join([*written, LINK.sub(lead, markdown[end:])])


class Box:
    """How large the name of a room is drawn, and where."""

    def __init__(self, name: str) -> None:
        self.w, self.h = 8 * len(name) + 16, 26
        self.xy = (0.0, 0.0)


def draw(source: str, *_: object, **__: object) -> str:
    """A graph of Mermaid's form, `a --> b` on each line, as a picture that needs no script."""
    arrows = re.findall(r"^\s*(\S+) --> (\S+)$", source, re.MULTILINE)
    rooms = {name: Vertex(name) for arrow in arrows for name in arrow}
    for name, room in rooms.items():
        room.view = Box(name)
    graph = Graph(list(rooms.values()), [Edge(rooms[one], rooms[other]) for one, other in arrows])
    left, drawn = 0.0, []
    height = 0.0
    for part in graph.C:
        layout = SugiyamaLayout(part)
        layout.xspace, layout.yspace = 14, 30
        layout.init_all()
        layout.draw(20)
        boxes = [room.view for room in part.sV]
        shift = left + 4 - min(box.xy[0] - box.w / 2 for box in boxes)
        top = 4 - min(box.xy[1] - box.h / 2 for box in boxes)
        for box in boxes:
            box.xy = (box.xy[0] + shift, box.xy[1] + top)
        left = max(box.xy[0] + box.w / 2 for box in boxes) + 16
        height = max(height, *(box.xy[1] + box.h / 2 + 4 for box in boxes))
    for one, other in arrows:
        (x, y), (to_x, to_y) = rooms[one].view.xy, rooms[other].view.xy
        y, to_y = y + 13, to_y - 16
        bend = (to_y - y) / 2
        drawn.append(f'<path d="M{x:.0f} {y:.0f}C{x:.0f} {y + bend:.0f} {to_x:.0f} {to_y - bend:.0f} '
                     f'{to_x:.0f} {to_y:.0f}" marker-end="url(#arrow)"/>')
    for name, room in rooms.items():
        (x, y), w = room.view.xy, room.view.w
        drawn.append(f'<rect x="{x - w / 2:.0f}" y="{y - 13:.0f}" width="{w}" height="26" rx="4"/>'
                     f'<text x="{x:.0f}" y="{y + 4:.0f}">{escape(name)}</text>')
    head = ('<marker id="arrow" markerWidth="6" markerHeight="6" refX="3" refY="3" orient="auto">'
            '<path d="M0 0L6 3L0 6z"/></marker>')
    said = escape(", ".join(f"{one} to {other}" for one, other in arrows), {'"': "&quot;"})
    return (f'<svg class="layers" role="img" aria-label="{said}" viewBox="0 0 {left:.0f} {height:.0f}" '
            f'width="{left:.0f}"><defs>{head}</defs>{"".join(drawn)}</svg>')
