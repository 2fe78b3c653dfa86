"""Settings of the site, one set for every place; what differs comes from the environment through `config.env`."""

import logging
from typing import Any

from csp.constants import NONE, SELF

from config import env
from config.database_connections import WatchedConnection
from config.logging import configure_logging
from config.secret_key import load_secret_key

BASE_DIR = env.BASE_DIR
MODE = env.read_mode()
VAR_DIR = env.read_var_dir()
PRODUCTION = MODE == "production"
TESTING = MODE == "test"

DEBUG = False
SECRET_KEY = load_secret_key(mode=MODE, var_dir=VAR_DIR)
# The machine itself always, for health checks.
ALLOWED_HOSTS = [*env.read_list("ALLOWED_HOSTS", required=PRODUCTION), "localhost", "127.0.0.1", "[::1]"]
CSRF_TRUSTED_ORIGINS = env.read_list("CSRF_TRUSTED_ORIGINS")
SITE_URL = env.read_site_url()

INSTALLED_APPS = [
    "config.apps.HouseConfig",
    "annotation.apps.AnnotationConfig",
    "trainingruns.apps.TrainingRunsConfig",
    "django.contrib.admin",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "whitenoise.runserver_nostatic",
    "django.contrib.staticfiles",
    "django.contrib.humanize",
    "allauth",
    "allauth.account",
    "allauth.mfa",
    "rest_framework",
    "django_filters",
    "drf_spectacular",
    "drf_spectacular_sidecar",
    "django_htmx",
    "csp",
    "django_structlog",
]

MIDDLEWARE = [
    "django.middleware.security.SecurityMiddleware",
    "config.compression.PageCompression",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "config.api_calls.ContentPolicy",
    "config.api_calls.PageSession",
    "django.middleware.common.CommonMiddleware",
    "annotation.body_limit.BodyLimit",
    "config.api_calls.PageForgery",
    "config.api_calls.PageUser",
    "config.request_log.RequestLog",
    "config.api_calls.PageMessages",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "django_htmx.middleware.HtmxMiddleware",
    "allauth.account.middleware.AccountMiddleware",
]

ROOT_URLCONF = "config.urls"
WSGI_APPLICATION = "config.wsgi.application"
ASGI_APPLICATION = "config.asgi.application"

TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [BASE_DIR / "templates"],
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
            ],
        },
    },
]

# --- Postgres and the Redis protocol, everywhere ---------------------------------------------------------------------

DATABASES: dict[str, dict[str, Any]] = {"default": env.read_database()}
DATABASES["default"]["CONN_HEALTH_CHECKS"] = True
# Only statements that ask for it are prepared (annotation.statements); Django's own are put together anew each time.
DATABASES["default"]["OPTIONS"].setdefault("prepare_threshold", 5)
if not TESTING:
    DATABASES["default"]["OPTIONS"]["pool"] = {
        "min_size": 1,
        "max_size": env.read_int("DATABASE_POOL_SIZE", 8, minimum=1),
        "timeout": 10,
        "connection_class": WatchedConnection,
    }
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

REDIS_URL = env.read_text("REDIS_URL")
CACHES = {
    "default": {
        "BACKEND": "django.core.cache.backends.redis.RedisCache",
        "LOCATION": REDIS_URL,
        "KEY_PREFIX": "concord",
    },
}
SESSION_ENGINE = "django.contrib.sessions.backends.cached_db"
SESSION_COOKIE_AGE = 14 * 24 * 3600

# --- Files -----------------------------------------------------------------------------------------------------------

ARTIFACTS_ROOT = env.read_path("ARTIFACTS_ROOT", VAR_DIR / "artifacts")
STATIC_URL = "/static/"
STATIC_ROOT = VAR_DIR / "static"
STATICFILES_DIRS = [BASE_DIR / "static"]
# A container's image holds compressed files under hashed names, made once at its build. A local site and the tests
# serve the sources themselves: compressing takes most of a minute, which no first start should cost.
_STATIC_STORAGE = (
    "config.static_files.HashedStaticFiles" if PRODUCTION else "django.contrib.staticfiles.storage.StaticFilesStorage"
)
STORAGES = {
    "default": {"BACKEND": "django.core.files.storage.FileSystemStorage", "OPTIONS": {"location": ARTIFACTS_ROOT}},
    "artifacts": {"BACKEND": "django.core.files.storage.FileSystemStorage", "OPTIONS": {"location": ARTIFACTS_ROOT}},
    "staticfiles": {"BACKEND": _STATIC_STORAGE},
}
WHITENOISE_USE_FINDERS = not PRODUCTION
WHITENOISE_AUTOREFRESH = False
WHITENOISE_MAX_AGE = 60 if PRODUCTION else 0
if not PRODUCTION:
    # WhiteNoise warns when the folder is missing, though nothing needs to be in it here.
    STATIC_ROOT.mkdir(parents=True, exist_ok=True)
