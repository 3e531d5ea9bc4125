"""Pictures of a fit within reach of a dot: ``fit.plot.lattice()``."""

from __future__ import annotations

import difflib
from importlib import import_module
from typing import TYPE_CHECKING, Any

from henderson.errors import OptionError
from henderson.results.options import named_options
from henderson.results.tables import Tables

if TYPE_CHECKING:
    from henderson.results.fit import LinearMixedFit

NAMES = (
    "lattice", "one", "spaghetti", "histogram", "strip", "design",
    "forest", "effect",
    "caterpillar", "ranef_distribution", "ranef_correlation", "shrinkage",
    "residuals", "qq", "scale_location", "residuals_by", "scaled_residuals", "cooks", "dfbetas",
    "profile",
)  # fmt: skip
"""Pictures that a fit offers, in the order in which one looks at them."""


class Pictures:
    """Pictures of one fit; every function of `henderson.plot` that draws a fit is a method here.

    Each returns matplotlib axes, takes `ax` (or `axes` where there are several) to draw into, and the options
    of the function of the same name.

    Parameters
    ----------
    fit : LinearMixedFit
        What is drawn.

    Examples
    --------
    >>> import henderson as hd
    >>> fit = hd.lmm("Reaction ~ Days + (Days | Subject)", hd.datasets.load("sleepstudy"))
    >>> fit.plot
    Pictures: fit.plot.lattice(), .one(), .spaghetti(), .histogram(), .strip(), .design(),
    .forest(), .effect(), .caterpillar(), .ranef_distribution(), .ranef_correlation(),
    .shrinkage(), .residuals(), .qq(), .scale_location(), .residuals_by(),
    .scaled_residuals(), .cooks(), .dfbetas(), .profile()
    >>> fit.plot.caterpillar(effect="Days").get_title(loc="left")
    'Days by Subject'
    """

    __slots__ = ("_fit",)

    def __init__(self, fit: LinearMixedFit) -> None:
        self._fit = fit

    def __call__(self, *args: object, **options: object) -> None:
        """Say which pictures there are: a fit has no single one."""
        raise OptionError(f"fit.plot() is not a picture by itself; type for example fit.plot.qq().\n{self!r}")

    if not TYPE_CHECKING:  # type checkers shall go on to find misspelt names

        def __getattr__(self, name: str) -> Any:
            near = [] if name.startswith("_") else difflib.get_close_matches(name.lower(), NAMES, 1)
            hint = f"Did you mean fit.plot.{near[0]}()?" if near else "Printed, fit.plot lists what there is."
            raise AttributeError(f"fit.plot has no picture {name!r}. {hint}")

    def __repr__(self) -> str:
        import textwrap

        text = ", ".join(f".{name}()" for name in NAMES)
        return "\n".join(textwrap.wrap(f"Pictures: fit.plot{text}", 80))

    @named_options
    def lattice(
        self, x: str | None = None, group: str | None = None, *, columns: int = 6, axes: Any = None
    ) -> Any:
        """One panel per group: data, the group's line, the population's; see `henderson.plot.lattice`."""
        return _draw("lattice")(self._fit, x, group, columns=columns, axes=axes)

    @named_options
    def one(self, level: object, x: str | None = None, group: str | None = None, *, ax: Any = None) -> Any:
        """One group with its lines and their equations; see `henderson.plot.one`."""
        return _draw("one")(self._fit, level, x, group, ax=ax)

    @named_options
    def spaghetti(
        self, x: str | None = None, group: str | None = None, *, mark: Any = (), ax: Any = None
    ) -> Any:
        """The course of every group; see `henderson.plot.spaghetti`."""
        return _draw("spaghetti")(self._fit, x, group, mark=mark, ax=ax)

    @named_options
    def histogram(self, *, ax: Any = None) -> Any:
        """The response as a histogram; see `henderson.plot.histogram`."""
        return _draw("histogram")(self._fit, ax=ax)

    @named_options
    def strip(self, group: str | None = None, *, ax: Any = None) -> Any:
        """The response by group; see `henderson.plot.strip`."""
        return _draw("strip")(self._fit, group, ax=ax)

    @named_options
    def design(self, rows: str | None = None, columns: str | None = None, *, ax: Any = None) -> Any:
        """Which group meets which; see `henderson.plot.design`."""
        return _draw("design")(self._fit, rows, columns, ax=ax)

    @named_options
    def forest(
        self,
        terms: Any = None,
        *,
        standardised: bool = False,
        level: float = 0.95,
        ddf: str = "auto",
        ax: Any = None,
    ) -> Any:
        """Fixed effects with their intervals; see `henderson.plot.forest`."""
        return _draw("forest")(self._fit, terms, standardised=standardised, level=level, ddf=ddf, ax=ax)

    @named_options
    def effect(
        self,
        x: str | None = None,
        by: str | None = None,
        *,
        data: bool = True,
        level: float = 0.95,
        ax: Any = None,
    ) -> Any:
        """The population's mean along a variable, with its band; see `henderson.plot.effect`."""
        return _draw("effect")(self._fit, x, by, data=data, level=level, ax=ax)

    @named_options
    def caterpillar(
        self, group: str | None = None, effect: str | None = None, *, level: float = 0.95, ax: Any = None
    ) -> Any:
        """Random effects in order, with intervals; see `henderson.plot.caterpillar`."""
        return _draw("caterpillar")(self._fit, group, effect, level=level, ax=ax)

    @named_options
    def ranef_distribution(
        self, group: str | None = None, effect: str | None = None, *, ax: Any = None
    ) -> Any:
        """Random effects as a histogram; see `henderson.plot.ranef_distribution`."""
        return _draw("ranef_distribution")(self._fit, group, effect, ax=ax)

    @named_options
    def ranef_correlation(self, group: str | None = None, effects: Any = None, *, ax: Any = None) -> Any:
        """Two random effects against each other; see `henderson.plot.ranef_correlation`."""
        return _draw("ranef_correlation")(self._fit, group, effects, ax=ax)

    @named_options
    def shrinkage(self, terms: Any = None, group: str | None = None, *, ax: Any = None) -> Any:
        """From every group alone to partial pooling; see `henderson.pooling`."""
        # By name as well: it makes fits, so that fits cannot import it.
        found = import_module("henderson.results.pooling").pooling(self._fit, group=group, refit=False)
        return found.plot("shrinkage", terms=terms, ax=ax)

    @named_options
    def residuals(self, *, ax: Any = None) -> Any:
        """Residuals against fitted values; see `henderson.plot.residuals`."""
        return _draw("residuals")(self._fit, ax=ax)

    @named_options
    def qq(self, *, ax: Any = None) -> Any:
        """Residuals against normal quantiles; see `henderson.plot.qq`."""
        return _draw("qq")(self._fit, ax=ax)

    @named_options
    def scale_location(self, *, ax: Any = None) -> Any:
        """Size of the residuals against fitted values; see `henderson.plot.scale_location`."""
        return _draw("scale_location")(self._fit, ax=ax)

    @named_options
    def residuals_by(self, by: str | None = None, *, ax: Any = None) -> Any:
        """Residuals by group or predictor; see `henderson.plot.residuals_by`."""
        return _draw("residuals_by")(self._fit, by, ax=ax)

    def scaled_residuals(self, **options: Any) -> Any:
        """Scaled residuals, uniform under the model; see `henderson.plot.scaled_residuals`."""
        return _draw("scaled_residuals")(self._fit, **options)

    @named_options
    def cooks(self, by: str | None = None, *, ax: Any = None) -> Any:
        """Cook's distances of groups or rows; see `henderson.plot.cooks`."""
        return _draw("cooks")(self._fit, by, ax=ax)

    @named_options
    def dfbetas(self, by: str | None = None, *, terms: Any = None) -> Any:
        """Changes of the fixed effects without each group; see `henderson.plot.dfbetas`."""
        return _draw("dfbetas")(self._fit, by, terms=terms)

    @named_options
    def profile(self, kind: str = "zeta", *, parm: Any = None, axes: Any = None) -> Any:
        """Profiles of the parameters; see `LinearMixedFit.profile`."""
        return self._fit.profile().plot(kind, parm=parm, axes=axes)


def _draw(name: str) -> Any:
    """Return a function of `henderson.plot`; by name, as no module imports a higher floor."""
    return getattr(import_module("henderson.plot"), name)


class Pictured(Tables):
    """Shelf of a fit: pictures; see `LinearMixedFit`."""

    @property
    def plot(self) -> Pictures:
        """Pictures of the fit: ``fit.plot.lattice()``, ``fit.plot.qq()``, …; printed, it lists them."""
        return Pictures(self)  # type: ignore[arg-type]
