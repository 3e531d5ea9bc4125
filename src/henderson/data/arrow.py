"""Text and categories held by Arrow → factors, without a Python object per row."""

from __future__ import annotations

from typing import Any

import numpy as np

from henderson.data.columns import Factor


def arrow_of(native: Any) -> Any | None:
    """Return a column of polars or pyarrow as an Arrow array; None where only Python objects would do.

    Parameters
    ----------
    native : polars Series, pyarrow ChunkedArray, or anything else

    Returns
    -------
    pyarrow Array, ChunkedArray, or None
    """
    if hasattr(native, "combine_chunks"):
        return native
    try:
        import pyarrow  # noqa: F401
    except ImportError:
        return None
    return native.to_arrow() if type(native).__module__.startswith("polars") else None


def factor_from_arrow(array: Any, *, declared: bool, ordered: bool = False) -> Factor:
    """Turn Arrow text or an Arrow dictionary into a factor.

    Parameters
    ----------
    array : pyarrow Array or ChunkedArray
        Text, or dictionary-encoded labels.
    declared : bool
        Whether the order of the dictionary is the order of the levels; else they are sorted.
    ordered : bool
        Whether that order has a meaning.

    Returns
    -------
    Factor

    Notes
    -----
    Arrow's hash table for text, O(n); Python touches distinct labels only.
    """
    import pyarrow

    if not pyarrow.types.is_dictionary(array.type):
        array = array.dictionary_encode()
    if isinstance(array, pyarrow.ChunkedArray):
        array = array.unify_dictionaries().combine_chunks()
    if isinstance(array, pyarrow.ChunkedArray):  # some releases keep one chunk wrapped
        array = array.chunk(0) if array.num_chunks else pyarrow.array([], array.type)
    codes = array.indices.cast(pyarrow.int32()).fill_null(-1).to_numpy(zero_copy_only=False)
    found = array.dictionary.to_pylist()
    labels = [label if isinstance(label, (str, int, float, bool)) else str(label) for label in found]
    if declared:
        return Factor(np.ascontiguousarray(codes, dtype=np.int32), tuple(labels), ordered)
    present = np.flatnonzero(np.bincount(codes[codes >= 0], minlength=len(labels))).tolist()
    order = sorted(present, key=labels.__getitem__)
    table = np.full(len(labels) + 1, -1, dtype=np.int32)
    table[order] = np.arange(len(order), dtype=np.int32)
    return Factor(table[codes], tuple(labels[i] for i in order))
