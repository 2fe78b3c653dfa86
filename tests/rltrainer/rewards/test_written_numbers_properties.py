from decimal import Decimal
from fractions import Fraction

from hypothesis import assume, given
from hypothesis import strategies as st

from rltrainer.rewards.written_numbers import last_number, parse_number

SMALL = st.integers(-(10**12), 10**12)
DECIMALS = st.decimals(allow_nan=False, allow_infinity=False, min_value=-(10**15), max_value=10**15, places=6)


def _with_minus(value, text):
    """A text of the absolute value with every spelling of its sign."""
    return [f"{sign}{text}" for sign in (("-", "\u2212", "-$", "$-") if value < 0 else ("", "+", "$", "\u20ac"))]


@st.composite
def written(draw):
    """A rational with its texts in every notation that has it."""
    value = draw(st.one_of(SMALL, DECIMALS, st.fractions(max_denominator=10**6).filter(lambda v: abs(v) < 10**12)))
    exact = Fraction(value)
    above, below = abs(exact.numerator), exact.denominator
    forms = [
        f"{above}/{below}",
        f"{above:,}/{below}",
        rf"\frac{{{above}}}{{{below}}}",
        rf"\dfrac{{{above:,}}}{{{below}}}",
    ]
    if above > below > 1:
        rest = f"{above // below}", above % below
        forms += [f"{rest[0]} {rest[1]}/{below}", rf"{rest[0]}\frac{{{rest[1]}}}{{{below}}}"]
    if not isinstance(value, Fraction):
        plain = abs(Decimal(value))
        exponent = draw(st.integers(-20, 20))
        shifted = plain.scaleb(-exponent)
        forms += [f"{plain:f}", f"{plain:,f}", f"{plain:,f}".replace(",", "\u202f"), f"{plain:,f}".replace(",", r"\,")]
        forms += [
            f"{shifted:f}e{exponent}",
            f"{shifted:f}\u00d710^{exponent}",
            rf"{shifted:f} \times 10^{{{exponent}}}",
        ]
        forms += [form.removeprefix("0") for form in forms if form.startswith("0.")]
    return exact, [text for form in forms for text in _with_minus(exact, form)]


@given(written())
def test_any_rational_in_any_notation_is_read_back_exactly(case):
    value, texts = case
    for text in texts:
        assert parse_number(text) == value, text
        assert last_number(f"First 12, and so the answer is {text}.") == value, text
        assert last_number(rf"so $\boxed{{{text}}}$ with 3 checks") == value, text


@given(written(), written())
def test_different_values_are_never_equal(first, second):
    assume(first[0] != second[0])
    known = {parse_number(text) for text in first[1]} | {last_number(f"it is {text}.") for text in first[1]}
    assert known.isdisjoint({parse_number(text) for text in second[1]})


@given(st.floats(allow_nan=False, allow_infinity=False))
def test_any_float_is_read_as_json_spells_it(value):
    assert float(parse_number(value)) == value == float(parse_number(repr(value)))


DIGITS = st.sampled_from(["1", "2", "07", "10", "100", "000", "0", "12"])
BETWEEN = [
    ".",
    ",",
    " ",
    "/",
    "e",
    "^",
    "-",
    " 1/",
    "\u00d710^",
    "\u202f",
    "'",
    "*",
    ":",
    r"\frac1",
    "}{",
    "\u00bd",
    "",
]
HEADS = ["", "", "-", "+", "\u2212", "$", "-$", "$-", ".", r"\frac{", "(", "{", "=", "-.", "--"]


@given(st.sampled_from(HEADS), st.lists(st.tuples(DIGITS, st.sampled_from(BETWEEN)), max_size=4), DIGITS, st.data())
def test_what_metadata_may_be_a_response_is_read_as_too(head, middle, last, data):
    text = head + "".join(f"{digits}{joint}" for digits, joint in middle) + last
    text += data.draw(st.sampled_from(["", "%", "}", ".", " $", "x"]))
    try:
        value = parse_number(text)
    except ValueError:
        value = None
    assert value is None or last_number(text) == last_number(f"It = {text}") == value
