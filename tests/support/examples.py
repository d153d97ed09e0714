"""
What each block of code on a page is, and so how a test runs it.
"""

from __future__ import annotations

import ast
import re
import textwrap
import tomllib
from collections.abc import Iterator, Mapping

from support.documents import Block, pages

UNRUN: Mapping[str, str] = {
    "python3 noxfile.py -s run": "makes environments from a package index",
    "python3 noxfile.py": "the same",
    "python3 noxfile.py -s simulate": "the same; tests/test_simulation.py plays every row",
    ".nox/.boot/bin/uv pip compile": "asks a package index for every dependency",
    "pip install seedcore": "asks a package index",
    "python3 -m venv .venv": "the tests have an environment already",
    ". .venv/bin/activate": "the same",
    "python -m venv fresh": "the same",
    "python -m pip install build twine": "asks a package index",
    "python -m build": "needs what comes from there",
    "python -m twine upload": "sends something to a package index",
    "fresh/bin/": "runs in an environment that needs a package index",
}
"""Beginnings of commands that no test types, and why not."""

SHOWN: Mapping[tuple[str, str], str] = {
    ("README.md", "z1r     Seed:"): "what a command of UNRUN prints",
    ("README.md", "nox > Ran"): "the same",
    ("CONTRIBUTING.md", "plugins/<name>/"): "a folder; tests/test_packaging.py looks into ours",
    ("docs/reference/errors.md", "SeedcoreError"): "tests/test_docs.py compares the tree",
    ("docs/plugins/publish.md", "seedcore-dungeon/"): "the folder that docs/plugins/write.md makes",
}
"""Text that isn't code, by page and beginning: what it is."""

FOLLOWED = {each.name for each in pages() if any(b.language == "console" for b in each.blocks)}
"""Pages whose blocks make one story: saved, typed and compared in order."""
APART = {"docs/migrating.md", "plugins/web/README.md"}
"""Pages that a test of their own follows: programs of several steps with a site, a server."""
FOLLOWED -= APART
PLUGINS = {each.name for each in pages() if each.name.startswith("plugins/")} - APART
RULES = {each.name for each in pages() if "/rules/" in each.name} - {
    "docs/reference/rules/README.md"
}
BLOCKS = [block for each in pages() for block in each.blocks]


def kind_of(block: Block) -> str | None:
    """
    Return what *block* is, which is what runs it; ``None`` for what nothing would run.
    """
    if block.page in APART:
        return "story"
    match block.language:
        case "python":
            return _python(block)
        case "console" | "sh":
            typed = [unrun(command) for command, _ in commands(block)]
            typed_somewhere = block.page in FOLLOWED | PLUGINS
            return "commands" if typed and (typed_somewhere or all(typed)) else None
        case "toml":
            tables = tomllib.loads(filled_in(block.text))
            return (
                "pyproject" if tables.keys() & {"project", "build-system", "tool"} else "settings"
            )
        case "json":
            return "json"
        case "yaml":
            return "preset" if block.page in PLUGINS else "story" if block.file else None
        case "text":
            return _text(block)
    return None


def _python(block: Block) -> str:
    if block.page in FOLLOWED:
        return "story"
    if block.page in PLUGINS:
        return "excerpt"
    if block.page in RULES:
        return "rule"
    if is_test(block):
        return "test"
    return "program" if "asyncio.run(" in block.text else "module"


def is_test(block: Block) -> bool:
    """
    Whether pytest finds something in *block*.
    """
    return bool(re.search(r"^(async )?def test_|^class Test", block.text, re.MULTILINE))


def _text(block: Block) -> str | None:
    if any(block.page == name and block.text.startswith(start) for name, start in SHOWN):
        return "shown"
    if block.page.endswith("/command-line.md") and block.text.startswith("seedcore "):
        return "usage"
    return "signature" if signature_in(block) else None


def signature_in(block: Block) -> tuple[str, dict[str, str | None]] | None:
    """
    Return the name of the function shown, and its parameters with their defaults as written.
    """
    text = block.text.strip().removeprefix("await ").removeprefix("with ")
    name, bracket, rest = text.partition("(")
    inside = rest.rpartition(")")[0]
    try:
        shown = ast.parse(f"def _({inside}): ...").body[0]
    except SyntaxError:
        return None
    if not bracket or not isinstance(shown, ast.FunctionDef):
        return None
    arguments = shown.args
    named = [*arguments.posonlyargs, *arguments.args]
    defaults: list[ast.expr | None] = [None] * (len(named) - len(arguments.defaults))
    pairs = [*zip(named, [*defaults, *arguments.defaults], strict=True)]
    pairs += [*zip(arguments.kwonlyargs, arguments.kw_defaults, strict=True)]
    pairs += [(arguments.kwarg, None)] if arguments.kwarg else []
    return name, {each.arg: ast.unparse(default) if default else None for each, default in pairs}


def commands(block: Block) -> Iterator[tuple[str, str]]:
    """
    Yield each command of *block* with what it prints; in ``sh`` nothing is shown.
    """
    text = block.text.replace("\\\n", " ")
    if block.language == "console":
        for part in re.split(r"^\$ ", text, flags=re.MULTILINE)[1:]:
            command, _, printed = part.partition("\n")
            yield command, printed
    else:
        for line in text.splitlines():
            command = re.sub(r"\s{2,}#.*", "", line)
            if command.strip():
                yield " ".join(command.split()) if "'" not in command else command, ""


def unrun(command: str) -> str | None:
    """
    Return the key of UNRUN that *command* begins with, ``None`` for one that is typed.
    """
    known = [start for start in UNRUN if f"{command} ".startswith(f"{start} ")]
    known += [start for start in UNRUN if start.endswith("/") and command.startswith(start)]
    return max(known, key=len, default=None)


def of_kind(kind: str) -> list[Block]:
    """
    Return all blocks of *kind*.
    """
    return [block for block in BLOCKS if kind_of(block) == kind]


def filled_in(text: str) -> str:
    """
    Return *text* with a name in place of what the reader chooses.
    """
    return text.replace("<name>", "name")


def as_program(block: Block) -> str:
    """
    Return an excerpt with ``await`` as a whole program, with a runner if it has none.
    """
    text = block.text
    if "Runner(" not in text:
        text = f"async with seedcore.Runner() as runner:\n{textwrap.indent(text, '    ')}"
    body = textwrap.indent(text, "    ")
    return (
        f"import asyncio\n\nimport seedcore\n\n\nasync def main():\n{body}\n\nasyncio.run(main())\n"
    )


def code_outside_blocks(text: str) -> list[str]:
    """
    Return lines that look like code, and are in no block that ``Page.blocks`` finds.
    """
    found: list[str] = []
    in_list = before_is_blank = False
    for line in re.sub(r"^```\w*\n.*?^```$", "", text, flags=re.MULTILINE | re.DOTALL).splitlines():
        indented = line.startswith(("    ", "\t")) and before_is_blank and not in_list
        if indented or re.match(r"\s*(```|~~~)|\s*<(pre|code)\b", line):
            found.append(line)
        elif line.strip() and not line.startswith(" "):
            in_list = bool(re.match(r"([-*+]|\d+\.) ", line))
        before_is_blank = not line.strip()
    return found
