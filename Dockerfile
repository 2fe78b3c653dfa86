# Two images from one file: `web` (site, workers for short jobs, clock) has no torch; `gpu` adds the trainers.
#   docker build --target web -t concord-web .
#   docker build --target gpu -t concord-gpu .

FROM python:3.11.14-slim-bookworm AS base
ENV PYTHONDONTWRITEBYTECODE=1 \
    PYTHONUNBUFFERED=1 \
    PIP_DISABLE_PIP_VERSION_CHECK=1 \
    PIP_NO_CACHE_DIR=1 \
    CONCORD_MODE=production \
    CONCORD_VAR=/srv/concord/var \
    ARTIFACTS_ROOT=/srv/concord/artifacts
RUN useradd --system --uid 10001 --home-dir /srv/concord --create-home concord \
    && install -d -o concord -g concord /srv/concord/var /srv/concord/artifacts
WORKDIR /srv/concord/app
# Dependencies before the code, so that a change of code does not install them again.
COPY pyproject.toml README.md LICENSE ./
COPY requirements ./requirements
RUN mkdir annotation config trainingruns rewardmodel rltrainer \
    && python -m pip install -c requirements/constraints.txt -e .

FROM base AS web
COPY . .
# Settings want addresses and a key even to collect files; none of these is used for anything or kept.
RUN SECRET_KEY="$(python -c 'import secrets; print(secrets.token_urlsafe(50))')" ALLOWED_HOSTS=localhost \
    DATABASE_URL=postgresql://nobody@localhost/none REDIS_URL=redis://localhost \
    python manage.py collectstatic --no-input \
    && chown -R concord:concord /srv/concord/var
USER concord
EXPOSE 8000
CMD ["python", "-m", "config.web_server"]

FROM web AS gpu
USER root
# A worker without a GPU compiles its kernels for decoding (docs/adr/0020).
RUN apt-get update && apt-get install -y --no-install-recommends gcc libc6-dev && rm -rf /var/lib/apt/lists/*
RUN python -m pip install torch==2.13.0 \
    && python -m pip install -c requirements/constraints.txt -e '.[training]'
USER concord
CMD ["celery", "-A", "config.celery", "worker", "--queues", "gpu", "--pool", "threads", "--concurrency", "1", "--loglevel", "INFO"]
