# The operator. After `make build` and `build/operator`, also by
#   docker build -f src/main/docker/operator.Dockerfile .
ARG BASE=debian:12-slim
FROM $BASE

ARG VERSION=dev
ARG REVISION=unknown
ARG CREATED=1970-01-01T00:00:00Z
ARG SOURCE=https://refork.io
LABEL org.opencontainers.image.title="Refork operator" \
      org.opencontainers.image.description="Runs WorkerPools: preforking application servers at a fraction of their memory" \
      org.opencontainers.image.version=$VERSION \
      org.opencontainers.image.revision=$REVISION \
      org.opencontainers.image.created=$CREATED \
      org.opencontainers.image.source=$SOURCE \
      org.opencontainers.image.licenses="Apache-2.0"

COPY target/operator /usr/lib/refork-operator

# Nothing is written outside of /tmp: the root may be read-only.
USER 10001:10001
ENTRYPOINT ["/usr/lib/refork-operator/runtime/bin/java", "@/usr/lib/refork-operator/jvm.options", \
            "-jar", "/usr/lib/refork-operator/app/quarkus-run.jar"]
