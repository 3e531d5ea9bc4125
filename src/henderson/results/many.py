"""One design, many responses: `lmm_many`, and what it returns."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from importlib import import_module
from typing import TYPE_CHECKING, Any

import numpy as np

from henderson.data import Frame, open_frame
from henderson.data.align import align
from henderson.data.suggest import did_you_mean
from henderson.errors import OptionError
from henderson.estimate import DEFAULT_MAX_EVALUATIONS, DEFAULT_TOL, positive
from henderson.inference.frames import frame_kind, held, make_frame
from henderson.results.alarm import warn_of_design
from henderson.results.alone import Asked, fit_alone
from henderson.results.options import named_options
from henderson.results.shown import Shown
from henderson.threads import threads as available

if TYPE_CHECKING:
    from numpy.typing import ArrayLike

    from henderson.display.table import TableView
    from henderson.inference.many.record import ManyRecord
    from henderson.results.fit import LinearMixedFit


class ManyFits(Shown):
    """Fits of one design to many responses: prints a summary, turns into tidy frames.

    `estimates` (also `to_frame()`) has a row per response and fixed effect, `variances` a row per response
    and variance component, `fits` a row per response; `fit(name)` is the whole fit of one of them.

    Parameters
    ----------
    record : ManyRecord
        The numbers as arrays; also reachable as `.record`.
    kind : {"pandas", "polars", "pyarrow"}
        Kind of frame that tables come back as.
    asked : Asked
        What `lmm_many` was asked for, for fits of single responses.
    """

    record: ManyRecord

    def __init__(self, record: ManyRecord, kind: str, asked: Asked) -> None:
        super().__init__(record, kind)
        self._asked = asked

    def __len__(self) -> int:
        return len(self.record.responses)

    def _view(self) -> TableView:
        from henderson.display.many import many_view

        return many_view(self.record)

    @property
    def estimates(self) -> Any:
        """A row per response and fixed effect: estimate, std_error, df, statistic, p_value, q_value."""
        return self.to_frame()

    @property
    def variances(self) -> Any:
        """A row per response and variance or covariance: group, var1, var2, vcov, sdcor."""
        return make_frame(self.kind, self.record.variance_columns())

    @property
    def fits(self) -> Any:
        """A row per response: nobs, sigma, loglik, aic, bic, search, and a message where there is one."""
        return make_frame(self.kind, self.record.fit_columns())

    @property
    def failures(self) -> Any:
        """Responses without an estimate, and why."""
        columns = self.record.fit_columns()
        chosen = {name: columns[name][self.record.failed] for name in ("response", "message")}
        return make_frame(self.kind, chosen)

    @named_options
    def top(self, term: str | int = -1, n: int = 10) -> Any:
        """Return the responses with the smallest p-values of one fixed effect.

        Parameters
        ----------
        term : str or int, default -1
            Name or place of the fixed effect; by default the last one.
        n : int, default 10
            How many, at least 1.

        Returns
        -------
        data frame
            response, estimate, std_error, df, statistic, p_value, q_value; smallest p first.

        Raises
        ------
        OptionError
            For an unknown term, or a number below 1.
        """
        if isinstance(n, bool) or not isinstance(n, (int, np.integer)) or n < 1:
            raise OptionError(
                f"n={n!r}: how many responses is a whole number of at least 1; all: many.estimates."
            )
        j, record = self._term(term), self.record
        order = np.lexsort((-np.abs(record.statistic[:, j]), record.p_value[:, j]))
        order = order[~np.isnan(record.p_value[order, j])][:n]
        names = ("estimate", "std_error", "df", "statistic", "p_value", "q_value")
        columns = {"response": [record.responses[i] for i in order.tolist()]}
        return make_frame(self.kind, columns | {name: getattr(record, name)[order, j] for name in names})

    def fit(self, which: Any) -> LinearMixedFit:
        """Return the whole fit of one response, as `lmm` alone would.

        Parameters
        ----------
        which : label or int
            Label of the response; a whole number that is no label is a place.

        Returns
        -------
        LinearMixedFit

        Raises
        ------
        OptionError
            If there is no such response.
        DataError, DesignError, FitError
            What is wrong with a response that failed.
        """
        return fit_alone(self._asked, self._place(which))

    @named_options
    def plot(
        self, kind: str = "volcano", term: str | int = -1, *, level: float = 0.05, ax: Any = None
    ) -> Any:
        """Draw one fixed effect over all responses.

        Parameters
        ----------
        kind : {"volcano", "p_values"}
            -log10 p against the estimate, the discoveries in colour; or a histogram of the p-values.
        term : str or int, default -1
            The fixed effect.
        level : float
            False discovery rate of the discoveries.
        ax : Axes, optional
            Where to draw; by default a new figure.

        Returns
        -------
        matplotlib Axes
        """
        draw = import_module("henderson.plot.many").many
        return draw(self.record, self._term(term), kind, level=level, ax=ax)

    def _term(self, term: str | int) -> int:
        terms = self.record.terms
        if not terms:
            raise OptionError("These fits have no fixed effects.")
        if isinstance(term, int | np.integer) and -len(terms) <= term < len(terms):
            return int(term) % len(terms)
        if term not in terms:
            raise OptionError(
                f"term={term!r} is no fixed effect of these fits. {did_you_mean(str(term), terms)}"
            )
        return terms.index(str(term))

    def _place(self, which: Any) -> int:
        labels = self.record.responses
        if which in labels:
            return labels.index(which)
        whole = isinstance(which, int | np.integer) and not isinstance(which, bool)
        if whole and -len(labels) <= which < len(labels):
            return int(which) % len(labels)
        names = [str(label) for label in labels[:10_000]]
        raise OptionError(
            f"There is no response {which!r} among the {len(labels)}. {did_you_mean(str(which), names)}"
        )


@named_options
def lmm_many(
    formula: str,
    data: Any,
    responses: Any = None,
    *,
    reml: bool = True,
    weights: str | ArrayLike | None = None,
    offset: str | ArrayLike | None = None,
    na_action: str = "drop",
    contrasts: str | Mapping[str, str | ArrayLike] | None = None,
    env: Mapping[str, Callable[..., Any]] | None = None,
    ddf: str = "satterthwaite",
    threads: int | None = None,
    max_evaluations: int | None = None,
    tol: float | None = None,
) -> ManyFits:
    """Fit one linear mixed model to many responses: genes, voxels, items, simulated data.

    The design is read once and analysed once; the responses are reduced to cross-products in blocks and
    fitted in compiled code, on all cores. Every number equals that of `henderson.lmm` on that response alone.

    Parameters
    ----------
    formula : str
        As in `henderson.lmm`; its left side is empty, ``"~ Days + (Days | Subject)"``, or a name that stands
        for each response in turn.
    data : pandas or polars DataFrame, pyarrow Table, or dict of arrays
        One row per observation: the variables right of ``~``.
    responses : (n, R) array, data frame, dict, or list of str
        One column per response, rows as those of `data` (pandas rows are matched by their labels); or names
        of columns of `data`. Arrays may be float32, in C or Fortran order, or mapped from a file: they are
        read in blocks.
    reml : bool, default True
        REML, or maximum likelihood.
    weights : column name, (n,) or (n, R) positive numbers, optional
        Precision weights; with one column per response every response has its own (as those of limma's voom),
        its own cross-products and about ten times the cost.
    offset : column name or (n,) numbers, optional
        Known part of the mean of every response.
    na_action : {"drop", "raise"}
        What to do with missing values. Rows are dropped response by response; responses that miss the same
        rows share a design.
    contrasts, env
        As in `henderson.lmm`.
    ddf : {"satterthwaite", "kenward-roger", "residual", "none"}
        Degrees of freedom of the tests. Kenward-Roger takes a few milliseconds for each response.
    threads : int, optional
        By default `henderson.get_threads()`. No number depends on it.
    max_evaluations, tol
        As in `henderson.lmm`.

    Returns
    -------
    ManyFits
        ``.estimates``, ``.variances``, ``.fits`` and ``.failures`` are tidy frames, ``.top(term)`` the
        smallest p-values, ``.fit(name)`` the whole fit of one response, ``.plot()`` a volcano plot.

    Raises
    ------
    FormulaError, DataError, DesignError, OptionError
        What is wrong with the design, the options or the shape of the responses. What is wrong with single
        responses (constant, infinite, nothing left to explain) is written down in ``.fits``, their numbers
        are NaN, and the others go on.

    Notes
    -----
    About seven evaluations of the criterion for each response and 2 n_theta more for degrees of freedom:
    about 0.2 ms each for the sleep study, on one core. Memory: a block of responses per thread, and the
    tables. The q-values are Benjamini and Hochberg's, over the responses, for each fixed effect.

    References
    ----------
    Benjamini & Hochberg (1995), J. R. Stat. Soc. B 57, 289-300.

    Examples
    --------
    >>> import henderson as hd
    >>> sleep = hd.datasets.load("sleepstudy")
    >>> fit = hd.lmm("Reaction ~ Days + (Days | Subject)", sleep)
    >>> many = hd.lmm_many("~ Days + (Days | Subject)", sleep, fit.simulate(200, seed=1).T)
    >>> many.estimates.shape
    (400, 8)
    >>> bool(abs(many.record.estimate[7, 1] / many.fit(7).fixef["Days"] - 1) < 1e-8)
    True
    """
    from henderson.inference.many.compute import fit_many, jobs_of
    from henderson.inference.many.designs import recipe
    from henderson.inference.many.found import Limits
    from henderson.inference.many.read import read_responses
    from henderson.inference.small_sample.record import check_ddf

    if not isinstance(reml, (bool, np.bool_)):
        raise OptionError(f"reml={reml!r}: choose True (REML) or False (maximum likelihood).")
    kind, jobs = check_ddf(ddf).replace("auto", "satterthwaite"), jobs_of(threads, available())
    limits = Limits(
        positive(tol, DEFAULT_TOL, "tol"),
        int(positive(max_evaluations, DEFAULT_MAX_EVALUATIONS, "max_evaluations")),
    )
    frame = open_frame(data)
    given = read_responses(responses, data, frame)
    own = _own_weights(weights, data, frame, len(given))
    options = {
        "weights": None if own is not None else align(weights, "weights", data),
        "offset": align(offset, "offset", data),
        "na_action": na_action,
        "contrasts": contrasts,
        "env": env,
    }
    how = recipe(formula, frame, given.in_data, options)
    record = fit_many(
        given,
        how,
        reml=bool(reml),
        ddf=kind,
        jobs=jobs,
        limits=limits,
        refuse_missing=na_action == "raise",
        weights=own,
    )
    warn_of_design(record.notes, stacklevel=3)
    asked = Asked(how.right, given, held(data), options, bool(reml), own, limits.tol, limits.most)
    return ManyFits(record, frame_kind(data), asked)


def _own_weights(weights: Any, data: Any, frame: Frame, count: int) -> Any:
    """Weights given as one column per response, or None."""
    from henderson.inference.many.read import read_responses

    if weights is None or isinstance(weights, str) or getattr(weights, "ndim", 1) != 2:
        return None
    own = read_responses(weights, data, frame, "weights")
    if len(own) != count:
        raise OptionError(
            f"weights= has {len(own)} columns for {count} responses; give one column, or one for each."
        )
    return own
