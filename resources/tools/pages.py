"""Writes each page of `resources/tutorials/` as HTML beside it, which the button 'Help' of an algorithm opens.

`pages.py [--check]` with the tests' engine, which has markdown-it. --check: exit status 1 if a page is older than its
text.
"""

import html
import pathlib
import re
import sys

from markdown_it import MarkdownIt

FOLDER = pathlib.Path(__file__).resolve().parents[1] / "tutorials"
PAGE = """<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>{title}</title>
<style>
:root {{ color-scheme: light dark; }}
body {{ max-width: 52rem; margin: 2rem auto; padding: 0 1rem; font: 1rem/1.55 system-ui, sans-serif; }}
h1, h2 {{ line-height: 1.25; }}
h2 {{ margin-top: 2.2rem; }}
img {{ max-width: 100%; height: auto; }}
table {{ border-collapse: collapse; width: 100%; font-size: 0.95rem; }}
th, td {{ border-bottom: 1px solid #8886; padding: 0.35rem 0.6rem 0.35rem 0; text-align: left; vertical-align: top; }}
</style>
</head>
<body>
{body}</body>
</html>
"""


def render(text: str) -> str:
    """The whole page; headings get the anchors that Markdown's readers give them."""
    engine = MarkdownIt("commonmark").enable("table")
    tokens = engine.parse(text)
    title = ""
    for token, inside in zip(tokens, tokens[1:]):
        if token.type == "heading_open":
            title = title or inside.content
            token.attrSet("id", re.sub(r"[^\w -]", "", inside.content.lower()).replace(" ", "-"))
    return PAGE.format(title=html.escape(title), body=engine.renderer.render(tokens, engine.options, {}))


def main() -> None:
    """Write or check all pages."""
    old = []
    for source in sorted(FOLDER.glob("*.md")):
        page, target = render(source.read_text(encoding="utf-8")), source.with_suffix(".html")
        if "--check" not in sys.argv:
            target.write_text(page, encoding="utf-8")
        elif not target.is_file() or target.read_text(encoding="utf-8") != page:
            old.append(target.name)
    if old:
        raise SystemExit(f"Older than their text: {', '.join(old)}. Run resources/tools/pages.py.")


if __name__ == "__main__":
    main()
