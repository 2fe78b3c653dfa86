"""The map of addresses: pages, API v1 with its description, sign-in, admin, and what machines ask about health."""

from django.contrib import admin
from django.urls import URLPattern, URLResolver, include, path, re_path
from drf_spectacular.views import SpectacularAPIView, SpectacularSwaggerSplitView

from annotation.api.unknown import UnknownAddressView
from config import health, one_time_login

# Addresses are tried in order, so what is called most comes first.
urlpatterns: list[URLPattern | URLResolver] = [
    path("api/v1/", include("annotation.api.urls")),
    path("api/v1/", include("trainingruns.api.urls")),
    re_path(r"^api/v1/", UnknownAddressView.as_view(), name="api-unknown"),
    path("healthz", health.show_alive, name="healthz"),
    path("readyz", health.show_ready, name="readyz"),
    path("metrics", health.show_metrics, name="metrics"),
    path("accounts/once/<str:token>/", one_time_login.sign_in_once, name="one_time_login"),
    path("accounts/", include("allauth.urls")),
    path("admin/", admin.site.urls),
    path("api/schema/", SpectacularAPIView.as_view(), name="api-schema"),
    path("api/docs/", SpectacularSwaggerSplitView.as_view(url_name="api-schema"), name="api-docs"),
    path("", include("annotation.web.urls")),
    path("", include("trainingruns.web.urls")),
]
