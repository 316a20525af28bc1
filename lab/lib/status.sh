# shellcheck shell=bash
# lab status: what is known here (does it run, is it cut) beside what the swarm says of it.

lab_status() {
    local through nodes='' tasks=''
    need_root
    need_lab
    if through=$(speaker); then
        nodes=$(ask "$through" node ls --format '{{.Hostname}} {{.Status}} {{.Availability}} {{.ManagerStatus}}')
        tasks=$(running_tasks "$through")
    fi
    {
        echo 'NODE ROLE MACHINE SWARM LEADERSHIP ADDRESS TASKS'
        for node in $(nodes); do node_row "$node" "$nodes" "$tasks"; done
    } | column -t
    if [[ -z $through ]]; then
        say "no manager knows a leader: the swarm cannot be asked or changed, its containers go on"
    elif [[ -n $(ask "$through" service ls -q) ]]; then
        echo
        ask "$through" service ls --format 'table {{.Name}}\t{{.Replicas}}\t{{.Image}}\t{{.Ports}}'
    fi
}

# node_row NODE NODES TASKS
node_row() {
    local node=$1 swarm leadership count
    # A node that left and came again is in the list twice; the living entry counts.
    read -r swarm leadership <<<"$(awk -v node="$node" '$1 == node { if (!line || $2 == "Ready") { s = $2; l = $4 == "" ? "-" : $4; line = 1 } }
        END { print (line ? tolower(s) " " tolower(l) : "unknown -") }' <<<"$2")"
    count=$(grep -cx "$node" <<<"$3" || true)
    [[ -n $2 ]] || count=-
    echo "$node $(role "$node") $(machine_state "$node") $swarm $leadership $(address "$node") $count"
}

machine_state() {
    if ! is_running "$1"; then echo killed; elif is_cut "$1"; then echo cut; else echo up; fi
}

# The node of each task that should run and does, as the swarm knows it: of a node that is lost, the last it heard.
running_tasks() {
    local ids
    ids=$(ask "$1" node ls -q)
    # Asked for several nodes, docker names a task more than once.
    # shellcheck disable=SC2086 # a list of ids
    ask "$1" node ps $ids --filter desired-state=running --format '{{.ID}} {{.Node}} {{.CurrentState}}' | sort -u | awk '$3 == "Running" { print $2 }'
}
