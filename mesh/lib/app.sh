# shellcheck shell=bash
# The app on the guests' swarm: its images, its stack, its scale, and questions to it from outside.

REPOSITORY=127.0.0.1:5000/dockercoins # as stack.yml has it unless told otherwise
STACK=dockercoins

need_test_programs() {
    local program programs=(cargo curl python3)
    [[ -n $ARCHIVE ]] || programs+=(redis-server redis-cli)
    for program in "${programs[@]}"; do
        command -v "$program" >/dev/null \
            || fail 3 "$program is missing: install Rust from https://rustup.rs, and curl, python3, redis-server and redis-tools by apt-get"
    done
}

# Built on node1's engine, so that this machine needs none.
make_images() {
    (
        cd "$MESH_HOME/.." || exit
        # In the guests' network, where the build runs, nothing can be fetched.
        cargo fetch --locked --quiet
        unset REGISTRY TAG BINARIES
        PROFILE=quick with_engine 1 nice scripts/images build
        with_engine 1 scripts/images redis
    ) >&2
    if ((MESH_NODES > 1)); then
        guest_share "$REPOSITORY"/{rng,hasher,worker,webui,redis}:latest
    fi
}

bring_images() {
    if [[ -n $ARCHIVE ]]; then
        guest_load "$ARCHIVE"
        BENCH=$MESH_HOME/../target/quick/bench
        (cd "$MESH_HOME/.." && nice cargo build --quiet --locked --profile quick -p bench) >&2
    else
        make_images
        BENCH=$MESH_HOME/../target/images/bin/bench # static: it runs here too
    fi
    docker_on 1 import "$PROBE_IMAGE" mesh-probe >/dev/null
}

# stack.yml as it is, with time for its health probes: starting a process takes seconds in a busy
# guest. No registry is at hand, hence the Redis and --resolve-image never.
deploy() { # VARIABLE=VALUE of stack.yml
    with_engine 1 env -u REGISTRY -u TAG REDIS_IMAGE="$REPOSITORY/redis:latest" HEALTH_INTERVAL="${MESH_HEALTH}s" HEALTH_TIMEOUT=60s "$@" \
        timeout 120 docker stack deploy --resolve-image never \
        --compose-file "$MESH_HOME/../stack.yml" "$STACK" >/dev/null 2>&1 \
        || fail 1 "stack.yml could not be deployed"
    settle
}

# Workers are replaced one after the other: those with the policy of before are to be gone.
deploy_with_policy() { # policy, workers
    deploy "WORKER_POLICY=$1" "WORKER_REPLICAS=$2"
    await "$MESH_SETTLE" all_workers_have "$1" "$2" || fail 1 "not all workers have the policy $1 after $MESH_SETTLE s"
    settle
}

all_workers_have() { # policy, workers
    local policies
    policies=$(observe | "$MESH_HOME/shares" policies) || return 1
    [[ $policies == "$1 $2" ]]
}

# Replicas are set by bench, which waits until each has served. Its window is too short for a verdict,
# which exit code 3 says.
scale() { # SERVICE=REPLICAS
    local pair code=0 flags=()
    for pair; do flags+=("--${pair%%=*}" "${pair#*=}"); done
    bench_scale "${flags[@]}" --warmup 0 --duration 1s >/dev/null || code=$?
    ((code == 0 || code == 3)) || fail 1 "bench did not scale the stack"
}

# bench, where it reaches the guests: their engines, and their published ports.
bench_scale() { # arguments of bench scale
    with_engine 1 "$BENCH" scale --cluster swarm --stack "$STACK" --settle-timeout "${MESH_SETTLE}s" "$@"
}

# Every service has as many running tasks as it should, and no update is under way.
is_settled() {
    local replicas states
    replicas=$(docker_on 1 service ls --format '{{.Replicas}}') || return 1
    [[ -n $replicas ]] || return 1
    awk -F/ '$1 != $2 { exit 1 }' <<<"${replicas// *//}" || return 1
    states=$(docker_on 1 service inspect --format '{{if .UpdateStatus}}{{.UpdateStatus.State}}{{end}}' \
        "${STACK}"_{rng,hasher,worker,webui}) || return 1
    ! grep -q updating <<<"$states"
}

