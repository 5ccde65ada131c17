FROM python:3.11-slim-bookworm AS build
WORKDIR /app
RUN pip install --no-cache-dir uv
COPY requirements.lock .
RUN uv venv /venv && uv pip install --python /venv/bin/python --require-hashes -r requirements.lock
COPY pyproject.toml README.md ./
COPY bots bots
COPY connectors connectors
COPY core core
COPY migrations migrations
COPY web web
COPY widget widget
# Editable: core.migrate finds migrations/ and the pages beside the code.
RUN uv pip install --python /venv/bin/python --no-deps -e .
# Its user may not write beside the code: what is not compiled here, each start would compile again.
RUN /venv/bin/python -c "import web.commands"

FROM python:3.11-slim-bookworm
RUN useradd --create-home --uid 10001 deskhand && install -d -o deskhand /data
COPY --from=build /venv /venv
COPY --from=build /app /app
WORKDIR /app
USER deskhand
ENV PATH=/venv/bin:$PATH DESKHAND_DATA_DIR=/data DESKHAND_HOST=0.0.0.0
VOLUME /data
EXPOSE 8000
HEALTHCHECK --interval=10s --timeout=3s --start-period=20s \
    CMD ["python", "-c", "import urllib.request; urllib.request.urlopen('http://127.0.0.1:8000/readyz')"]
# `migrate` is a no-op on a database that is up to date.
CMD ["sh", "-c", "deskhand migrate && exec deskhand serve"]
