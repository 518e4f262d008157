# The server alone: one static folder of the app may be mounted beside it.
FROM rust:1-slim-bookworm AS build
RUN apt-get update && apt-get install -y --no-install-recommends gcc libc6-dev make && rm -rf /var/lib/apt/lists/*
WORKDIR /source
COPY . .
RUN cargo build --release --locked -p lastword-server

FROM debian:bookworm-slim
RUN apt-get update && apt-get install -y --no-install-recommends ca-certificates curl \
    && rm -rf /var/lib/apt/lists/* \
    && useradd --system --uid 10001 --home-dir /data lastword \
    && install -d -o lastword -g lastword /data
COPY --from=build /source/target/release/lastword-server /usr/local/bin/
USER lastword
WORKDIR /data
ENV LASTWORD_LISTEN=0.0.0.0:8080 LASTWORD_ENTITIES=/etc/lastword/entities.json LASTWORD_DATABASE=/data/lastword.db
EXPOSE 8080
VOLUME /data
HEALTHCHECK --interval=10s --timeout=3s --retries=6 CMD curl -fsS http://127.0.0.1:8080/ready || exit 1
ENTRYPOINT ["lastword-server"]
CMD ["serve"]
