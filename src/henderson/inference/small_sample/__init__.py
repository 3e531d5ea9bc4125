"""Degrees of freedom and covariances that hold in small samples: Satterthwaite and Kenward-Roger."""

from henderson.inference.small_sample.compute import best_available, small_sample
from henderson.inference.small_sample.contrasts import FTest, TTests, f_test, t_tests
from henderson.inference.small_sample.record import (
    DDF,
    INFORMATION,
    SmallSample,
    check_ddf,
    check_information,
)

__all__ = [
    "DDF",
    "INFORMATION",
    "FTest",
    "SmallSample",
    "TTests",
    "best_available",
    "check_ddf",
    "check_information",
    "f_test",
    "small_sample",
    "t_tests",
]
