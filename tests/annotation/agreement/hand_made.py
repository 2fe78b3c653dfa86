"""Thirty small tables made by hand: a line an annotator, a digit a unit, a dot a gap."""

import numpy as np

CASES = {
    "two alike": "1232 1232",
    "two opposed": "1212 2121",
    "one slip in ten": "1112223331 1112223332",
    "coin tosses": "0110100110 1010011001",
    "rare category": "0000000001 0000000010",
    "rare category, agreed": "0000000001 0000000001",
    "severe and mild": "12341234 23452345",
    "reversed scale": "12345 54321",
    "near misses": "112233445 123234354",
    "far misses": "115511551 515115155",
    "three alike": "13251 13251 13251",
    "two against one": "12312 12312 31231",
    "three with gaps": "1.2312 123.12 12231.",
    "four, half gone": "1.2.3.1 .12.3.2 11..33. ..22.31",
    "a unit alone": "123. 1231 124.",
    "two units alone": "12..3 12.23 1...3",
    "everyone once missing": ".2341 1.341 12.41 123.1 1234.",
    "five on two points": "0101101 0111101 0101001 0101111 1101101",
    "seven points": "1357246 2357146 1467235 1356247",
    "unused middle": "1122551 1125512 1155122",
    "zeros and large": "009990 090990 099909",
    "ties in pairs": "112233 121323 112332",
    "one judges little": "12341 12342 ...41",
    "two and two": "1234.... 1243.... ....1234 ....2134",
    "chain of couples": "12....  13.2.. .231.. ..114. ...441".replace("  ", " "),
    "last disagrees": "11111 11112 11111 11112",
    "mostly middle": "3333332333 3343333333 3333333332",
    "ladder": "123456789 234567891 345678912",
    "long and short": "123123123123 123.........",
    "noisy five": "5342135241 4352135142 5241235341 5432145231",
}


def matrix_of(case: str) -> np.ndarray:
    """[annotators, units], NaN where there is no judgment."""
    return np.array([[np.nan if each == "." else float(each) for each in row] for row in CASES[case].split()])
