# The images of a production system: api, worker and signer from one build; `all` is the same with no command chosen.
#
#   docker build --target api -t tidegate-api .
#
# The bases may be any that have Python 3.11 or newer with venv, and Node.js 20.19 or newer with npm:
# `make image` builds on ones that it makes itself.
ARG PYTHON_BASE=python:3.11-slim-bookworm
ARG NODE_BASE=node:20-bookworm-slim

FROM ${NODE_BASE} AS page
# The base's certificates count, with whatever a company added to them.
ENV NODE_EXTRA_CA_CERTS=/etc/ssl/certs/ca-certificates.crt
WORKDIR /build/frontend
COPY frontend/package.json frontend/package-lock.json frontend/.npmrc ./
RUN npm ci --no-progress
COPY frontend ./
RUN npm run build

FROM ${PYTHON_BASE} AS libraries
ENV PIP_CERT=/etc/ssl/certs/ca-certificates.crt SSL_CERT_FILE=/etc/ssl/certs/ca-certificates.crt
WORKDIR /build
COPY requirements/uv.txt requirements/run.txt requirements/
RUN python3 -m venv /opt/uv \
 && /opt/uv/bin/python -m pip install --quiet --no-cache-dir --require-hashes -r requirements/uv.txt \
 && python3 -m venv --without-pip /opt/tidegate \
 && /opt/uv/bin/uv pip install --quiet --no-cache --python /opt/tidegate/bin/python --require-hashes -r requirements/run.txt \
 && /opt/tidegate/bin/python -m compileall -q /opt/tidegate/lib

FROM ${PYTHON_BASE} AS all
RUN useradd --uid 10001 --create-home --home-dir /var/lib/tidegate --shell /usr/sbin/nologin tidegate
COPY --from=libraries /opt/tidegate /opt/tidegate
WORKDIR /srv/tidegate
COPY alembic.ini pyproject.toml LICENSE ./
COPY migrations migrations
COPY backend backend
COPY --from=page /build/backend/tidegate/web backend/tidegate/web
RUN printf '#!/bin/sh\nexec /opt/tidegate/bin/python -m tidegate.cli "$@"\n' >/usr/local/bin/tidegate \
 && chmod 0755 /usr/local/bin/tidegate
ENV PYTHONPATH=/srv/tidegate/backend \
    PYTHONDONTWRITEBYTECODE=1 \
    PYTHONUNBUFFERED=1 \
    PATH=/opt/tidegate/bin:/usr/local/bin:/usr/bin:/bin
WORKDIR /var/lib/tidegate
USER tidegate
ENTRYPOINT ["/usr/local/bin/tidegate"]
CMD ["--help"]

# The keys' process: it listens on a Unix socket in a volume that it shares with the worker, and on no port.
FROM all AS signer
CMD ["signer"]

FROM all AS worker
CMD ["worker"]

FROM all AS api
ENV TIDEGATE_API__HOST=0.0.0.0
EXPOSE 8000
CMD ["api"]
