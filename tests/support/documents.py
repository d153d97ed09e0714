"""
What the Markdown pages of this checkout hold: headings, tables, links, code.
"""

from __future__ import annotations

import functools
import re
from pathlib import Path

import attrs

ROOT = Path(__file__).resolve().parents[2]

_FENCE = re.compile(r"^```(\w*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
_FILE = re.compile(r"\bas\s+`([\w/-]+\.\w+)`[^`]*:\s*\Z")
_LINK = re.compile(r"\[[^\]]*\]\(([^()\s]+)\)")
_HEADING = re.compile(r"^(#+) +(.+)$", re.MULTILINE)


@attrs.frozen(kw_only=True)
class Block:
    """
    A block of code: *before* is the prose since the last one, *file* what it is saved as.
    """

    page: str
    line: int
    language: str
    text: str
    before: str

    @property
    def file(self) -> str | None:
        """
        The name after "as", in a sentence that ends with a colon right before the block.
        """
        found = _FILE.search(self.before)
        return found[1] if found else None

    @property
    def place(self) -> str:
        """
        Page and line, for messages.
        """
        return f"{self.page}:{self.line}"


class Page:
    """
    One Markdown file, *name* relative to the checkout.
    """

    def __init__(self, name: str) -> None:
        self.name = name
        self.text = (ROOT / name).read_text(encoding="utf-8")
        self.prose = _FENCE.sub("", self.text)

    @property
    def blocks(self) -> list[Block]:
        """
        Its blocks of code, in order.
        """
        blocks: list[Block] = []
        end = 0
        for found in _FENCE.finditer(self.text):
            block = Block(
                page=self.name,
                line=self.text.count("\n", 0, found.start()) + 1,
                language=found[1],
                text=found[2],
                before=self.text[end : found.start()],
            )
            blocks.append(block)
            end = found.end()
        return blocks

    @property
    def links(self) -> list[str]:
        """
        The targets of its links.
        """
        return _LINK.findall(self.prose)

    @property
    def anchors(self) -> set[str]:
        """
        What a link may name behind ``#``, as forges make it of headings.
        """
        titles = (title.lower() for _, title in _HEADING.findall(self.prose))
        return {re.sub(r"[^\w\- ]", "", title).replace(" ", "-") for title in titles}

    @property
    def rows(self) -> list[list[str]]:
        """
        The cells of all its tables, line by line, headers included.
        """
        return rows_in(self.prose)

    @property
    def named(self) -> set[str]:
        """
        What stands in code marks, and each word of a longer piece.
        """
        pieces = re.findall(r"`([^`\n]+)`", self.prose)
        return {word for piece in pieces for word in (piece, *re.findall(r"\w+", piece))}

    @property
    def explained(self) -> set[str]:
        """
        The words of its headings and of the first cells in its tables.
        """
        titles = [title for _, title in _HEADING.findall(self.prose)]
        return set(re.findall(r"\w+", " ".join([*titles, *(row[0] for row in self.rows)])))

    def row_of(self, name: str) -> list[str]:
        """
        Return the cells of the row whose first cell is *name* in code marks.
        """
        found = [row for row in self.rows if row[0] == f"`{name}`"]
        assert found, f"{self.name} has no row for {name}"
        return found[0]

    def section(self, title: str) -> str:
        """
        Return the text below a heading, up to the next one of its level or above; *title* is
        written without code marks.
        """
        headings = list(_HEADING.finditer(self.text))
        for place, heading in enumerate(headings):
            if heading[2].replace("`", "") == title:
                level = len(heading[1])
                after = (next_ for next_ in headings[place + 1 :] if len(next_[1]) <= level)
                end = next(after, None)
                return self.text[heading.end() : end.start() if end else None]
        msg = f"{self.name} has no heading {title!r}"
        raise AssertionError(msg)


def rows_in(text: str) -> list[list[str]]:
    """
    Return the cells of the tables in *text*, line by line, headers included.
    """
    lines = (line for line in text.splitlines() if line.startswith("|"))
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in lines]


@functools.cache
def page(name: str) -> Page:
    """
    Return the page *name*.
    """
    return Page(name)


def pages() -> list[Page]:
    """
    Return every page of the checkout that people read.
    """
    found = [*ROOT.glob("*.md"), *ROOT.glob("docs/**/*.md"), *ROOT.glob("plugins/*/*.md")]
    return [page(path.relative_to(ROOT).as_posix()) for path in sorted(found)]


def reference() -> set[str]:
    """
    Return every word that the reference explains.
    """
    return {word for each in pages() if "/reference/" in each.name for word in each.explained}
