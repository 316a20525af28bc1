# shellcheck shell=bash
# One node: start, stop, talk to its engine.

# Variables by which the caller's docker talks to another engine.
CLEAR=(-u DOCKER_HOST -u DOCKER_CONTEXT -u DOCKER_TLS -u DOCKER_TLS_VERIFY -u DOCKER_CERT_PATH)

socket() { echo "unix://$LAB_DIR/$1/docker.sock"; }
on() { local node=$1; shift; env "${CLEAR[@]}" docker -H "$(socket "$node")" "$@"; }
# For short questions: an engine that hangs must not hang the lab.
ask() { timeout 10 env "${CLEAR[@]}" docker -H "$(socket "$1")" "${@:2}" 2>/dev/null; }

is_running() { [[ -n $(engine_processes "$1") ]]; }
answers() { ask "$1" version --format '{{.Server.Version}}' >/dev/null; }

running_nodes() {
    local node
    for node in $(nodes); do ! is_running "$node" || echo "$node"; done
}

# start_node NODE: returns when the engine answers. A node that runs stays as it is.
start_node() {
    local node=$1
    if ! is_running "$node"; then
        kill_processes "$node"
        disconnect "$node"
        connect "$node"
        mkdir -p "$LAB_DIR/$node/engine" "$(engine_group "$node")"
        make_server_certificate "$node"
        launch "$node" &
    fi
    await "$LAB_WAIT" answered_or_ended "$node" || fail 1 "the engine of $node did not answer within $LAB_WAIT s: see 'lab logs $node'"
    is_running "$node" || {
        tail -n 15 "$LAB_DIR/$node/engine.log" >&2
        fail 1 "the engine of $node ended; above is what it wrote last"
    }
}

# The launch puts itself into the group first, so that nothing it starts can be lost sight of.
answered_or_ended() { answers "$1" || [[ -s $LAB_DIR/$1/launched && -z $(engine_processes "$1") ]]; }

# Replaces this (background) shell. Nothing of the caller goes along: no terminal, no open file (the lock), no variable.
launch() {
    local node=$1 fd
    rm -f "$LAB_DIR/$node/launched"
    echo "$BASHPID" >"$(engine_group "$node")/cgroup.procs"
    echo yes >"$LAB_DIR/$node/launched"
    exec </dev/null >>"$LAB_DIR/$node/engine.log" 2>&1
    for fd in /proc/self/fd/*; do
        fd=${fd##*/}
        ((fd <= 2 || fd == 255)) || eval "exec $fd>&-"
    done
    exec env -i PATH="$PATH" setsid nsenter --net="/run/netns/$(netns "$node")" \
        unshare --mount --uts --pid --fork --kill-child --mount-proc \
        bash "$LAB_HOME/lib/node-init" "$node" "$(address "$node")" "$LAB_DIR/$node" "/$LAB_NAME/$node"
}

lab_docker() {
    (($# > 0)) || fail 2 "which node? lab docker NODE ARGUMENT..."
    need_node "$1"
    on "$@" || exit
}

lab_env() {
    local node=m1 tls=no argument
    for argument in "$@"; do
        case $argument in
            --tls) tls=yes ;;
            -*) fail 2 "lab env has no option '$argument'; lab --help lists them" ;;
            *) node=$argument ;;
        esac
    done
    need_node "$node"
    if [[ $tls == yes ]]; then
        printf 'unset DOCKER_CONTEXT DOCKER_TLS\nexport DOCKER_HOST=tcp://%s:2376\n' "$(address "$node")"
        printf 'export DOCKER_TLS_VERIFY=1\nexport DOCKER_CERT_PATH=%q\n' "$LAB_DIR/tls"
    else
        printf 'unset DOCKER_CONTEXT DOCKER_TLS DOCKER_TLS_VERIFY DOCKER_CERT_PATH\n'
        printf 'export DOCKER_HOST=%q\n' "$(socket "$node")"
    fi
}

lab_logs() {
    need_node "${1:-}"
    [[ -f $LAB_DIR/$1/engine.log ]] || fail 1 "the engine of $1 was never started"
    if [[ ${2:-} == -f ]]; then tail -n 100 -f "$LAB_DIR/$1/engine.log"; else cat "$LAB_DIR/$1/engine.log"; fi
}

lab_shell() {
    local node=${1:-} first
    need_root
    need_node "$node"
    first=$(first_process "$node")
    [[ -n $first ]] || fail 1 "$node does not run; 'lab heal $node' starts it"
    shift
    nsenter --target "$first" --mount --uts --net --pid env "${CLEAR[@]}" DOCKER_HOST="$(socket "$node")" "${@:-bash}" || exit
}