REWARD_FUNCTIONS = env.read_list("REWARD_FUNCTIONS")
VLLM_URL = env.read_text("VLLM_URL", "")
VLLM_FOLDER = env.read_text("VLLM_FOLDER", "")
MAX_UPLOAD_BYTES = env.read_int("MAX_UPLOAD_BYTES", 10 * 1024 * 1024, minimum=1024)
MAX_IMPORT_BYTES = env.read_int("MAX_IMPORT_BYTES", 1024 * 1024 * 1024, minimum=1024)
MAX_UNPACKED_BYTES = env.read_int("MAX_UNPACKED_BYTES", 4 * 1024 * 1024 * 1024, minimum=1024)
DATA_UPLOAD_MAX_MEMORY_SIZE = MAX_UPLOAD_BYTES
DATA_UPLOAD_MAX_NUMBER_FIELDS = 2000
FILE_UPLOAD_MAX_MEMORY_SIZE = 2 * 1024 * 1024

# --- Language and time -----------------------------------------------------------------------------------------------

LANGUAGE_CODE = "en"
USE_I18N = True
USE_TZ = True
TIME_ZONE = "UTC"

# --- People signing in -----------------------------------------------------------------------------------------------

AUTH_USER_MODEL = "annotation.User"
AUTHENTICATION_BACKENDS = [
    "django.contrib.auth.backends.ModelBackend",
    "allauth.account.auth_backends.AuthenticationBackend",
]
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": "django.contrib.auth.password_validation.UserAttributeSimilarityValidator"},
    {"NAME": "django.contrib.auth.password_validation.MinimumLengthValidator", "OPTIONS": {"min_length": 10}},
    {"NAME": "django.contrib.auth.password_validation.CommonPasswordValidator"},
    {"NAME": "django.contrib.auth.password_validation.NumericPasswordValidator"},
]
if TESTING:
    PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
LOGIN_URL = "account_login"
LOGIN_REDIRECT_URL = "/"
ACCOUNT_ADAPTER = "config.accounts.ClosedSignupAdapter"
ACCOUNT_LOGIN_METHODS = {"username", "email"}
ACCOUNT_SIGNUP_FIELDS = ["username*", "email*", "password1*", "password2*"]
ACCOUNT_EMAIL_VERIFICATION = "none"
ACCOUNT_LOGOUT_ON_GET = False
ACCOUNT_SESSION_REMEMBER = None
ACCOUNT_PREVENT_ENUMERATION = True
ACCOUNT_RATE_LIMITS = {
    "login": "30/m/ip",
    "login_failed": "10/m/ip,5/5m/key",
    "reset_password": "20/m/ip,5/m/key",
    "reauthenticate": "10/m/user",
    "change_password": "5/m/user",
}
MFA_SUPPORTED_TYPES = ["totp", "recovery_codes"]
MFA_TOTP_ISSUER = "Concord"
ALLAUTH_TRUSTED_PROXY_COUNT = env.read_int("TRUSTED_PROXY_COUNT", 0)

EMAIL_HOST = env.read_text("EMAIL_HOST", "")
EMAIL_PORT = env.read_int("EMAIL_PORT", 587)
EMAIL_HOST_USER = env.read_text("EMAIL_USER", "")
EMAIL_HOST_PASSWORD = env.read_text("EMAIL_PASSWORD", "")
EMAIL_USE_TLS = True
EMAIL_TIMEOUT = 10
DEFAULT_FROM_EMAIL = env.read_text("EMAIL_FROM", "concord@localhost")
EMAIL_BACKEND = f"django.core.mail.backends.{'smtp' if EMAIL_HOST else 'console'}.EmailBackend"

# --- What a browser may do with our pages ----------------------------------------------------------------------------

CONTENT_SECURITY_POLICY = {
    "DIRECTIVES": {
        "default-src": [SELF],
        # data: is for the images inside the style sheet of the API pages; response text can carry no image at all.
        "img-src": [SELF, "data:"],
        "object-src": [NONE],
        "base-uri": [NONE],
        "frame-ancestors": [NONE],
        "form-action": [SELF],
    },
}
X_FRAME_OPTIONS = "DENY"
SECURE_CONTENT_TYPE_NOSNIFF = True
SECURE_REFERRER_POLICY = "same-origin"
SECURE_CROSS_ORIGIN_OPENER_POLICY = "same-origin"
SESSION_COOKIE_HTTPONLY = True
SESSION_COOKIE_SAMESITE = "Lax"
SESSION_COOKIE_SECURE = PRODUCTION
CSRF_COOKIE_SECURE = PRODUCTION
CSRF_COOKIE_SAMESITE = "Lax"
SECURE_HSTS_SECONDS = 365 * 24 * 3600 if PRODUCTION else 0
SECURE_HSTS_INCLUDE_SUBDOMAINS = PRODUCTION
SECURE_SSL_REDIRECT = PRODUCTION
# Health checks come from inside, over plain HTTP.
SECURE_REDIRECT_EXEMPT = [r"^healthz$", r"^readyz$", r"^metrics$"]
if ALLAUTH_TRUSTED_PROXY_COUNT:
    SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https")

