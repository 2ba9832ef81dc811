# The server in an image: no compiler, no pip of its own, no root. See README for `docker run`.
ARG BASE=python:3.13-slim-bookworm

FROM ${BASE} AS build
ENV PIP_NO_CACHE_DIR=1 PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_ROOT_USER_ACTION=ignore
WORKDIR /src
COPY requirements/build.txt requirements/run.txt requirements/
RUN python3 -m venv /opt/build \
 && /opt/build/bin/pip install -q --require-hashes -r requirements/build.txt \
 && python3 -m venv --without-pip /opt/mockserver \
 && /opt/build/bin/pip --python /opt/mockserver/bin/python3 install -q --require-hashes -r requirements/run.txt
COPY . .
RUN /opt/build/bin/pip wheel -q --no-deps --no-build-isolation -w /opt/dist . \
 && /opt/build/bin/pip --python /opt/mockserver/bin/python3 install -q --no-deps /opt/dist/*.whl

FROM ${BASE}
LABEL org.opencontainers.image.title="Mock Flow Service" \
      org.opencontainers.image.description="A stand-in for Adobe Experience Platform's Flow Service API" \
      org.opencontainers.image.licenses="Apache-2.0"
COPY --from=build /opt/mockserver /opt/mockserver
RUN mkdir -m 0700 /state && chown 10001:10001 /state
ENV PATH=/opt/mockserver/bin:$PATH PYTHONUNBUFFERED=1 PYTHONDONTWRITEBYTECODE=1 HOME=/state
USER 10001:10001
WORKDIR /state
VOLUME /state
EXPOSE 8080
# From outside the container /_mock answers only with MOCKSERVER_ADMIN_TOKEN; the API itself needs none.
# Reached under another name than localhost, the server wants that name in MOCKSERVER_ALLOW_HOST.
HEALTHCHECK --interval=10s --timeout=3s --start-period=5s \
  CMD ["python3", "-c", "from urllib.request import urlopen; urlopen('http://127.0.0.1:8080/_mock/health', timeout=2)"]
CMD ["mockserver", "serve", "--host", "0.0.0.0"]
