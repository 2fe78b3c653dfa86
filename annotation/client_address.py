"""Where a request comes from."""

from ipaddress import ip_address

from django.http import HttpRequest
from rest_framework.request import Request
from rest_framework.throttling import BaseThrottle


def client_address(request: HttpRequest | Request) -> str | None:
    """The client's IP address behind as many proxies as the site was told of; None where there is none.

    What a proxy wrote that is no address (a name, an address with a port) is none: it must not fail the request.
    """
    try:
        return str(ip_address(BaseThrottle().get_ident(request) or ""))  # type: ignore[arg-type]
    except ValueError:
        return None