# --- API -------------------------------------------------------------------------------------------------------------

REST_FRAMEWORK = {
    "DEFAULT_RENDERER_CLASSES": ["rest_framework.renderers.JSONRenderer"],
    "DEFAULT_PARSER_CLASSES": ["rest_framework.parsers.JSONParser"],
    "DEFAULT_AUTHENTICATION_CLASSES": [
        "annotation.api.authentication.ApiTokenAuthentication",
        "rest_framework.authentication.SessionAuthentication",
    ],
    "DEFAULT_PERMISSION_CLASSES": ["rest_framework.permissions.IsAuthenticated"],
    "DEFAULT_FILTER_BACKENDS": ["django_filters.rest_framework.DjangoFilterBackend"],
    "DEFAULT_SCHEMA_CLASS": "drf_spectacular.openapi.AutoSchema",
    "EXCEPTION_HANDLER": "annotation.api.errors.handle_exception",
    "NUM_PROXIES": ALLAUTH_TRUSTED_PROXY_COUNT,
    "TEST_REQUEST_DEFAULT_FORMAT": "json",
}
SPECTACULAR_SETTINGS = {
    "TITLE": "Concord",
    "DESCRIPTION": "Human judgments in, preference data and better models out.",
    "VERSION": "1",
    "OAS_VERSION": "3.1.1",
    "SERVE_INCLUDE_SCHEMA": False,
    "COMPONENT_SPLIT_REQUEST": True,
    "SCHEMA_PATH_PREFIX": r"/api/v1",
    "ENUM_NAME_OVERRIDES": {"FeedbackKindEnum": "annotation.models.project.FeedbackKind.choices"},
    "SWAGGER_UI_DIST": "SIDECAR",
    "SWAGGER_UI_FAVICON_HREF": "SIDECAR",
    "REDOC_DIST": "SIDECAR",
}

# --- Background work -------------------------------------------------------------------------------------------------
# A message carries ids only and is acknowledged at once; the row in Postgres is the truth, so a lost message costs
# at most one beat interval and a repeated one finds nothing to claim.

CELERY_BROKER_URL = REDIS_URL
CELERY_BROKER_CONNECTION_RETRY_ON_STARTUP = True
CELERY_BROKER_TRANSPORT_OPTIONS = {"visibility_timeout": 3600, "global_keyprefix": "concord-"}
CELERY_TASK_IGNORE_RESULT = True
CELERY_TASK_SERIALIZER = "json"
CELERY_ACCEPT_CONTENT = ["json"]
CELERY_TASK_DEFAULT_QUEUE = "default"
CELERY_TASK_ROUTES = {"trainingruns.jobs.run_*": {"queue": "gpu"}}
CELERY_WORKER_PREFETCH_MULTIPLIER = 1
CELERY_WORKER_SOFT_SHUTDOWN_TIMEOUT = 20
CELERY_WORKER_HIJACK_ROOT_LOGGER = False
CELERY_WORKER_SEND_TASK_EVENTS = False
CELERY_TIMEZONE = "UTC"
CELERY_BEAT_SCHEDULE_FILENAME = str(VAR_DIR / "celerybeat-schedule")
CELERY_BEAT_SCHEDULE = {
    # `expires` keeps a stopped worker from finding a heap of the same message when it comes back.
    name: {"task": task, "schedule": seconds, "options": {"expires": seconds}}
    for name, task, seconds in (
        ("release expired leases", "annotation.jobs.release_expired_leases", 15.0),
        ("index task texts", "annotation.jobs.index_task_texts", 5.0),
        ("requeue lost imports", "annotation.jobs.requeue_lost_imports", 15.0),
        ("remove old uploads", "annotation.jobs.remove_old_uploads", 3600.0),
        ("refresh standings", "annotation.jobs.refresh_standings", 300.0),
        ("refresh agreement reports", "annotation.jobs.refresh_agreement_reports", 30.0),
        ("refresh report sections", "annotation.jobs.refresh_report_sections", 60.0),
        ("review people", "annotation.jobs.review_people", 300.0),
        ("requeue lost runs", "trainingruns.jobs.requeue_lost_runs", 15.0),
        ("request prompt embeddings", "trainingruns.jobs.request_prompt_embeddings", 60.0),
        ("evaluate loops", "trainingruns.jobs.evaluate_loops", 60.0),
    )
}

# --- Logs ------------------------------------------------------------------------------------------------------------

LOGGING = configure_logging(
    level=env.read_choice("LOG_LEVEL", ("DEBUG", "INFO", "WARNING", "ERROR"), "WARNING" if TESTING else "INFO"),
    style=env.read_choice("LOG_FORMAT", ("console", "json"), "json" if PRODUCTION else "console"),
)
DJANGO_STRUCTLOG_CELERY_ENABLED = True
# One line a request, when it is done, and the address as the rest of the site reads it (annotation.client_address).
DJANGO_STRUCTLOG_STATUS_START_LOG_LEVEL = logging.DEBUG
DJANGO_STRUCTLOG_IP_LOGGING_ENABLED = False
