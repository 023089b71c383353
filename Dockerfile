# Two stages: the first builds into a virtual environment, the second holds nothing but Python and that.
FROM python:3.11-slim AS build
WORKDIR /src
COPY requirements.lock pyproject.toml README.md LICENSE ./
RUN python -m venv /opt/tailorbird \
 && /opt/tailorbird/bin/pip install --no-cache-dir --require-hashes -r requirements.lock
COPY proxy ./proxy
RUN /opt/tailorbird/bin/pip install --no-cache-dir --no-deps .

FROM python:3.11-slim
RUN useradd --uid 10001 --no-create-home --shell /usr/sbin/nologin tailorbird \
 && mkdir /data /rules && chown tailorbird /data /rules
COPY --from=build /opt/tailorbird /opt/tailorbird
ENV PATH=/opt/tailorbird/bin:$PATH PYTHONUNBUFFERED=1 \
    TAILORBIRD_HOST=0.0.0.0 TAILORBIRD_RULES=/rules TAILORBIRD_STORE=sqlite:/data/tailorbird.db \
    SQLITE_TMPDIR=/data
# By its number: Kubernetes' `runAsNonRoot` takes no name.
USER 10001
VOLUME ["/data", "/rules"]
EXPOSE 8080 8081
HEALTHCHECK --interval=10s --timeout=2s CMD ["python", "-c", "import os, http.client as h; e = os.environ.get; a = e('TAILORBIRD_ADMIN_PORT', '8081'); c = h.HTTPConnection('127.0.0.1', int(e('TAILORBIRD_PORT', '8080') if a == '0' else a), timeout=1); c.request('GET', '/_tb/readyz' if a == '0' else '/livez'); exit(c.getresponse().status != 200)"]
# Without an admin listener (TAILORBIRD_ADMIN_PORT=0) it asks the public one, which must not speak TLS then.
# (`urllib` would ask a proxy that Docker's own configuration puts into each container as HTTP_PROXY.)
# `docker stop` sends SIGTERM: give it `--time 40`, so that what is under way can finish.
# The signing key and the origin come from outside: TAILORBIRD_SECRET, TAILORBIRD_ORIGIN, TAILORBIRD_ADMIN_TOKEN.
# The admin listener is the container's own unless TAILORBIRD_ADMIN_HOST is 0.0.0.0: publish its port to 127.0.0.1 alone.
ENTRYPOINT ["tailorbird"]
CMD ["serve"]
