"""
The fields of an operation as inputs of a form, with what was typed into them.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Literal

import attrs

from seedcore.surface.fields import Field
from seedcore.surface.form import Form
from seedcore.surface.plain import text_of

Widget = Literal["line", "secret", "number", "select", "check", "area"]

COMMON = ("preset", "race", "spoilers")
"""What most seeds are rolled with; the rest is asked for further down."""
FEW = 12
"""Options that are shown at once; more of them are behind their headings."""
LABELS = {"settings": "Settings document"}
_AREAS = {
    "list": ("JSON: a list", '["one", "two"]'),
    "table": ("JSON: names and values in braces", '{"name": 1}'),
    "any": ("text, or JSON", ""),
}


@attrs.frozen(kw_only=True)
class Input:
    """
    One input; ``choices`` are values and their labels, ``about`` is what to know about it.
    """

    id: str
    name: str
    label: str
    widget: Widget
    value: str = ""
    choices: tuple[tuple[str, str], ...] = ()
    required: bool = False
    least: str | None = None
    most: str | None = None
    step: str | None = None
    hint: str = ""
    about: tuple[str, ...] = ()


@attrs.frozen(kw_only=True)
class Group:
    """
    Inputs that belong together; those of a ``folded`` one show when somebody wants them.
    """

    title: str
    inputs: tuple[Input, ...]
    folded: bool = False
    open: bool = False


def groups_of(form: Form, typed: Mapping[str, str], *, needs_all: bool) -> list[Group]:
    """
    Return the inputs of *form*: the common ones, the options, and what is seldom needed.

    With *needs_all* nothing but the form can give what is required, so that browsers ask for it.
    """
    inputs = {
        field.name: _input(number, field, typed.get(field.name, ""), needs_all=needs_all)
        for number, field in enumerate(form.fields)
    }
    common = [inputs[name] for name in COMMON if name in inputs]
    seldom = [inputs[each.name] for each in form.call if each.name not in COMMON]
    asked = {each.name for each in form.call}
    own = [each for name, each in inputs.items() if name not in asked]
    groups = [_group("", common, typed, folded=False)]
    groups += [_group(title, some, typed, folded=len(own) > FEW) for title, some in _sections(own)]
    groups.append(_group("Branch and settings", seldom, typed, folded=True))
    return [group for group in groups if group.inputs]


def _sections(inputs: list[Input]) -> Iterable[tuple[str, list[Input]]]:
    """
    Yield the plain options, then those of each name that they stand in.
    """
    sections: dict[str, list[Input]] = {}
    for each in inputs:
        outer = each.name.removeprefix("options.").rpartition(".")[0]
        sections.setdefault(f"Options: {_words(outer)}" if outer else "Options", []).append(each)
    yield from sorted(sections.items(), key=lambda item: item[0] != "Options")


def _group(title: str, inputs: list[Input], typed: Mapping[str, str], *, folded: bool) -> Group:
    is_open = any(typed.get(each.name) or each.required for each in inputs)
    return Group(title=title, inputs=tuple(inputs), folded=folded, open=is_open)


def _input(number: int, field: Field, value: str, *, needs_all: bool) -> Input:
    widget = _widget(field)
    kind, hint = _AREAS.get(field.kind, ("", ""))
    return Input(
        id=f"field-{number}",
        name=field.name,
        label=LABELS.get(field.name) or _words(field.name.rpartition(".")[2]),
        widget=widget,
        value="" if field.secret else value,
        choices=tuple(_choices(field)) if widget == "select" else (),
        required=field.required and needs_all,
        least=_number(field.least),
        most=_number(field.most),
        step={"integer": "1", "number": "any"}.get(field.kind),
        hint=hint if not _default(field) else "",
        about=tuple(_about(field, kind, widget)),
    )


def _widget(field: Field) -> Widget:
    if field.secret:
        return "secret"
    if field.kind == "switch" and field.name == "race":
        return "check"  # nothing but the form says whether it is a race
    if field.kind in ("switch", "choice"):
        return "select"
    if field.kind in ("integer", "number"):
        return "number"
    return "line" if field.kind == "text" else "area"


def _choices(field: Field) -> Iterable[tuple[str, str]]:
    """
    Yield the choices; not to choose is one of them, which leaves it to preset and default.
    """
    known = (("true", "Yes"), ("false", "No")) if field.kind == "switch" else ()
    values = known or tuple((each, each) for each in field.choices)
    default = _default(field)
    shown = dict(values).get("true" if field.default is True else "false", default)
    unset = shown if field.kind == "switch" and isinstance(field.default, bool) else default
    yield "", f"Default: {unset}" if unset else "Choose…" if field.required else "Not set"
    yield from values


def _about(field: Field, kind: str, widget: Widget) -> Iterable[str]:
    if field.help:
        yield _sentence(field.help)
    if field.required:
        yield "Required."
    if kind:
        yield _sentence(kind)
    if field.least is not None and field.most is not None:
        if not {_number(field.least), _number(field.most)} <= _numbers(field.help):
            yield f"From {_number(field.least)} to {_number(field.most)}."
    elif field.allowed and not field.choices:
        yield _sentence(field.allowed)
    if widget not in ("select", "check") and (default := _default(field)):
        yield f"Default: {default}"


def _default(field: Field) -> str:
    return "" if field.default in (None, "", [], {}) else text_of(field.default)


def _number(bound: float | None) -> str | None:
    return None if bound is None else f"{bound:.15g}"


def _numbers(text: str) -> set[str | None]:
    """
    Return the numbers of a text as ``_number`` writes them; in ``1-8`` there is no negative one.
    """
    found = re.findall(r"(?:(?<!\w)-)?\d+(?:\.\d+)?", re.sub(r"(?<=\d),(?=\d{3})", "", text))
    return {_number(float(each)) for each in found}


def _words(name: str) -> str:
    words = name.replace("_", " ").replace("-", " ").strip()
    return words[:1].upper() + words[1:]


def _sentence(text: str) -> str:
    words = text.strip()
    return words[:1].upper() + words[1:] + ("" if words[-1:] in ".!?" else ".")
