# shellcheck shell=bash
# The wires: a hub namespace with a bridge, a namespace per node with one veth to it, and one veth into this machine.

# In this machine's own namespace the bridged frames would go through the firewall rules of whatever engine runs here.
netns() { echo "$LAB_NAME-$1"; }
inside() { local node=$1; shift; nsenter --net="/run/netns/$(netns "$node")" "$@"; }
has_link() { ip -n "$(netns "$1")" link show "$2" >/dev/null 2>&1; }

make_hub() {
    if ! has_link hub hub0; then
        remove_netns hub
        ip netns add "$(netns hub)"
        ip -n "$(netns hub)" link add hub0 type bridge forward_delay 0
    fi
    ip -n "$(netns hub)" link set hub0 up
    if [[ -z $(leg_left) ]] || ! has_link hub machine; then
        ip link delete "$LEG" 2>/dev/null || true
        ip link add "$LEG" type veth peer name machine netns "$(netns hub)"
    fi
    ip -n "$(netns hub)" link set machine master hub0 up
    ip address replace "$(address machine)/24" dev "$LEG"
    ip link set "$LEG" up
}

# connect NODE: its namespace, and its wire to the hub. Nothing changes where both are there.
connect() {
    local node=$1
    if ! inside "$node" true 2>/dev/null; then
        remove_netns "$node"
        ip netns add "$(netns "$node")"
    fi
    if ! has_link hub "$node" || ! has_link "$node" eth0; then
        remove_link "$node"
        ip link add "$node" netns "$(netns hub)" type veth peer name eth0 netns "$(netns "$node")"
    fi
    ip -n "$(netns "$node")" link set lo up
    ip -n "$(netns "$node")" address replace "$(address "$node")/24" dev eth0
    ip -n "$(netns "$node")" link set eth0 up
    ip -n "$(netns hub)" link set "$node" master hub0 up
}

remove_link() {
    ip -n "$(netns hub)" link delete "$1" 2>/dev/null || true
    ip -n "$(netns "$1")" link delete eth0 2>/dev/null || true
}

remove_netns() {
    [[ ! -e /run/netns/$(netns "$1") ]] || ip netns delete "$(netns "$1")"
}

# A machine that was switched off has none of the interfaces and firewall rules any more that its engine made.
disconnect() {
    remove_link "$1"
    remove_netns "$1"
}

is_cut() { [[ $(ip -n "$(netns hub)" -o link show "$1" 2>/dev/null) == *' state DOWN '* ]]; }
set_link() { ip -n "$(netns hub)" link set "$1" "$2"; }

netns_left() {
    local file
    for file in "/run/netns/$LAB_NAME"-*; do
        [[ ! ${file##*/} =~ ^$LAB_NAME-(hub|trial[0-9]+|[mw][0-9]+)$ ]] || echo "${file##*/}"
    done
}

leg_left() { ! ip link show "$LEG" >/dev/null 2>&1 || echo "$LEG"; }

remove_network() {
    local name
    # The wires first: a namespace goes only when the last process that holds it has gone.
    for name in $(netns_left); do
        [[ $name == *-hub ]] || ip -n "$name" link delete eth0 2>/dev/null || true
    done
    for name in $(netns_left); do ip netns delete "$name"; done
    ip link delete "$LEG" 2>/dev/null || true
}
