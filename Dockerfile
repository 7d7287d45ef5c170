FROM python:3.11-slim AS build
WORKDIR /src
RUN python -m venv --without-pip /venv
COPY requirements.txt requirements-dev.txt ./
RUN pip --python /venv/bin/python install --no-cache-dir --only-binary :all: --require-hashes -r requirements.txt
# The builder of the project itself stays in this stage, at the version and hashes that the lock gives it
RUN sed -n '/^setuptools==/,/[^\\]$/p' requirements-dev.txt > build.txt \
    && pip install --no-cache-dir --require-hashes -r build.txt
COPY pyproject.toml README.md LICENSE ./
COPY bot bot
COPY cogs cogs
RUN pip wheel --no-cache-dir --no-deps --no-build-isolation --wheel-dir wheel . \
    && pip --python /venv/bin/python install --no-cache-dir --no-deps wheel/*.whl

FROM python:3.11-slim
RUN install --directory --owner=10001 --group=10001 --mode=0700 /data
COPY --from=build /venv /venv
ENV PATH=/venv/bin:$PATH DATA_DIR=/data PYTHONUNBUFFERED=1 PYTHONDONTWRITEBYTECODE=1
USER 10001:10001
VOLUME /data
ENTRYPOINT ["clonevoice"]
CMD ["run"]
