"""A fit in words: the sentences in order, as text, HTML and Markdown."""

from __future__ import annotations

from html import escape
from typing import TYPE_CHECKING

from henderson.display.explanation_fit import fit_sentences, limit_sentences, model_sentences
from henderson.display.explanation_fixed import fixed_sentences
from henderson.display.explanation_random import explained_sentences, random_sentences
from henderson.display.grid import WIDTH, wrapped, wrapped_formula
from henderson.display.html import block
from henderson.inference.explanation.record import Explanation

if TYPE_CHECKING:
    from henderson.inference.explanation.record import Facts

HOLD = "\u00a0"
TITLE = "In plain words"


def explanation(facts: Facts) -> Explanation:
    """Put the facts of a fit into sentences.

    Parameters
    ----------
    facts : Facts

    Returns
    -------
    Explanation

    Examples
    --------
    >>> import henderson as hd
    >>> fit = hd.lmm("Reaction ~ Days + (Days | Subject)", hd.datasets.load("sleepstudy"))
    >>> fit.explain().record.topics[:2]
    ('The model', 'Fixed effects')
    """
    parts = (
        model_sentences(facts),
        fixed_sentences(facts),
        random_sentences(facts),
        explained_sentences(facts),
        fit_sentences(facts),
        limit_sentences(facts),
    )
    return Explanation(facts.summary.formula, tuple(s for part in parts for s in part))


def explanation_text(record: Explanation) -> str:
    """Return the explanation as lines of at most 80 characters."""
    lines = [TITLE, *wrapped_formula(f"Formula: {record.formula}")]
    for topic in record.topics:
        lines += ["", topic]
        for sentence in record.sentences:
            if sentence.topic == topic:
                first, *rest = wrapped(_kept_together(sentence.text), "", WIDTH - 2)
                lines += [f"- {first}", *(f"  {line}" for line in rest)]
    return "\n".join(lines).replace(HOLD, " ")


def _kept_together(text: str) -> str:
    """Keep a line from ending inside ``95 %`` or ``p = 0.012``."""
    for broken in (" %", " = ", " < "):
        text = text.replace(broken, broken.replace(" ", HOLD))
    return text


def explanation_markdown(record: Explanation, heading: int = 2) -> str:
    """Return the explanation as Markdown; names of the data are kept from being read as marks."""
    mark = "#" * heading
    parts = [f"{mark} {TITLE}", f"`{record.formula}`"]
    for topic in record.topics:
        parts.append(f"{mark}# {topic}")
        texts = [s.text for s in record.sentences if s.topic == topic]
        parts.append("\n".join(f"- {_plain(text)}" for text in texts))
    return "\n\n".join(parts) + "\n"


def _plain(text: str) -> str:
    for sign in "\\`*_<>[]#|~":
        text = text.replace(sign, "\\" + sign)
    return text


def explanation_html(record: Explanation, title: bool = True) -> str:
    """Return the explanation as one ``<div>`` with its own style; names are escaped."""
    head = (
        f'<div class="hd-title">{TITLE}</div><div class="hd-formula">{escape(record.formula)}</div>'
        if title
        else ""
    )
    body = ""
    for topic in record.topics:
        items = "".join(f"<li>{escape(s.text)}</li>" for s in record.sentences if s.topic == topic)
        body += (
            f'<div style="font-weight:600;margin:.8em 0 .2em">{escape(topic)}</div>'
            f'<ul style="margin:0;padding-left:1.3em">{items}</ul>'
        )
    return block(head + body)
