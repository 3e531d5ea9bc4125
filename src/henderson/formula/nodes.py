"""The expression tree of a formula: plain frozen records that hold what was typed and where.

Nothing in a tree can be run. A tree is walked by `terms` (what the formula means), by `deparse` (how R would
print it) and by the evaluator of the design, which knows a fixed vocabulary and nothing else.
"""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Node:
    """Base of all nodes; `start` and `stop` are the characters of the formula it came from."""

    start: int = field(compare=False)
    stop: int = field(compare=False)


@dataclass(frozen=True, slots=True)
class Name(Node):
    """A column, a constant such as ``pi``, or the dot that stands for all other columns."""

    text: str


@dataclass(frozen=True, slots=True)
class Number(Node):
    """A literal number."""

    value: float


@dataclass(frozen=True, slots=True)
class Text(Node):
    """A quoted string."""

    value: str


@dataclass(frozen=True, slots=True)
class Constant(Node):
    """``TRUE``, ``FALSE``, ``NULL``, ``Inf`` or their Python spellings; `value` is None for ``NULL``."""

    value: float | bool | None


@dataclass(frozen=True, slots=True)
class Call(Node):
    """A function applied to arguments; each argument is (keyword or None, expression)."""

    function: str
    arguments: tuple[tuple[str | None, Node], ...]


@dataclass(frozen=True, slots=True)
class Unary(Node):
    """A sign or a negation before an expression."""

    operator: str
    operand: Node


@dataclass(frozen=True, slots=True)
class Binary(Node):
    """Two expressions joined by any operator but plus and minus."""

    operator: str
    left: Node
    right: Node


@dataclass(frozen=True, slots=True)
class Sum(Node):
    """A chain of plus and minus, kept flat so that long formulas are not deep; the first sign is plus."""

    items: tuple[tuple[str, Node], ...]


@dataclass(frozen=True, slots=True)
class Paren(Node):
    """An expression in parentheses."""

    inner: Node


def children(node: Node) -> tuple[Node, ...]:
    """Return the nodes directly below `node`."""
    if isinstance(node, Call):
        return tuple(argument for _, argument in node.arguments)
    if isinstance(node, Binary):
        return (node.left, node.right)
    if isinstance(node, Sum):
        return tuple(item for _, item in node.items)
    if isinstance(node, Unary):
        return (node.operand,)
    if isinstance(node, Paren):
        return (node.inner,)
    return ()


def unwrap(node: Node) -> Node:
    """Return `node` without the parentheses around it."""
    while isinstance(node, Paren):
        node = node.inner
    return node
