"""Every page of the site, by the name of its address. A page that is in neither list fails the accessibility tests."""

from collections.abc import Iterator

from django.urls import URLPattern, URLResolver, get_resolver

PROJECT = "/projects/campaign/"
PLACES: dict[str, list[str]] = {
    "account_login": ["/accounts/login/"],
    "account_logout": ["/accounts/logout/"],
    "account_inactive": ["/accounts/inactive/"],
    "account_reauthenticate": ["/accounts/reauthenticate/"],
    "account_email": ["/accounts/email/"],
    "account_email_verification_sent": ["/accounts/confirm-email/"],
    "account_confirm_email": ["/accounts/confirm-email/no-such-key/"],
    "account_change_password": ["/accounts/password/change/"],
    "account_reset_password": ["/accounts/password/reset/"],
    "account_reset_password_done": ["/accounts/password/reset/done/"],
    "account_reset_password_from_key": ["/accounts/password/reset/key/1-no-such-key/"],
    "account_reset_password_from_key_done": ["/accounts/password/reset/key/done/"],
    "mfa_index": ["/accounts/2fa/"],
    "work": ["/", "/?show=flagged", "/?show=skipped", "/?after=x"],
    "tokens": ["/account/tokens/"],
    "edit_judgment": ["/judgments/{judgment}/edit/"],
    "history": ["/judgments/{judgment}/history/"],
    "new_project": ["/projects/new/"],
    "project": [PROJECT],
    "project_settings": [f"{PROJECT}settings/"],
    "setup": [f"{PROJECT}setup/"],
    "new_criterion": [f"{PROJECT}setup/criteria/"],
    "edit_criterion": ["/projects/scores/setup/criteria/{criterion}/"],
    "judge": [f"{PROJECT}judge/", "/projects/scores/judge/", "/projects/empty/judge/"],
    "board": [f"{PROJECT}board/", "/projects/empty/board/"],
    "leases": [f"{PROJECT}board/leases/"],
    "tasks": [f"{PROJECT}tasks/"],
    "task": [f"{PROJECT}tasks/{{task}}/"],
    "verdict": [f"{PROJECT}tasks/{{task}}/verdict/"],
    "task_purpose": [f"{PROJECT}tasks/{{task}}/purpose/"],
    "adjudication": [f"{PROJECT}adjudication/"],
    "guideline": [f"{PROJECT}guideline/"],
    "edit_guideline": [f"{PROJECT}guideline/edit/"],
    "guideline_version": [f"{PROJECT}guideline/2/"],
    "kept_answers": [f"{PROJECT}late/"],
    "agreement": [f"{PROJECT}agreement/", "/projects/empty/agreement/"],
    "split_tasks": [f"{PROJECT}agreement/tasks/"],
    "agreement_trend": [f"{PROJECT}agreement/trend/"],
    "agreement_pairs": [f"{PROJECT}agreement/pairs/"],
    "agreement_people": [f"{PROJECT}agreement/people/"],
    "consensus": [f"{PROJECT}consensus/"],
    "bias": [f"{PROJECT}bias/"],
    "data_health": [f"{PROJECT}data-health/"],
    "data": [f"{PROJECT}data/"],
    "imports": [f"{PROJECT}data/imports/"],
    "import_job": [f"{PROJECT}data/imports/{{job}}/"],
    "people": [f"{PROJECT}people/"],
    "invitations": [f"{PROJECT}people/invitations/"],
    "join": ["/join/{invitation}/"],
    "quality": [f"{PROJECT}quality/"],
    "quality_settings": [f"{PROJECT}quality/settings/"],
    "special_tasks": [f"{PROJECT}quality/tasks/"],
    "quality_person": [f"{PROJECT}quality/people/{{person}}/"],
    "models": [f"{PROJECT}models/"],
    "model_version": ["/models/{version}/"],
    "run": ["/runs/{run}/", "/runs/{preview}/"],
    "metric_words": ["/help/metrics/"],
}
"""{name of an address: places to look at}; ids stand in braces."""

NOT_A_PAGE: dict[str, str] = {
    **dict.fromkeys(("healthz", "readyz", "metrics", "api-schema"), "machines read it"),
    **dict.fromkeys(("board_live", "import_live", "run_live"), "the live part of a page in the list"),
    **dict.fromkeys(("project_runs", "project_snapshots"), "a part of the page of models"),
    "import_errors": "a file to download",
    "one_time_login": "signs in and leads on; one that has been used is told in plain text",
    "account_signup": "closed: people are invited, and it leads to signing in",
    "account_set_password": "leads on to changing it; everybody here has one",
    "account_confirm_login_code": "no codes are sent by mail; it leads to signing in",
    **dict.fromkeys(
        ("mfa_authenticate", "mfa_reauthenticate", "mfa_activate_totp", "mfa_deactivate_totp",
         "mfa_view_recovery_codes", "mfa_generate_recovery_codes", "mfa_download_recovery_codes"),
        "allauth's own forms in the frame of mfa_index; each needs a second factor or a fresh sign-in",
    ),
    "api-docs": "Swagger's own page",
}  # fmt: skip
"""{name: why it is no page of ours to look at}."""

ERRORS = ["/nothing/"]
"""Addresses that answer with an error in words."""
SIGNED_OUT = ("account_login",)


def all_places() -> list[str]:
    """Every place for somebody who is signed in."""
    return [place for name, places in PLACES.items() if name not in SIGNED_OUT for place in places] + ERRORS


def addresses(resolver: URLResolver | None = None, before: str = "") -> Iterator[tuple[str, URLPattern]]:
    """(whole pattern, pattern) of everything the site answers to, but the API and Django's admin."""
    for each in (resolver or get_resolver()).url_patterns:
        whole = before + str(each.pattern)
        if whole.startswith(("api/v1", "^api/v1", "admin/")):
            continue
        if isinstance(each, URLResolver):
            yield from addresses(each, whole)
        else:
            yield whole, each
