"""Files that no reader can take say what they are and what to do."""

from io import BytesIO

import pytest

from annotation.importers.sources.container import SourceFile
from annotation.importers.sources.row import SourceError

CSV = "question,answer_a,answer_b\nWhy?,So.,Thus.\n"


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (CSV.encode("utf-16"), "UTF-16 or UTF-32; save the file as UTF-8"),
        (CSV.encode("utf-32"), "UTF-16 or UTF-32; save the file as UTF-8"),
        (CSV.encode("utf-16-be"), "NUL bytes"),
        (b"<!DOCTYPE html><html><body>Sign in</body></html>", "web page"),
        (b"\n<?xml version='1.0'?><rows/>", "web page or XML"),
        (b"question,answer_a,answer_b\n", r"names columns \(question, answer_a, answer_b\) and has no records"),
        (b"null", "has no records"),
        (CSV.replace("\n", "\r").encode(), "bare CR; save it with LF"),
    ],
)
def test_the_error_says_what_the_file_is(content: bytes, message: str) -> None:
    with pytest.raises(SourceError, match=message):
        list(SourceFile(BytesIO(content)).rows())
