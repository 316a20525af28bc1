# The images of the app, each one static binary and nothing else, and of bench.
#
# Two sources for the binaries, chosen by --build-arg SOURCE:
#   build  (default) compiles them here, on the platform the image is for
#   host   takes what scripts/images compiled into target/images; pulls nothing
#
# Needs BuildKit, which leaves out the stages an image does not use. docs/images.md has the rest.

ARG SOURCE=build
ARG RUST_IMAGE=rust:1.95-slim-bookworm

FROM ${RUST_IMAGE} AS build
WORKDIR /src
COPY . .
# --target keeps crt-static off build scripts and procedural macros, which cannot be static.
RUN --mount=type=cache,id=dockercoins-registry,target=/usr/local/cargo/registry \
    --mount=type=cache,id=dockercoins-target,target=/src/target,sharing=locked \
    target="$(rustc -vV | sed -n 's/^host: //p')" \
    && RUSTFLAGS="-C target-feature=+crt-static" cargo build --release --locked --target "$target" \
        -p rng -p hasher -p worker -p webui -p bench \
    && mkdir /bin-static \
    && cd "target/$target/release" && cp rng hasher worker webui bench /bin-static/

FROM scratch AS source-build
COPY --from=build /bin-static/ /

FROM scratch AS source-host
COPY target/images/bin/ /

FROM source-${SOURCE} AS bin

FROM scratch AS base
ARG VERSION=unversioned
LABEL org.opencontainers.image.version=${VERSION} \
      org.opencontainers.image.licenses="Apache-2.0 OR MIT"
# By number: there is no /etc/passwd to find a name in.
USER 65532:65532

# What all services have. The probe is the service's own binary, since there is no shell. Docker
# makes the first one after an interval, and Swarm calls a task running only after that.
FROM base AS service
EXPOSE 80

FROM service AS rng
LABEL org.opencontainers.image.title="dockercoins rng" \
      org.opencontainers.image.description="Random bytes over HTTP, one request at a time"
COPY --from=bin /rng /rng
HEALTHCHECK --interval=2s --timeout=3s --retries=3 CMD ["/rng", "--check-health"]
ENTRYPOINT ["/rng"]

FROM service AS hasher
LABEL org.opencontainers.image.title="dockercoins hasher" \
      org.opencontainers.image.description="SHA-256 over HTTP"
COPY --from=bin /hasher /hasher
HEALTHCHECK --interval=2s --timeout=3s --retries=3 CMD ["/hasher", "--check-health"]
ENTRYPOINT ["/hasher"]

FROM service AS worker
LABEL org.opencontainers.image.title="dockercoins worker" \
      org.opencontainers.image.description="Loops over rng and hasher, and counts in Redis"
COPY --from=bin /worker /worker
ENV WORKER_HEALTH_PORT=80
# A look-up that nobody answers is repeated after 1 s instead of 5 s: Docker's resolver is silent
# about a name that no task has yet where it has nobody else to ask.
ENV RES_OPTIONS="timeout:1 attempts:3"
HEALTHCHECK --interval=2s --timeout=3s --retries=3 CMD ["/worker", "--check-health"]
ENTRYPOINT ["/worker"]

FROM service AS webui
LABEL org.opencontainers.image.title="dockercoins webui" \
      org.opencontainers.image.description="The page of DockerCoins and the numbers behind it"
COPY --from=bin /webui /webui
ENV RES_OPTIONS="timeout:1 attempts:3"
HEALTHCHECK --interval=2s --timeout=3s --retries=3 CMD ["/webui", "--check-health"]
ENTRYPOINT ["/webui"]

FROM base AS bench
LABEL org.opencontainers.image.title="dockercoins bench" \
      org.opencontainers.image.description="Scales DockerCoins, measures it and says what holds it back"
COPY --from=bin /bench /bench
ENTRYPOINT ["/bench"]

# Redis as this machine has it, for places without a registry; only scripts/images redis uses it.
FROM scratch AS redis
LABEL org.opencontainers.image.title="redis" \
      org.opencontainers.image.description="redis-server and redis-cli of the machine that built it"
COPY target/images/redis/root/ /
# The ids of the public image redis:alpine, so that either can take over the other's volume.
COPY --chown=999:1000 target/images/redis/data/ /data/
ENV PATH=/usr/bin
WORKDIR /data
VOLUME /data
USER 999:1000
EXPOSE 6379
HEALTHCHECK --interval=2s --timeout=3s --retries=3 CMD ["redis-cli", "-e", "ping"]
CMD ["redis-server", "--protected-mode", "no"]
