# shellcheck shell=bash
# Messages, waiting, and running things side by side. Knows nothing of nodes.

say() { printf 'lab: %s\n' "$*" >&2; }

# fail CODE SENTENCE
fail() {
    local code=$1
    shift
    say "$*"
    exit "$code"
}

# need_value FLAG VALUE
need_value() { [[ -n $2 ]] || fail 2 "$1 wants a value; lab --help says which"; }

# await SECONDS COMMAND...: tries COMMAND until it succeeds; fails when the time is up.
await() {
    local deadline=$((SECONDS + $1))
    shift
    until "$@"; do
        ((SECONDS < deadline)) || return 1
        sleep 0.1
    done
}

# in_parallel FUNCTION NODE...: FUNCTION once for each node, at the same time; ends the command if one of them failed.
# To be called as a command of its own: after it, || would switch off set -e in FUNCTION.
in_parallel() {
    local function=$1 node pid failed=0 pids=()
    shift
    for node in "$@"; do
        "$function" "$node" &
        pids+=($!)
    done
    for pid in "${pids[@]}"; do
        wait "$pid" || failed=1
    done
    ((failed == 0)) || fail 1 "not done on every node; above is why"
}

