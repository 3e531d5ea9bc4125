"""Shelf of a fit: what it says in plain words, and the page about it."""

from __future__ import annotations

from collections.abc import Mapping
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING

from henderson.results.options import named_options
from henderson.results.shown import Shown
from henderson.results.tables import Tables

if TYPE_CHECKING:
    from henderson.inference.explanation.record import Sentence


class Explained(Tables):
    """Words about a fit; see `LinearMixedFit`."""

    @named_options
    def explain(
        self,
        units: Mapping[str, str] | None = None,
        level: float = 0.95,
        ddf: str = "auto",
        information: str = "expected",
    ) -> ExplanationPage:
        """Say in plain words what the numbers say, and what they do not.

        Every sentence rests on a number of the fit: effects with their direction, size, interval and test,
        how much groups differ and how many go the other way, how much is explained, how the search ended, and
        what must not be concluded.

        Parameters
        ----------
        units : dict of str to str, optional
            Units of columns of the data: ``{"Reaction": "ms", "Days": "days"}``.
        level : float, default 0.95
            Coverage of the intervals; effects whose interval leaves out zero are said to be there.
        ddf : {"auto", "satterthwaite", "kenward-roger", "residual", "none"}
            Kind of degrees of freedom; ``"none"`` gives z tests.
        information : {"expected", "observed"}
            Information matrix that Kenward-Roger takes.

        Returns
        -------
        ExplanationPage
            Prints as text or HTML; `.to_markdown()`; `.sentences` with topic, text and numbers;
            `.to_frame()` has a row per number.

        Raises
        ------
        OptionError
            An unknown option, or `units` of something that is no numeric column of the model.

        Notes
        -----
        Cost O(n p) beyond that of the summary, and 2 n_theta gradients. Intervals of standard deviations and
        correlations are approximate: normal on the scales of log sd and atanh r, as nlme's; `profile` is
        better where they matter. Ranges of groups take the estimates as true, and say so.

        References
        ----------
        Pinheiro, J. C. and Bates, D. M. (2000), Mixed-Effects Models in S and S-PLUS, section 2.4.3.

        Examples
        --------
        >>> import henderson as hd
        >>> fit = hd.lmm("Reaction ~ Days + (Days | Subject)", hd.datasets.load("sleepstudy"))
        >>> page = fit.explain(units={"Reaction": "ms", "Days": "days"})
        >>> print(page.sentences[3].text.partition(" (")[0])
        With Days one day greater, Reaction is on average 10.47 ms higher
        """
        from henderson.display.explanation import explanation
        from henderson.inference.explanation.gather import gather

        summary = self.summary(level, ddf, information).record
        sample = self._small_sample(ddf, information)
        record = explanation(gather(self.design, self.estimate, summary, sample, units))
        return ExplanationPage(record, self.source.kind)

    @named_options
    def report(
        self,
        path: str | Path,
        title: str | None = None,
        *,
        units: Mapping[str, str] | None = None,
        level: float = 0.95,
        ddf: str = "auto",
    ) -> Path:
        """Write one self-contained web page about the fit.

        The fit in words, its tables, pictures, checks, how to cite it, versions. The page loads nothing from
        elsewhere, follows the reader's light or dark colours, and can be mailed or printed.

        Parameters
        ----------
        path : str or Path
            The file; one that is there is replaced.
        title : str, optional
            Heading; by default the formula.
        units : dict of str to str, optional
            Units of columns, as in `explain`.
        level : float, default 0.95
            Coverage of the intervals.
        ddf : {"auto", "satterthwaite", "kenward-roger", "residual", "none"}
            Kind of degrees of freedom.

        Returns
        -------
        Path
            Where it lies.

        Raises
        ------
        OptionError
            A wrong option.
        DataError
            If the file cannot be written; one that was there is then as before.
        MissingDependencyError
            If matplotlib is not installed.

        Notes
        -----
        A few seconds, most of them for the pictures.

        Examples
        --------
        >>> import tempfile
        >>> import henderson as hd
        >>> fit = hd.lmm("Yield ~ 1 + (1 | Batch)", hd.datasets.load("dyestuff"))
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     fit.report(f"{folder}/report.html", "Dyestuff").name
        'report.html'
        """
        page = import_module("henderson.report")  # a floor above
        written: Path = page.write_report(self, path, title=title, units=units, level=level, ddf=ddf)
        return written


class ExplanationPage(Shown):
    """A fit in words; see `LinearMixedFit.explain`."""

    @property
    def sentences(self) -> tuple[Sentence, ...]:
        """Sentences in reading order: topic, text, numbers."""
        found: tuple[Sentence, ...] = self.record.sentences
        return found

    def __str__(self) -> str:
        from henderson.display.explanation import explanation_text

        return explanation_text(self.record)

    __repr__ = __str__

    def to_html(self, *, title: bool = True) -> str:
        """Return the explanation as one self-contained ``<div>``, with or without its title."""
        from henderson.display.explanation import explanation_html

        return explanation_html(self.record, title)

    def to_markdown(self, heading: int = 2) -> str:
        """Return the explanation as Markdown, its title at a level of heading."""
        from henderson.display.explanation import explanation_markdown

        return explanation_markdown(self.record, heading)
