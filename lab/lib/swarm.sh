# shellcheck shell=bash
# The engines as a swarm: init, join, who leads.

# inactive, pending, active, error, locked; nothing when the engine does not answer.
swarm_state() { ask "$1" info --format '{{.Swarm.LocalNodeState}}'; }
is_member() { [[ $(swarm_state "$1") == active ]]; }
decided() { case $(swarm_state "$1") in active | inactive | error | locked) ;; *) return 1 ;; esac; }

# Without a leader the engine would think about it for long.
knows_leader() { timeout 5 env "${CLEAR[@]}" docker -H "$(socket "$1")" node ls -q >/dev/null 2>&1; }

# A manager that is not cut off and knows a leader; fails where there is none.
speaker() {
    local node
    for node in $(managers); do
        is_running "$node" && ! is_cut "$node" && knows_leader "$node" && { echo "$node"; return; }
    done
    return 1
}

need_speaker() {
    speaker || fail 1 "no manager of '$LAB_NAME' knows a leader: more than half of the managers must run and reach each other (lab status, lab heal)"
}

# A swarm once begun may need some seconds to find its leader; a second init would make a second swarm.
make_swarm() {
    local node
    for node in $(managers); do
        await 30 decided "$node" || fail 1 "the swarm of $node is still starting; 'lab logs $node' may say why"
        [[ $(swarm_state "$node") != active ]] || {
            await 60 speaker >/dev/null || need_speaker >/dev/null
            return 0
        }
    done
    on m1 swarm init --advertise-addr "$(address m1)" >/dev/null || fail 1 "m1 could not begin a swarm"
}

# join NODE: through whichever manager knows a leader.
join() { is_member "$1" || await 60 try_join "$1" || fail 1 "$1 could not join the swarm; 'lab logs $1' may say why"; }

try_join() {
    local node=$1 through token
    through=$(speaker) || return 1
    token=$(ask "$through" swarm join-token -q "$(role "$node")") || return 1
    timeout 30 env "${CLEAR[@]}" docker -H "$(socket "$node")" swarm join --advertise-addr "$(address "$node")" \
        --token "$token" "$(address "$through"):2377" >/dev/null 2>&1 && return
    # A join that timed out may still end well; one that failed leaves a state that is in the way of the next.
    await 10 decided "$node" || return 1
    is_member "$node" || { ask "$node" swarm leave --force >/dev/null; return 1; }
}

# all_ready NODE...: the swarm says so, and they do. The swarm alone may not have noticed yet that a node was away.
all_ready() {
    local through node list
    through=$(speaker) && list=$(ask "$through" node ls --format '{{.Hostname}} {{.Status}}') || return 1
    for node in "$@"; do
        grep -qx "$node Ready" <<<"$list" && is_member "$node" || return 1
        [[ $(role "$node") == worker ]] || knows_leader "$node" || return 1
    done
}

# on_networks NODE: each network that spans nodes, as this node's engine knows it: id, name, the addresses of the nodes on it,
# and each task's address with that of its node (TASK@NODE).
on_networks() {
    local ids
    ids=$(ask "$1" network ls -q --filter driver=overlay) || return 1
    # shellcheck disable=SC2086 # a list of ids
    [[ -z $ids ]] || ask "$1" network inspect --verbose $ids --format '{{.ID}} {{.Name}}{{range .Peers}} {{.IP}}{{end}}
        {{- range .Services}}{{range .Tasks}} {{.EndpointIP}}@{{index .Info "Host IP"}}{{end}}{{end}}'
}

# strangers: which engines do not know the same as another of what that other one has on a network they share. They tell each other
# by gossip, which the managers have no part in: a node may be ready and its containers not be found, and after a cut the
# node that comes back makes the others doubt each other, too. What an engine says of itself is right.
strangers() {
    local node known
    for node in $(nodes); do
        [[ $(machine_state "$node") == up ]] || continue
        known=$(on_networks "$node") || { echo "$node does not say what it knows"; continue; }
        [[ -z $known ]] || awk -v node="$node" -v address="$(address "$node")" '{ print "knows", node, address, $0 }' <<<"$known"
    done | awk '
        $1 != "knows" { print; next }
        {
            node[$3] = $2
            name[$4] = $5
            for (i = 6; i <= NF; i++) if (split($i, task, "@") == 2) { tasks[$4, $3, $i]; home[$i] = task[2] } else peers[$4, $3, $i]
        }
        END {
            for (network in name) for (a in node) for (b in node) {
                # A node that is not on a network does not list itself there.
                if (a == b || !((network, a, a) in peers) || !((network, b, b) in peers)) continue
                same = (network, a, b) in peers
                for (t in home) if (home[t] == b && ((network, a, t) in tasks) != ((network, b, t) in tasks)) same = 0
                if (!same) print node[a] " does not know yet what " node[b] " has on the network " name[network]
            }
        }' | sort
}

all_in_touch() { [[ -z $(strangers) ]]; }
