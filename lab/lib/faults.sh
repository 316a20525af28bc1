# shellcheck shell=bash
# lab kill, cut, heal: what happens to machines.

lab_kill() {
    need_node "${1:-}"
    is_running "$1" || fail 1 "$1 does not run already"
    kill_processes "$1"
    remove_groups "$1"
    disconnect "$1"
    say "$1 is without power: its engine and containers are gone; 'lab heal $1' starts it again"
}

lab_cut() {
    need_node "${1:-}"
    is_running "$1" || fail 1 "$1 does not run; 'lab heal $1' starts it"
    set_link "$1" down
    say "$1 is cut off: its containers go on, no one reaches it; 'lab heal $1' connects it again"
}

lab_heal() {
    local node healed=()
    [[ -z ${1:-} ]] || need_node "$1"
    need_lab
    make_hub
    for node in ${1:-$(nodes)}; do
        [[ $(machine_state "$node") == up ]] || healed+=("$node")
        connect "$node"
    done
    ((${#healed[@]} > 0)) || { say "nothing to heal"; return; }
    in_parallel start_node "${healed[@]}"
    rejoined "${healed[@]}"
}

# A swarm that has lost its majority stays so until enough managers are healed: that is no failure of this command.
rejoined() {
    if await 30 speaker >/dev/null; then
        await "$LAB_WAIT" all_ready "$@" || fail 1 "the swarm does not see $* as ready after $LAB_WAIT s; 'lab up' joins nodes that never did"
        say "$*: ready again"
    else
        say "$*: running again, but no manager knows a leader yet; heal more managers ('lab heal' heals all)"
    fi
}
