"""What formulas mean: terms, bars, nesting, spelling, and what is refused with a caret."""

from __future__ import annotations

import pytest

from henderson.errors import FormulaError
from henderson.formula import read_formula
from henderson.formula.deparse import deparse, number_text
from henderson.formula.parser import parse_expression


def fixed(text):
    """Return the fixed terms of a formula as readable text."""
    terms = read_formula(text).fixed
    return [":".join(terms.variables[v].name for v in term) for term in terms.terms], terms.intercept


def random(text):
    """Return the random terms of a formula as (columns, constant, group)."""
    result = []
    for part in read_formula(text).random:
        names = [":".join(part.terms.variables[v].name for v in term) for term in part.terms.terms]
        result.append((names, part.terms.intercept, part.grouping.name))
    return result


@pytest.mark.parametrize(
    ("text", "terms", "intercept"),
    [
        ("a + b", ["a", "b"], True),
        ("a * b", ["a", "b", "a:b"], True),
        ("b:a + a", ["a", "b:a"], True),
        ("a / b", ["a", "a:b"], True),
        ("(a + b) / c", ["a", "b", "a:b:c"], True),
        ("a + b %in% a", ["a", "a:b"], True),
        ("(a + b + c)^2", ["a", "b", "c", "a:b", "a:c", "b:c"], True),
        ("(a + b)**2 - a:b", ["a", "b"], True),
        ("(a + b)^1000000", ["a", "b", "a:b"], True),
        ("a * b * c - a:b:c", ["a", "b", "c", "a:b", "a:c", "b:c"], True),
        ("a - 1", ["a"], False),
        ("-1 + a", ["a"], False),
        ("0 + a", ["a"], False),
        ("a + 0 + 1", ["a"], True),
        ("a - 0", ["a"], True),
        ("1", [], True),
        ("0", [], False),
        ("a + a + a", ["a"], True),
        ("a:a", ["a"], True),
        ("a - a", [], True),
        ("+a", ["a"], True),
        ("`a b` + Q('a b')", ["`a b`"], True),
        ("np.log(x) + log(x)", ["np.log(x)", "log(x)"], True),
        ("I(x ** 2) + I(x^2)", ["I(x^2)"], True),
        ("offset(a) + b", ["b"], True),
        ("a.b + .c + d_e", ["a.b", ".c", "d_e"], True),
        ("größe", ["größe"], True),
        ("a\n + b", ["a", "b"], True),
    ],
)
def test_fixed_terms(text, terms, intercept):
    assert fixed("y ~ " + text) == (terms, intercept)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("(1|g)", [([], True, "g")]),
        ("(x|g)", [(["x"], True, "g")]),
        ("(0+x|g)", [(["x"], False, "g")]),
        ("(x-1|g)", [(["x"], False, "g")]),
        ("(x||g)", [([], True, "g"), (["x"], False, "g")]),
        ("(0+x||g)", [(["x"], False, "g")]),
        ("(a*x||g)", [([], True, "g"), (["a"], False, "g"), (["x"], False, "g"), (["a:x"], False, "g")]),
        ("(1|a/b)", [([], True, "b:a"), ([], True, "a")]),
        ("(1|a/b/c)", [([], True, "c:(b:a)"), ([], True, "b:a"), ([], True, "a")]),
        ("(1|a:b)", [([], True, "a:b")]),
        ("(1|a)+(1|b)", [([], True, "a"), ([], True, "b")]),
        ("(x||a/b)", [([], True, "b:a"), ([], True, "a"), (["x"], False, "b:a"), (["x"], False, "a")]),
        ("((1|g))", [([], True, "g")]),
        ("(1|factor(id))", [([], True, "factor(id)")]),
        ("(1|`a b`)", [([], True, "a b")]),
        ("(1||g)", [([], True, "g")]),
    ],
)
def test_random_terms(text, expected):
    assert random("y ~ x + " + text) == expected


def test_bars_inside_functions_are_logic():
    formula = read_formula("y ~ I(x > 1 | z > 1) + (1 | g)")
    assert formula.fixed.variables[0].name == "I(x > 1 | z > 1)"
    assert len(formula.random) == 1


def test_the_constant_survives_bars_in_every_place():
    for text in ("y ~ (1|g)", "y ~ (1|g) + x", "y ~ x + ((1|g) + z)", "y ~ 1 + (x|g)"):
        assert read_formula(text).fixed.intercept
    assert not read_formula("y ~ (1|g) - 1").fixed.intercept
    assert not read_formula("y ~ 0 + (1|g)").fixed.intercept


@pytest.mark.parametrize(
    ("text", "printed"),
    [
        ("sin( 2*pi *x )", "sin(2 * pi * x)"),
        ("poly(x,2,raw=True)", "poly(x, 2, raw = TRUE)"),
        ("a/b%%c", "a/b%%c"),
        ("-(x+1)**2", "-(x + 1)^2"),
        ("x>=1&!y", "x >= 1 & !y"),
        ("f('a', \"b\")", 'f("a", "b")'),
        ("[1, 2.50]", "c(1, 2.5)"),
        ("1e5+1e-5+123456+0.1+1L", "1e+05 + 1e-05 + 123456 + 0.1 + 1"),
        ("2^-1", "2^-1"),
    ],
)
def test_spelling_is_that_of_r(text, printed):
    assert deparse(parse_expression(text)) == printed


def test_numbers_survive_spelling():
    for value in (1.5, 1e-300, 1e300, 123456789012345.0, 0.1, 3.0, 1e15, 12345.678, 1e-4, 2.5e-3):
        assert float(number_text(value)) == value


