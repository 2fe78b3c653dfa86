"""Who may make an account: nobody by themselves; a manager invites people."""

from allauth.account.adapter import DefaultAccountAdapter
from django.http import HttpRequest


class ClosedSignupAdapter(DefaultAccountAdapter):
    """Sign-up is closed: accounts come from managers, imports and commands."""

    def is_open_for_signup(self, request: HttpRequest) -> bool:
        return False
