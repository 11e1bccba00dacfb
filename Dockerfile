# syntax=docker/dockerfile:1

FROM rust:1.95-bookworm AS dependencies
WORKDIR /build
COPY Cargo.toml Cargo.lock ./
# Builds the dependencies alone: this layer is reused while they stay the same.
RUN mkdir -p src tests/api benches \
    && for file in src/main.rs tests/api/main.rs benches/pages.rs build.rs; do echo 'fn main() {}' > "$file"; done \
    && touch src/lib.rs \
    && cargo build --release --locked --lib --bins \
    && rm -r src build.rs

FROM dependencies AS build
COPY build.rs ./
COPY migrations migrations
COPY content content
COPY src src
# The stand-ins may be younger than the sources.
RUN touch src/lib.rs src/main.rs build.rs \
    && cargo build --release --locked --bin aid-register

FROM debian:bookworm-slim
# hadolint ignore=DL3008
RUN apt-get update \
    && apt-get install -y --no-install-recommends ca-certificates curl \
    && rm -rf /var/lib/apt/lists/* \
    && useradd --system --uid 10001 --create-home --home-dir /var/lib/aid-register register
COPY --from=build /build/target/release/aid-register /usr/local/bin/aid-register
USER 10001
ENV REGISTER_ADDR=0.0.0.0:8080 \
    REGISTER_DATA_DIR=/var/lib/aid-register
EXPOSE 8080
HEALTHCHECK --interval=10s --timeout=3s --start-period=20s \
    CMD ["curl", "--fail", "--silent", "--output", "/dev/null", "http://127.0.0.1:8080/health/ready"]
ENTRYPOINT ["aid-register"]
CMD ["serve"]