settle() {
    await "$MESH_SETTLE" is_settled && return
    describe
    fail 1 "the replicas are not there after $MESH_SETTLE s; MESH_SETTLE gives them longer"
}

describe() { docker_on 1 stack ps --no-trunc "$STACK" >&2 || true; }

# shellcheck disable=SC2016 # expanded in the container
ipvs_table() { docker_on 1 run --rm --network host mesh-probe /bin/bash -c 'echo "$(</proc/net/ip_vs)"'; }

virtual_ip() { # service
    docker_on 1 service inspect --format '{{range .Endpoint.VirtualIPs}}{{.Addr}} {{end}}' "${STACK}_$1"
}

# A request from outside of the guests, to a published port of one of them.
ask() { # number of a guest, PORT/PATH, arguments of curl
    local number=$1 path=$2
    shift 2
    in_network curl --silent --show-error --noproxy '*' --max-time 60 --retry 5 --retry-connrefused "$@" \
        "http://$(address "$number"):$path"
}

# Who answered at rng's port, one line for each request; one connection for all unless told to close.
greetings() { # number of a guest, requests, arguments of curl
    local number=$1 requests=$2
    shift 2
    ask "$number" "8001/?[1-$requests]" "$@" | sed -n 's/^RNG running on //p'
}

# Names, one a line, as "rng.1=4 rng.2=4".
share() { sort | uniq -c | awk '{ printf "%s%s=%s", (NR > 1 ? " " : ""), $2, $1 }'; }

# Whether so many replicas have an even share each: at least half of it.
even() { # replicas, "rng.1=4 rng.2=4"
    tr ' =' '\n ' <<<"$2" | awk -v replicas="$1" '
        { count[$1] = $2; total += $2 }
        END {
            for (name in count) { found++; if (count[name] * replicas * 2 < total) exit 1 }
            exit found == replicas ? 0 : 1
        }'
}

says() { [[ $2 == *"$1"* ]]; } # words, text

holds() { awk "BEGIN { exit ($1) ? 0 : 1 }"; } # a comparison of numbers

start_probes() {
    local mode
    for mode in kept fresh; do
        docker_on 1 run --detach --name "probe-$mode" --network "${STACK}_dockercoins" mesh-probe \
            /bin/bash -c "$(<"$MESH_HOME/probe")" probe "$mode" rng >/dev/null
    done
    last_answers kept 3 >/dev/null
    last_answers fresh 3 >/dev/null
}

stop_probes() { docker_on 1 rm --force probe-kept probe-fresh >/dev/null; }

answers_of() { docker_on 1 logs "probe-$1" 2>&1; }

has_answers() { (($(answers_of "$1" | wc -l) >= $2)); }

# The next answers of a probe, from now on.
last_answers() { # mode, how many
    local wanted
    wanted=$(($(answers_of "$1" | wc -l) + 1 + $2)) # one may be under way since before
    await 60 has_answers "$1" "$wanted" || fail 1 "the probe with $1 connections gets no answers: $(answers_of "$1" | tail -n 3)"
    answers_of "$1" | head -n "$wanted" | tail -n "$2"
}

observe() { ask 1 '8000/api/observation' --fail --retry-all-errors; }

# Takes what all workers did for a while; rate and worker_shares then tell of it.
watch_workers() {
    local folder=$RUN/observations
    mkdir -p "$folder"
    observe >"$folder/before.json"
    sleep "$MESH_WINDOW"
    observe >"$folder/after.json"
    "$MESH_HOME/shares" between "$folder/before.json" "$folder/after.json" >"$folder/shares" || fail 1 "the workers stand still"
}

rate() { awk '$1 == "rate" { print $2 }' "$RUN/observations/shares"; }

worker_shares() { awk '$1 != "rate" { printf "%s%s=%s", (n++ ? " " : ""), $1, $2 }' "$RUN/observations/shares"; }
