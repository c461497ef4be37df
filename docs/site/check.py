"""Whether each link leads somewhere: those of the built site, and those of every Markdown file of the checkout.

Nothing is fetched: of a link to another host only its form is looked at. No picture, style or script of the site may
come from one. The argument is the folder of the site.
"""

from __future__ import annotations

import re
import subprocess
import sys
from functools import cache
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote, urlsplit

from hooks import ROOT, repository

API = "api/"
"""Where the references of rustdoc and Dokka are, which look after their own links, if they were built."""
FENCE = re.compile(r"^( *)(```+).*?^\1\2 *$", re.MULTILINE | re.DOTALL)


class Page(HTMLParser):
    """What a page links to, loads, and can be led to."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.anchors: set[str] = set()
        self.links: list[str] = []
        self.loaded: list[str] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = {name: value or "" for name, value in attrs}
        self.anchors.update(given[name] for name in ("id", "name") if name in given)
        if tag == "a" and "href" in given:
            self.links.append(given["href"])
        elif tag == "link" and given.get("rel") not in ("canonical", "prev", "next"):
            self.loaded.append(given["href"])
        elif tag in ("script", "img", "iframe", "source", "object") and (given.get("src") or given.get("data")):
            self.loaded.append(given.get("src") or given["data"])
        if "mermaid" in given.get("class", "").split():
            # The theme would fetch the script that draws it.
            self.loaded.append("https://a-script-for-mermaid")


@cache
def page(path: Path) -> Page:
    return Page(path.read_text())


@cache
def headings(path: Path) -> frozenset[str]:
    """What a Markdown file can be led to, as GitHub names it."""
    text = FENCE.sub("", path.read_text())
    found = {name for name in re.findall(r'<a id="(.*?)"', text)}
    for title in re.findall(r"^#+ +(.*?) *#*$", text, re.MULTILINE):
        shown = re.sub(r"\[(.*?)\]\(.*?\)", r"\1", title).replace("`", "")
        name = re.sub(r"[^\w\- ]", "", shown.lower()).replace(" ", "-")
        number = 1
        found.add(name if name not in found else f"{name}-{number}")
    return frozenset(found)


def in_checkout(path: Path, anchor: str) -> str | None:
    if not path.exists():
        return "there is no such file"
    if anchor and path.suffix == ".md" and anchor not in headings(path):
        return "there is no such heading"
    return None


def elsewhere(url: str) -> str | None:
    """What is wrong with a link that has a scheme."""
    parts = urlsplit(url)
    for kind in ("blob", "tree"):
        start = f"{repository()}/{kind}/main/"
        if url.startswith(start):
            return in_checkout(ROOT / unquote(parts.path.split("/main/", 1)[1]), parts.fragment)
    if parts.scheme == "mailto":
        return None
    is_host = parts.hostname is not None and re.fullmatch(r"[\w-]+(\.[\w-]+)+", parts.hostname)
    return None if parts.scheme == "https" and is_host else "is no https link to a host"


def is_left_out(site: Path, target: Path) -> bool:
    """Whether this is of a reference that was not built."""
    if not target.is_relative_to(site / API):
        return False
    language = target.relative_to(site / API).parts[0]
    return not (site / API / language).exists()


def in_site(site: Path, file: Path, link: str) -> str | None:
    """What is wrong with a link of a page to another one."""
    parts = urlsplit(link)
    target = (file.parent / unquote(parts.path)).resolve() if parts.path else file
    if parts.path.startswith("/"):
        target = site / unquote(parts.path).lstrip("/")
    if target.is_dir():
        target /= "index.html"
    if not target.exists():
        return None if is_left_out(site, target) else "there is no such page"
    if parts.fragment and target.suffix == ".html" and unquote(parts.fragment) not in page(target).anchors:
        return "there is no such place in it"
    return None


def main() -> int:
    """Tells each link that is wrong."""
    site = Path(sys.argv[1]).resolve()
    wrong: list[str] = []
    pages = [file for file in sorted(site.rglob("*.html")) if not file.is_relative_to(site / API)]
    links = 0
    for file in pages:
        name = file.relative_to(site)
        if "--8&lt;--" in file.read_text():
            wrong.append(f"{name}: a file was not taken in")
        for link in page(file).links + page(file).loaded:
            # The page that is told of what is missing may be at any address.
            if file.name == "404.html" and link.startswith("/"):
                continue
            links += 1
            problem = elsewhere(link) if urlsplit(link).scheme else in_site(site, file, link)
            if problem:
                wrong.append(f"{name}: {link}: {problem}")
        wrong += [f"{name}: {link}: comes from another host" for link in page(file).loaded if urlsplit(link).netloc]
    for file in site.rglob("*.css"):
        if not file.is_relative_to(site / API) and re.search(r"(url\(|@import)\s*[\"']?(https?:)?//", file.read_text()):
            wrong.append(f"{file.relative_to(site)}: loads from another host")
    files = subprocess.run(["git", "ls-files", "*.md"], cwd=ROOT, capture_output=True, text=True, check=True)
    documents = files.stdout.split()
    for document in documents:
        path = ROOT / document
        for link in re.findall(r"\]\(([^)\s]+)\)", FENCE.sub("", path.read_text())):
            links += 1
            target, _, anchor = link.partition("#")
            if urlsplit(link).scheme:
                problem = elsewhere(link)
            else:
                problem = in_checkout((path.parent / target).resolve() if target else path, anchor)
            if problem:
                wrong.append(f"{document}: {link}: {problem}")
    print(f"{links} links of {len(pages)} pages and {len(documents)} documents")
    print("\n".join(wrong), file=sys.stderr)
    return 1 if wrong or not pages or not documents else 0


if __name__ == "__main__":
    sys.exit(main())
