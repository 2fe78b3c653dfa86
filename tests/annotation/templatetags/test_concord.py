"""Texts of other packages in the style of ours."""

import pytest
from django import forms

from annotation.templatetags.concord import sentence_case, sentence_labels


@pytest.mark.parametrize(
    ("given", "wanted"),
    [
        ("\n  Two-Factor Authentication\n ", "Two-factor authentication"),
        ("Enter Sign-In Code", "Enter sign-in code"),
        ("New Password (again)", "New password (again)"),
        ("Show the API of TOTP", "Show the API of TOTP"),
        ("May I Go", "May I go"),
        ("", ""),
    ],
)
def test_a_heading_keeps_its_first_capital_and_abbreviations(given: str, wanted: str) -> None:
    assert sentence_case(given) == wanted


def test_labels_change_what_was_typed_does_not_and_a_placeholder_says_something_new() -> None:
    class SignIn(forms.Form):
        first = forms.CharField(label="Old Password", widget=forms.TextInput({"placeholder": "Old Password"}))
        second = forms.CharField(label="Login", widget=forms.TextInput({"placeholder": "Username Or Email"}))
        some_thing = forms.CharField()

    html = sentence_labels(SignIn({"first": "Big Secret", "second": "x", "some_thing": "y"})).as_p()
    assert [field.label for field in sentence_labels(SignIn())] == ["Old password", "Login", "Some thing"]
    assert 'value="Big Secret"' in html
    assert html.count("placeholder") == 1
    assert 'placeholder="Username or email"' in html
