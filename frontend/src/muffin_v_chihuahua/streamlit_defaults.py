"""Streamlit's own options, as `.streamlit/config.toml` sets them; what is chosen goes before them."""

import tomllib
from collections.abc import Iterator, Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Any

_FILE = Path(__file__).with_name(".streamlit") / "config.toml"


def _dotted(table: Mapping[str, Any], before: str = "") -> Iterator[tuple[str, object]]:
    for name, value in table.items():
        if isinstance(value, Mapping):
            yield from _dotted(value, f"{before}{name}.")
        else:
            yield before + name, value


DEFAULTS: Mapping[str, object] = MappingProxyType(dict(_dotted(tomllib.loads(_FILE.read_text("utf-8")))))


def config_with(chosen: Mapping[str, object]) -> dict[str, object]:
    """The demo's options, with what was chosen in their place.

    The page is light or dark as the visitor's system is. A chosen `theme.base` of `light` or `dark` makes it
    so for everybody; any other is a theme of somebody's own, and nothing of ours is mixed into it.
    """
    theme = {name: value for name, value in DEFAULTS.items() if name.startswith("theme.")}
    others = {name: value for name, value in DEFAULTS.items() if name not in theme}
    return {**others, **_based_on(chosen.get("theme.base"), theme), **chosen}


def _based_on(base: object, theme: Mapping[str, object]) -> Mapping[str, object]:
    match base:
        case None:
            return theme
        case "light" | "dark":
            halves = ("theme.light.", "theme.dark.")
            shape = {name: value for name, value in theme.items() if not name.startswith(halves)}
            half = f"theme.{base}."
            colours = {name: value for name, value in theme.items() if name.startswith(half)}
            return shape | {f"theme.{name.removeprefix(half)}": value for name, value in colours.items()}
        case _:
            return {}
