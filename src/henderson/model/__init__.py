"""The criterion of a linear mixed model as a function of theta."""

from henderson.model.criterion import Evaluator, criterion
from henderson.model.linear import LinearMixedModel

__all__ = ["Evaluator", "LinearMixedModel", "criterion"]
