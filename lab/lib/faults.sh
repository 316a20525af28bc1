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
    ((${#healed[@]} > 0)) || { ! speaker >/dev/null || in_touch; say "nothing to heal"; return; }
    in_parallel start_node "${healed[@]}"
    rejoined "${healed[@]}"
}

# A swarm that has lost its majority stays so until enough managers are healed: that is no failure of this command.
rejoined() {
    if await 30 speaker >/dev/null; then
        await "$LAB_WAIT" all_ready "$@" || fail 1 "the swarm does not see $* as ready after $LAB_WAIT s; 'lab up' joins nodes that never did"
        in_touch
        say "$*: ready again"
    else
        say "$*: running again, but no manager knows a leader yet; heal more managers ('lab heal' heals all)"
    fi
}

# Until then containers on some nodes find neither the names nor the addresses of those on others.
in_touch() {
    all_in_touch && return
    say "the engines tell each other where their containers are: up to 90 s after a cut"
    await "$LAB_WAIT" in_touch_soon && return
    strangers >&2
    fail 1 "not done after $LAB_WAIT s: above is which engine does not know what; 'lab logs NODE' may say why"
}

# To ask all engines costs them something, too.
in_touch_soon() { sleep 0.5 && all_in_touch; }
