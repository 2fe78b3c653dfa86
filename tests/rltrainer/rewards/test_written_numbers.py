from decimal import Decimal
from fractions import Fraction

import pytest

from rltrainer.rewards.time_limit import time_limit
from rltrainer.rewards.written_numbers import last_number, parse_number

# Whole numbers of the grammar, for answers and for metadata alike.
NUMBERS = [
    ("18", 18),
    ("18.0", 18),
    ("+7", 7),
    ("007", 7),
    ("5.", 5),
    (".2", "1/5"),
    ("-.5", "-1/2"),
    ("-7", -7),
    ("\u22122", -2),
    ("\u20132", -2),
    ("-$5", -5),
    ("$-5", -5),
    ("\u20ac1,234.50", "1234.5"),
    ("5 \u00a3", 5),
    (r"\$5", 5),
    ("$5$", 5),
    ("50%", 50),
    (r"50\%", 50),
    ("1,234,567", 1234567),
    ("1\u202f234\u202f567.5", "1234567.5"),
    ("1\u00a0000", 1000),
    (r"1\,000", 1000),
    ("1{,}000", 1000),
    (r"1,\!000", 1000),
    ("1'000", 1000),
    ("1.000", 1),
    ("1.5e3", 1500),
    ("1e2", 100),
    ("2E-3", "1/500"),
    ("1.5\u00d710^3", 1500),
    ("1.5 x 10^{-3}", "3/2000"),
    (r"1.5 \times 10^3", 1500),
    ("1.5\u00b710\u207b\u00b3", "3/2000"),
    ("2*10**3", 2000),
    ("10^6", 1000000),
    ("1/2", "1/2"),
    ("-3 / 4", "-3/4"),
    ("3/-4", "-3/4"),
    ("1,000/3", "1000/3"),
    (r"\frac{1}{2}", "1/2"),
    (r"-\dfrac{3}{4}", "-3/4"),
    (r"\tfrac{-3}{4}", "-3/4"),
    (r"\frac12", "1/2"),
    ("2 1/2", "5/2"),
    ("-2 1/2", "-5/2"),
    (r"2\frac{1}{2}", "5/2"),
    ("2\u00bd", "5/2"),
    ("\u2154", "2/3"),
    ("\u0663\u066b\u0665", "7/2"),
]


@pytest.mark.parametrize(("text", "value"), NUMBERS)
def test_a_number_is_read_alike_in_metadata_and_in_answers(text, value):
    assert parse_number(text) == Fraction(value)
    assert last_number(f"First 3, then it is {text}") == Fraction(value)
    assert last_number(f"{text} apples.") == Fraction(value)
    assert last_number(rf"It is $\boxed{{{text}}}$, I tried 3 times.") == Fraction(value)


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("First 3, then 4.", 4),
        ("18 or 19", 19),
        ("12,34", 34),
        ("1,2,3", 3),
        ("A4 has 5", 5),
        ("5kg", 5),
        ("12%", 12),
        ("US$5", 5),
        ("USD5", 5),
        ("Rs500", 500),
        ("5\u20ac", 5),
        ("3x faster", 3),
        ("0x", 0),
        ("No.5", 5),
        (r"\approx5", 5),
        ("\u7b54\u6848\u662f18", 18),
        ("1e-3 m", Fraction(1, 1000)),
        ("x=-5", -5),
        ("x = - 5", -5),
        ("between 3-5", 5),
        ("7 - 3", 3),
        ("f(x)-3", 3),
        ("COVID-19", 19),
        ("- 5 apples", 5),
        ("**-5**", -5),
        ("he came 3rd", 3),
        ("5\u00b0", 5),
        (r"5^\circ", 5),
        ("an area of 9 m^2", 9),
        ("9 m\u00b2", 9),
        (r"9\text{ cm}^{2}", 9),
        ("wait...5", 5),
        ("#### 42", 42),
        (r"\boxed{x = 12} and not \boxed{13}, no: \boxed{\text{12 cm}}, said 14", 12),
        ("1\n000", 0),
        ("\\[\nx = 5\n\\]", 5),
    ],
)
def test_the_last_number_of_a_text(text, value):
    assert last_number(text) == value


