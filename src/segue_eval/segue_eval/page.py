"""A self-contained HTML page: everything inline, nothing fetched, dark or light as the reader's system is."""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping, Sequence
from html import escape
from importlib.resources import files


def _asset(name: str) -> str:
    return (files("segue_eval") / "assets" / name).read_text(encoding="utf-8")


def _inline_json(data: object) -> str:
    """JSON that cannot end the script element it stands in."""
    return json.dumps(data, separators=(",", ":")).replace("</", "<\\/")


def document(title: str, body: Sequence[str], series: Mapping[str, object] | None = None) -> str:
    """The whole page; `series` are the values under the cursor: {"t": [...], "charts": {key: ...}}."""
    data = series or {"t": [], "charts": {}}
    return "\n".join(
        [
            "<!doctype html>",
            '<html lang="en"><head><meta charset="utf-8">',
            '<meta name="viewport" content="width=device-width, initial-scale=1">',
            f"<title>{escape(title)}</title>",
            f"<style>\n{_asset('page.css')}</style></head>",
            "<body><main>",
            *body,
            "</main>",
            f'<script type="application/json" id="series">{_inline_json(data)}</script>',
            f"<script>\n{_asset('page.js')}</script></body></html>\n",
        ]
    )


def section(title: str, *content: str, note: str = "") -> str:
    """A titled block with one explaining sentence."""
    hint = f'<p class="note">{escape(note)}</p>' if note else ""
    return f"<section><h2>{escape(title)}</h2>{hint}{''.join(content)}</section>"


def figure(title: str, svg: str) -> str:
    """A titled chart."""
    head = f"<h3>{escape(title)}</h3>" if title else ""
    return f"<figure>{head}{svg}</figure>"


def columns(parts: Sequence[str]) -> str:
    """Parts side by side where there is room."""
    return f'<div class="columns">{"".join(parts)}</div>'


def legend(entries: Mapping[str, str], block: bool = False) -> str:
    """Names with their colour (a CSS value); `block` draws areas instead of lines."""
    style = "background" if block else "border-color"
    kind = ' class="block"' if block else ""
    items = [f'<span><i{kind} style="{style}:{c}"></i>{escape(n)}</span>' for n, c in entries.items()]
    return f'<div class="legend">{"".join(items)}</div>'


def tiles(values: Mapping[str, str]) -> str:
    """Large numbers with their names."""
    items = [f'<div class="tile"><b>{escape(v)}</b><span>{escape(n)}</span></div>' for n, v in values.items()]
    return f'<div class="tiles">{"".join(items)}</div>'


def html_table(
    header: Sequence[str],
    rows: Sequence[Sequence[str]],
    words: Collection[int] = frozenset({0}),
    kinds: Mapping[str, str] | None = None,
) -> str:
    """A plain table; columns in `words` are text, the others numbers; `kinds` maps the text of a cell to a class.

    On narrow screens every row is a block of lines, each with the name of its column.
    """

    def line(tag: str, cells: Sequence[str]) -> str:
        found = [["w"] * (i in words) + [(kinds or {}).get(cell, "")] for i, cell in enumerate(cells)]
        classes = [" ".join(filter(None, names)) for names in found]
        return "".join(
            f'<{tag} class="{names}" data-name="{escape(name)}">{escape(cell)}</{tag}>'
            for names, name, cell in zip(classes, header, cells, strict=True)
        )

    body = "".join(f"<tr>{line('td', row)}</tr>" for row in rows)
    table = f'<table class="stack named"><tr>{line("th", header)}</tr>{body}</table>'
    return f'<div class="scroll">{table}</div>'
