# One image for the gateway and for the sandbox.
#   docker build -t ordergate .
# The base is pinned by tag. Pin it by digest where you build for production: a digest belongs to the registry that you
# pull from, `docker buildx imagetools inspect python:3.11-slim-bookworm` prints it.

FROM python:3.11-slim-bookworm AS build
ENV PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_NO_CACHE_DIR=1 PIP_ROOT_USER_ACTION=ignore
WORKDIR /src
RUN python -m venv /opt/ordergate && python -m venv /opt/build
# Dependencies first: they change less often than the code.
COPY requirements.lock requirements-build.lock ./
RUN /opt/ordergate/bin/python -m pip install --require-hashes --requirement requirements.lock \
 && /opt/build/bin/python -m pip install --require-hashes --requirement requirements-build.lock
COPY pyproject.toml README.md ./
COPY app app
COPY policies policies
COPY process_apis process_apis
COPY system_apis system_apis
RUN /opt/build/bin/python -m hatchling build -t wheel -d /dist \
 && /opt/ordergate/bin/python -m pip install --no-deps /dist/*.whl \
 && /opt/ordergate/bin/python -m compileall -q /opt/ordergate/lib

FROM python:3.11-slim-bookworm
RUN useradd --system --uid 10001 --create-home --home-dir /data ordergate
COPY --from=build /opt/ordergate /opt/ordergate
ENV PATH=/opt/ordergate/bin:$PATH \
    PYTHONUNBUFFERED=1 \
    ORDERGATE_HOST=0.0.0.0 \
    ORDERGATE_DATABASE_URL=sqlite+aiosqlite:////data/ordergate.db
USER 10001
WORKDIR /data
VOLUME /data
# The internal door (8081) listens on loopback unless ORDERGATE_INTERNAL_HOST says otherwise; it is not for the outside.
EXPOSE 8080
HEALTHCHECK --interval=10s --timeout=3s --start-period=15s \
    CMD ["python", "-c", "import urllib.request as u; u.urlopen('http://127.0.0.1:8080/livez', timeout=2)"]
STOPSIGNAL SIGTERM
ENTRYPOINT ["ordergate"]
CMD ["serve"]
