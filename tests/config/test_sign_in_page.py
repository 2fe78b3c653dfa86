"""The sign-in page in a real browser, on a real server."""

from typing import Any

from annotation.models import User


def test_a_person_signs_in_with_name_or_mail_and_the_browser_finds_nothing_to_block(
    page: Any, live_server: Any, bob: User
) -> None:
    complaints: list[str] = []
    page.on("console", lambda message: complaints.append(message.text) if message.type == "error" else None)
    for name in ("bob", "bob@example.org"):
        page.context.clear_cookies()
        page.goto(f"{live_server.url}/accounts/login/")
        page.fill("input[name=login]", name)
        page.fill("input[name=password]", "bob-password-1")
        with page.expect_navigation():
            page.press("input[name=password]", "Enter")
        assert any(cookie["name"] == "sessionid" for cookie in page.context.cookies())
        assert "/accounts/login/" not in page.url
    assert not [text for text in complaints if "Content Security Policy" in text]
