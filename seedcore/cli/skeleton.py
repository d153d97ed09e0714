"""
The files of a new plugin: made of templates, and written without touching what is there.
"""

from __future__ import annotations

import contextlib
from collections.abc import Mapping
from pathlib import Path
from string import Template

FILES: Mapping[str, str] = {
    "pyproject.toml": "pyproject.toml",
    "README.md": "README.md",
    ".gitignore": "gitignore",
    "$package/__init__.py": "$form/provider.py",
    "$package/contract.py": "$form/contract.py",
    "$package/py.typed": "py.typed",
    "$package/reply.json": "reply.json",
    "tests/test_contract.py": "$form/test_contract.py",
    "tests/test_seeds.py": "$form/test_seeds.py",
}
"""Each file of a plugin, and the template it is made of."""
FORMS = ("class", "helper")


def identifier(name: str) -> str:
    """
    Return what the object of the provider *name* is called in code.
    """
    return name.replace("-", "_")


def class_name(name: str) -> str:
    """
    Return what the class of the provider *name* is called.
    """
    return "".join(map(str.capitalize, name.split("-")))


def rendered(name: str, *, form: str) -> dict[str, str]:
    """
    Return the text of each file by its path; *form* is one of ``FORMS``.
    """
    from importlib import resources

    words = {
        "name": name,
        "distribution": f"seedcore-{name}",
        "package": f"seedcore_{identifier(name)}",
        "object": identifier(name),
        "kind": class_name(name),
        "title": " ".join(map(str.capitalize, name.split("-"))),
        "core": _core_requirement(),
        "form": form,
    }
    templates = resources.files("seedcore.cli") / "templates"
    files: dict[str, str] = {}
    for path, source in FILES.items():
        template = Template(f"{source}.template").substitute(words)
        text = templates.joinpath(template).read_text(encoding="utf-8")
        files[Template(path).substitute(words)] = Template(text).substitute(words)
    return files


def names_used() -> set[str]:
    """
    Return the words of the generated code that no plugin's own function or class may hide.
    """
    import io
    import tokenize

    own = "x" * 20
    words: set[str] = set()
    for form in FORMS:
        for path, text in rendered(own, form=form).items():
            if path.endswith(".py"):
                tokens = tokenize.generate_tokens(io.StringIO(text).readline)
                words.update(token.string for token in tokens if token.type == tokenize.NAME)
    return {word for word in words if own not in word.lower()}


def _core_requirement() -> str:
    """
    Return the series of cores that the plugin is for: that of the installed one.
    """
    from importlib.metadata import version

    major, minor = map(int, version("seedcore").split(".")[:2])
    return f"seedcore>={major}.{minor},<{major}.{minor + 1}"


def write(folder: Path, files: Mapping[str, str]) -> None:
    """
    Write *files* into *folder*, which is made unless it is there and empty.

    Raises OSError, FileExistsError for anything that is in the way. Whatever fails, what was
    made here is removed again, and nothing else.
    """
    made: list[Path] = []
    try:
        if _begun(folder):
            made.append(folder)
        for name, text in files.items():
            target = folder / name
            if target.parent not in (folder, *made):
                target.parent.mkdir()
                made.append(target.parent)
            # "x": neither a file that appeared meanwhile nor a link is written to.
            with target.open("x", encoding="utf-8", newline="\n") as file:
                made.append(target)
                file.write(text)
    except BaseException:
        for path in reversed(made):
            with contextlib.suppress(OSError):  # somebody else has put something into a folder
                path.rmdir() if path.is_dir() else path.unlink()
        raise


def _begun(folder: Path) -> bool:
    """
    Make *folder* and return true, or return false if it is there and empty.
    """
    try:
        folder.mkdir()
    except FileExistsError:
        if folder.is_symlink() or not folder.is_dir() or any(folder.iterdir()):
            raise
        return False
    return True
