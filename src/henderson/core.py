"""The compiled core, with LAPACK borrowed from SciPy on first use."""

from __future__ import annotations

from functools import cache
from types import ModuleType


@cache
def core() -> ModuleType:
    """The extension module, ready to use.

    SciPy publishes BLAS and LAPACK as Cython capsules; the core takes its routines from there, so that
    nothing is linked or shipped twice. Imported late because `scipy.linalg` costs about 0.1 s.
    """
    from scipy.linalg import cython_blas, cython_lapack

    from henderson import _core
    from henderson.threads import threads

    _core.ask_threads(threads)
    _core.borrow_lapack(cython_blas.__pyx_capi__, cython_lapack.__pyx_capi__)
    return _core
