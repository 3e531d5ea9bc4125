"""The base of everything that a fit answers with a table: it prints, shows itself and turns into a frame."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from henderson.inference.frames import make_frame
from henderson.results.elsewhere import missing_in_table

if TYPE_CHECKING:
    import numpy as np

    from henderson.display.table import TableView


class Shown:
    """A table of results: text in a terminal, HTML in a notebook, `to_frame()` for further work.

    Subclasses say what the columns are (`columns`) and how they read (`_view`).

    Parameters
    ----------
    record : frozen record
        The numbers; also reachable as `.record`.
    kind : {"pandas", "polars", "pyarrow"}
        Kind of frame that `to_frame` returns: that of the data.
    """

    def __init__(self, record: Any, kind: str = "pandas") -> None:
        self.record, self.kind = record, kind

    def columns(self) -> Mapping[str, Any]:
        """Return the table as named columns, tidy names."""
        columns: Mapping[str, Any] = self.record.columns()
        return columns

    def _view(self) -> TableView:
        """Return the title, cells and notes."""
        raise NotImplementedError  # each kind of table says how it reads; tables by groups print `_blocks`

    def __getitem__(self, name: str) -> np.ndarray:
        """Return one column as an array."""
        import numpy as np

        columns = self.columns()
        if name not in columns:
            raise KeyError(f"{name!r} is no column of this table; it has {', '.join(columns)}.")
        return np.asarray(columns[name])

    if not TYPE_CHECKING:  # type checkers shall go on to find misspelt attributes

        def __getattr__(self, name: str) -> Any:
            kind = type(self)
            if name.startswith("_") or "record" not in self.__dict__ or hasattr(kind, name):
                return object.__getattribute__(self, name)
            raise AttributeError(missing_in_table(name, kind.__name__, dir(kind), self.columns()))

    def to_frame(self) -> Any:
        """Return the table as a data frame of the kind that the data came in."""
        return make_frame(self.kind, self.columns())

    def __str__(self) -> str:
        from henderson.display.table import table_text

        return table_text(self._view())

    __repr__ = __str__

    def _repr_html_(self) -> str:
        return self.to_html()

    def to_html(self) -> str:
        """Return one self-contained ``<div>`` that follows the page's colours, light or dark."""
        from henderson.display.table import table_view_html

        return table_view_html(self._view())
