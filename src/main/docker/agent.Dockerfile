# The agent: an init container of each pod copies it into a volume, `refork install DIR`. After `make build`, also by
#   docker build -f src/main/docker/agent.Dockerfile .
ARG BASE=debian:12-slim
FROM $BASE

ARG VERSION=dev
ARG REVISION=unknown
ARG CREATED=1970-01-01T00:00:00Z
ARG SOURCE=https://refork.io
LABEL org.opencontainers.image.title="Refork agent" \
      org.opencontainers.image.description="PID 1 of a pool's pods: installs itself into a volume that the application's container mounts" \
      org.opencontainers.image.version=$VERSION \
      org.opencontainers.image.revision=$REVISION \
      org.opencontainers.image.created=$CREATED \
      org.opencontainers.image.source=$SOURCE \
      org.opencontainers.image.licenses="Apache-2.0"

# Its files keep their times, whole seconds: the AOT cache knows the jars by them.
COPY target/agent /usr/lib/refork

# A number: the kubelet cannot tell from a name that it is not root.
USER 10001:10001
ENTRYPOINT ["/usr/lib/refork/bin/refork"]
CMD ["--help"]
