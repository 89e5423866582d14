# syntax=docker/dockerfile:1
# Dependencies are compiled in a layer of their own, which stays until Cargo.lock changes.
FROM rust:1.95-slim-bookworm AS base
WORKDIR /build
RUN cargo install cargo-chef --version 0.1.78 --locked

FROM base AS plan
COPY . .
RUN cargo chef prepare --recipe-path recipe.json

FROM base AS build
COPY --from=plan /build/recipe.json .
# How SQLite and the page of /docs are compiled belongs to the dependencies.
COPY .cargo .cargo
COPY src/http/docs/unused src/http/docs/unused
RUN cargo chef cook --profile dist --locked --package pneumatic --recipe-path recipe.json
COPY . .
ARG PNEUMATIC_COMMIT
RUN cargo build --profile dist --locked --package pneumatic --bin pneumatic && mkdir -m 700 /data

# No shell, no package manager; glibc as above.
FROM gcr.io/distroless/cc-debian12:nonroot
COPY --from=build /build/target/dist/pneumatic /usr/local/bin/pneumatic
COPY --from=build --chown=65532:65532 /data /data
USER 65532:65532
WORKDIR /data
# Nothing but DATA_DIR is written, and that only with SQLite or without SECRET_KEY.
VOLUME /data
ENV HOST=0.0.0.0 PORT=8000 DATA_DIR=/data
EXPOSE 8000
STOPSIGNAL SIGTERM
HEALTHCHECK --interval=10s --timeout=5s --start-period=30s --retries=3 CMD ["/usr/local/bin/pneumatic", "healthcheck"]
ENTRYPOINT ["/usr/local/bin/pneumatic"]
CMD ["serve"]
