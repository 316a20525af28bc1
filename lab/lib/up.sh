# shellcheck shell=bash
# lab up: from nothing, from a half-made lab, or from a healthy one, to a healthy one.

lab_up() {
    local managers='' workers='' began
    while (($# > 0)); do
        case $1 in
            --managers) need_count "$1" "${2:-}" 1 9 && managers=$2 ;;
            --workers) need_count "$1" "${2:-}" 0 99 && workers=$2 ;;
            *) fail 2 "lab up has no argument '$1'; lab --help lists them" ;;
        esac
        shift 2
    done
    check_machine
    raise_neighbour_limits
    began=$(date +%s%N)
    check_subnet
    check_dir
    set_sizes "$managers" "$workers"
    make_client_certificate
    make_hub
    local node
    for node in $(nodes); do connect "$node"; done
    # shellcheck disable=SC2046 # node names
    in_parallel start_node $(nodes)
    join_all
    say "$MANAGERS managers and $WORKERS workers are ready, after $((($(date +%s%N) - began) / 1000000)) ms"
    say "eval \"\$(lab env)\" lets docker talk to m1; 'lab status' shows the nodes"
}

# need_count FLAG VALUE LEAST MOST
need_count() {
    [[ ! $2 =~ ^([0-9]|[1-9][0-9])$ ]] || (($2 < $3 || $2 > $4)) || return 0
    fail 2 "$1 wants a number from $3 to $4, not '$2'"
}

# A lab keeps its sizes and may grow. A node that goes would have to leave the swarm first, and take its tasks' data along.
set_sizes() {
    local managers=${1:-$MANAGERS} workers=${2:-$WORKERS}
    ((MANAGERS > 0)) || { managers=${1:-3} workers=${2:-2}; }
    ((managers >= MANAGERS && workers >= WORKERS)) ||
        fail 4 "the lab has $MANAGERS managers and $WORKERS workers and cannot shrink; 'lab down' first"
    ((managers % 2 == 1)) || say "$managers managers survive no more failures than $((managers - 1)) would"
    MANAGERS=$managers WORKERS=$workers
    mkdir -p "$LAB_DIR"
    chmod 755 "$LAB_DIR"
    write_lab
}

# Managers one after the other, because each join changes who has to agree to the next.
join_all() {
    local node
    make_swarm
    for node in $(managers); do join "$node"; done
    # shellcheck disable=SC2046 # node names
    in_parallel join $(workers)
    # shellcheck disable=SC2046 # node names
    await "$LAB_WAIT" all_ready $(nodes) || fail 1 "not all nodes are ready after $LAB_WAIT s; 'lab status' shows which"
    in_touch
}