@pytest.mark.parametrize(
    "text",
    [
        "",
        "no number",
        "1.000,50",
        "1 000,50",
        "0,5",
        "1,000,00",
        "1 000",
        "1 000 000",
        "1.000.000",
        "v1.2.3",
        "192.168.0.1",
        "2024-01-05",
        "05/01/2024",
        "10:30",
        "--5",
        "\u00b15",
        r"\pm 5",
        "1/0",
        r"\frac{1}{0}",
        "3 5/2",
        "x/2",
        "2^3",
        "2\u00b3",
        "2**3",
        "x^2",
        "9x^{2}",
        "x_1",
        "\u221a2",
        r"\sqrt{2}",
        r"\sqrt[3]{5}",
        r"2\sqrt{x}",
        r"\frac{\sqrt{3}}{2}",
        r"\frac{x}{2}",
        r"\log{2}",
        "sqrt(2)",
        "2\u03c0",
        r"2\pi",
        "0.(3)",
        r"0.\overline{3}",
        "1e2e3",
        "0x1F",
        "0xFF",
        "0b101",
        "v1.2",
        "A4",
        "x1",
        "x2y",
        "3, then H2O",
        "a3f9",
        "\u0444\u0417\u03b15",
        r"\boxed{x1}",
        "x1/2",
        "1e999999999",
        "1e401",
        "-1e-401",
        "10^999999999",
        "9" * 101,
        r"18, so \boxed{}",
        r"18, so \boxed{B}",
        r"\boxed{18",
    ],
)
def test_a_text_that_ends_with_nothing_in_the_table_has_no_number(text):
    assert last_number(text) is None


NOT_WHOLE = [
    "1,2,3",
    "12,34",
    "1,8",
    "0,500",
    "1.000,50",
    "1 000",
    "1_0",
    "5 cm",
    "x = 5",
    "3-5",
    "5 6",
    "2^3",
    "1/0",
    "NaN",
]


@pytest.mark.parametrize(
    "value", [*NOT_WHOLE, None, "", "seven", True, float("nan"), float("inf"), [1], "1e999999999", "9" * 101, 10**100]
)
def test_metadata_that_is_no_whole_number_of_the_grammar_is_refused(value):
    with pytest.raises(ValueError, match="expected a number"):
        parse_number(value)


def test_a_json_number_of_too_many_digits_is_refused_without_being_shown():
    with pytest.raises(ValueError, match="got one of too many digits"):
        parse_number(-(10**5000))


def test_json_numbers_count_as_they_are_spelt():
    assert parse_number(0.1) == parse_number("0.1") == Fraction(1, 10) == last_number("it is .1")
    assert parse_number(1e22) == 10**22
    assert parse_number(5e-324) == Fraction(Decimal("5e-324"))
    assert parse_number(-(10**99)) == -(10**99)


HOSTILE = [
    "9",
    "1,",
    "1 ",
    "1/",
    "1e",
    "1.",
    "-",
    "$",
    "^2",
    "{",
    "}",
    r"\frac{",
    r"\boxed{",
    r"\frac1",
    "10^",
    "\u00bd",
]


@pytest.mark.parametrize("filler", [*HOSTILE, " ", "x", "(", "\u202f", "\u221a{", "1'", "\\", "1-", "1\u00d710^"])
def test_no_response_takes_long_to_read(filler):
    with time_limit(0.5):
        for text in (filler * 100_000, filler * 100_000 + "1", "1" + filler * 100_000, r"\boxed{" + filler * 100_000):
            last_number(text)


def test_a_number_that_would_fill_the_memory_is_not_made():
    with time_limit(0.5):
        assert last_number("1e" + "9" * 90) is None
        assert last_number("9" * 100_000) is None
        with pytest.raises(ValueError, match="expected a number"):
            parse_number("1e999999999")
