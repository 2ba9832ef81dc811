# The server in an image: no compiler, no pip of its own, no root.
#
#   docker run -p 127.0.0.1:8080:8080 mock-flow-service [OPTIONS]
#
# /_mock stays closed without -e MOCKSERVER_ADMIN_TOKEN=..., which it wants in x-mock-admin-token. Another port: -e MOCKSERVER_PORT=9000.
# Reached under another name than localhost, the server wants that name: -e MOCKSERVER_ALLOW_HOST=flow-service.
ARG BASE=python:3.13-slim-bookworm

FROM ${BASE} AS build
ENV PIP_NO_CACHE_DIR=1 PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_ROOT_USER_ACTION=ignore
WORKDIR /src
COPY requirements/build.txt requirements/image.txt requirements/
RUN python3 -m venv /opt/build \
 && /opt/build/bin/pip install -q --require-hashes -r requirements/build.txt \
 && python3 -m venv --without-pip /opt/mockserver \
 && /opt/build/bin/pip --python /opt/mockserver/bin/python3 install -q --require-hashes -r requirements/image.txt
COPY . .
RUN /opt/build/bin/pip wheel -q --no-deps --no-build-isolation -w /opt/dist . \
 && /opt/build/bin/pip --python /opt/mockserver/bin/python3 install -q --no-deps /opt/dist/*.whl
WORKDIR /
RUN /opt/mockserver/bin/python3 -c 'from mockserver.contract import documents; documents.parse_all()'

FROM ${BASE}
LABEL org.opencontainers.image.title="Mock Flow Service" \
      org.opencontainers.image.description="A stand-in for Adobe Experience Platform's Flow Service API" \
      org.opencontainers.image.licenses="Apache-2.0"
COPY --from=build /opt/mockserver /opt/mockserver
RUN mkdir -m 0700 /state && chown 10001:10001 /state
ENV PATH=/opt/mockserver/bin:$PATH PYTHONUNBUFFERED=1 PYTHONDONTWRITEBYTECODE=1 HOME=/state \
    MOCKSERVER_HOST=0.0.0.0 MOCKSERVER_PORT=8080
USER 10001:10001
WORKDIR /state
VOLUME /state
EXPOSE 8080
HEALTHCHECK --interval=10s --timeout=3s --start-period=5s CMD ["python3", "-c", "\
import os, urllib.request as http; \
http.urlopen('http://127.0.0.1:' + os.environ['MOCKSERVER_PORT'] + '/_mock/health', timeout=2)"]
ENTRYPOINT ["mockserver"]
CMD ["serve"]
