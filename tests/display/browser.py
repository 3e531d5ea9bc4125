"""A summary on a page as JupyterLab shows it, looked at by a headless browser."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")

# What JupyterLab's style sheet says of tables in outputs, with the colours of its two themes.
NOTEBOOK = """
body{{margin:0;padding:8px 12px;background:{back};
font:13px/1.3 system-ui,-apple-system,'DejaVu Sans',sans-serif}}
.jp-RenderedHTMLCommon{{color:{text};line-height:1.6}}
.jp-RenderedHTMLCommon table{{border-collapse:collapse;border-spacing:0;border:none;color:{text};
font-size:12px;table-layout:fixed;margin-left:auto;margin-bottom:1em;margin-right:auto}}
.jp-RenderedHTMLCommon thead{{border-bottom:1px solid {line};vertical-align:bottom}}
.jp-RenderedHTMLCommon td,.jp-RenderedHTMLCommon th,.jp-RenderedHTMLCommon tr{{vertical-align:middle;
padding:.5em;line-height:normal;white-space:normal;max-width:none;border:none}}
.jp-RenderedHTMLCommon tbody tr:nth-child(odd){{background:{back}}}
.jp-RenderedHTMLCommon tbody tr:nth-child(even){{background:{stripe}}}
.jp-RenderedHTMLCommon tbody tr:hover{{background:#3333ff22}}
"""
THEMES = {
    "light": {"back": "#ffffff", "text": "rgba(0,0,0,.87)", "line": "#bdbdbd", "stripe": "#f5f5f5"},
    "dark": {"back": "#111111", "text": "#ffffff", "line": "#616161", "stripe": "#212121"},
}
MEASURE = """
<script>
const all = [...document.querySelectorAll('.henderson, .henderson *')].filter(e => !e.closest('style'));
const out = {
  width: document.querySelector('.henderson').getBoundingClientRect().width,
  height: document.querySelector('.henderson').getBoundingClientRect().height,
  page: document.documentElement.scrollWidth, window: innerWidth,
  cut: all.filter(e => e.clientWidth && e.scrollWidth > e.clientWidth + 1
                       && !['auto', 'scroll'].includes(getComputedStyle(e).overflowX))
          .map(e => e.outerHTML.slice(0, 80)),
  scrolled: all.filter(e => getComputedStyle(e).overflowX == 'auto'
                            && e.scrollWidth > e.clientWidth + 1).length,
  backgrounds: [...new Set([...document.querySelectorAll('.henderson tr, .henderson td, .henderson th')]
                           .map(e => getComputedStyle(e).backgroundColor))],
  inks: [...new Set(all.map(e => getComputedStyle(e).color))],
};
const pre = document.createElement('pre');
pre.id = 'measured'; pre.hidden = true; pre.textContent = JSON.stringify(out);
document.body.append(pre);
</script>
"""


@dataclass(frozen=True, slots=True)
class Look:
    """What the browser saw: a picture, and sizes in pixels."""

    picture: Path
    measured: dict


def notebook_page(block: str, theme: str) -> str:
    """The block as the output of a cell."""
    style = NOTEBOOK.format(**THEMES[theme])
    return (
        f'<!doctype html><meta charset="utf-8"><style>{style}</style>'
        f'<div class="jp-RenderedHTMLCommon jp-RenderedHTML">{block}</div>{MEASURE}'
    )


def look(block: str, theme: str, folder: Path, width: int = 900, height: int = 700) -> Look:
    """Show the block in a window of the given size."""
    page, picture = folder / f"{theme}.html", folder / f"{theme}.png"
    page.write_text(notebook_page(block, theme), encoding="utf-8")
    dom = _run(page, width, height, folder, "--dump-dom")
    _run(page, width, height, folder, f"--screenshot={picture}")
    found = re.search(r'<pre id="measured"[^>]*>(.*?)</pre>', dom, re.S)
    assert found, "the page's script did not run"
    text = found[1].replace("&lt;", "<").replace("&gt;", ">").replace("&quot;", '"').replace("&amp;", "&")
    return Look(picture, json.loads(text))


def _run(page: Path, width: int, height: int, folder: Path, action: str) -> str:
    command = [str(CHROMIUM), "--headless", "--no-sandbox", "--disable-gpu", "--hide-scrollbars", action]
    command += [f"--window-size={width},{height}", f"--user-data-dir={folder / 'profile'}", page.as_uri()]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr[-2000:]
    return done.stdout