@pytest.mark.parametrize(
    ("text", "message", "marked"),
    [
        ("y ~ x*(1|g)", "only be added with", "1|g"),
        ("y ~ a - (1|g)", "cannot be subtracted", "1|g"),
        ("y ~ x:(1|g)", "only be added with", "1|g"),
        ("y ~ x + 1|g", "needs parentheses", "x + 1|g"),
        ("y ~ (x | g | h)", "one bar", "x | g"),
        ("y ~ (1|g", "never closed", "("),
        ("y ~ x)", "closes nothing", ")"),
        ("y ~ (x", "never closed", "("),
        ("y ~ x + + ", "ends where", " "),
        ("y ~ x + * z", "cannot stand here", "*"),
        ("y ~ (1|a*b)", "grouping factor", "a*b"),
        ("y ~ (1|a+b)", "grouping factor", "a+b"),
        ("y ~ (1|2)", "not a number", "2"),
        ("y ~ (0|g)", "Nothing varies", "0|g"),
        ("y ~ (x+offset(z)|g)", "offset", "x+offset(z)"),
        ("y ~ logg(x)", "Did you mean log", "logg"),
        ("y ~ frobnicate(x)", "There are: ", "frobnicate"),
        ("y ~ s(x)", "ns\\(x, df\\)", "s"),
        ("cbind(a, b) ~ x", "several columns", "cbind"),
        ("y ~ poly(x, deg=2)", "no argument 'deg'", "poly(x, deg=2)"),
        ("y ~ poly()", "got 0 arguments", "poly()"),
        ("y ~ log(x, 2, 3)", "takes 1 to 2", "log(x, 2, 3)"),
        ("y ~ x$a", "no meaning", "$"),
        ("y ~ x[1]", "subscripted", "["),
        ("y ~ x.shape()", "Unknown function", "x.shape"),
        ("y ~ x ~ z", "one '~'", "~"),
        ("~ x", "response is missing", "~"),
        ("y", "no '~'", "y"),
        ("y ~ 2", "Only 1", "2"),
        ("y ~ 'x'", "back-quotes", "'x'"),
        ("y ~ x > 2", "no part of a model", "x > 2"),
        ("y ~ x^z", "exponent", "x^z"),
        ("y ~ x^2.5", "exponent", "x^2.5"),
        ("y ~ x^0", "exponent", "x^0"),
        ("y ~ x %o% z", "Unknown operator", "%o%"),
        ("y ~ `x", "no meaning", "`"),
        ("y ~ lambda x: x", "cannot stand", "x"),
        ("y ~ 1e999", "too large", "1e999"),
        ("(1|g) ~ x", "right of '~'", "1|g"),
        ("y ~ x := 2", "cannot stand here", "="),
    ],
)
def test_refused_with_a_caret(text, message, marked):
    with pytest.raises(FormulaError, match=message) as caught:
        read_formula(text)
    error = caught.value
    assert error.start is not None
    line, caret = str(error).splitlines()[-2:]
    assert (line[len(line) - len(text) :], set(caret.strip())) == (text, {"^"})
    assert (text + " ")[error.start : error.stop] == marked


@pytest.mark.parametrize(
    "text",
    [
        "y ~ " + "(" * 500 + "x" + ")" * 500,
        "y ~ " + "-" * 5000 + "x",
        "y ~ " + "*".join(f"x{i}" for i in range(300)),
        "y ~ " + "*".join(f"x{i}" for i in range(40)),
        "y ~ " + "^2" * 300,
        "y ~ (" + "+".join(f"x{i}" for i in range(400)) + ")^9",
        "y ~ " + "log(" * 300 + "x" + ")" * 300,
        "y ~ " + "((a*a*a*a*a*a*a*a*a*a*a*a*a*a*a*a*a*a*a*a)" * 20,
        "y ~ I(" + "(" * 4 + "x" + ("*2" * 60 + ")") * 4 + ")",
        "",
        "   ",
    ],
)
def test_monsters_are_refused_quickly(text):
    with pytest.raises(FormulaError):
        read_formula(text)


def test_long_sums_are_fine():
    names = [f"x{i}" for i in range(2000)]
    assert fixed("y ~ " + " + ".join(names))[0] == names


def test_response_on_the_right_is_refused():
    with pytest.raises(FormulaError, match="right of '~' as well"):
        read_formula("y ~ x + y + (1 | g)")


def test_reading_is_cached():
    assert read_formula("y ~ x + (1 | g)") is read_formula("y ~ x + (1 | g)")


def test_functions_of_the_caller_are_known():
    assert read_formula("y ~ f(x) + (1|g)", frozenset({"f"})).calls == {"f"}
    with pytest.raises(FormulaError, match="env"):
        read_formula("y ~ f(x) + (1|g)")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("y ~ x + 1|school", r"y ~ x \+ \(1 \| school\)"),
        ("y ~ x + z + w|school", r"y ~ x \+ z \+ \(w \| school\)"),
        ("y ~ 1|school", r"y ~ \(1 \| school\)"),
        ("y = x + (1 | g)", "'~', not '='"),
        ("y ~ x + (x | )", r"grouping factor is missing after '\|'"),
        ("y ~ x + (x |", r"grouping factor is missing after '\|'"),
        ("y ~ poly(x, w, degree = 2) + (1 | g)", r"one variable.*poly\(x, 2\) \+ poly\(w, 2\)"),
        ("y ~ my x + (1 | g)", "back-quotes: `my x`"),
        ("y ~ z + (my x | g)", "back-quotes: `my x`"),
    ],
)
def test_what_was_meant_is_suggested(text, message):
    with pytest.raises(FormulaError, match=message):
        read_formula(text)
