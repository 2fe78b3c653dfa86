from django.http import HttpRequest, HttpResponse
from annotation.web.edge import page

@page()
def show_agreement(request: HttpRequest, slug: str) -> HttpResponse:
    raise NotImplementedError
