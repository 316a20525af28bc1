# shellcheck shell=bash
# lab deploy: stack.yml as it is, or with the settings that a kernel without IPVS needs.

lab_deploy() {
    local stack='' file='' wait=yes extra=() options=(--resolve-image never) through
    while (($# > 0)); do
        case $1 in
            -f) need_value "$1" "${2:-}" && file=$2 && shift 2 ;;
            -c) need_value "$1" "${2:-}" && extra+=(-c "$2") && shift 2 ;;
            --no-wait) wait=no && shift ;;
            -*) fail 2 "lab deploy has no option '$1'; lab --help lists them" ;;
            *) [[ -z $stack ]] || fail 2 "lab deploy takes one stack name, not also '$1'"
                stack=$1 && shift ;;
        esac
    done
    stack=${stack:-dockercoins} file=${file:-$LAB_HOME/../stack.yml}
    [[ -r $file ]] || fail 2 "there is no file $file"
    need_root
    need_lab
    through=$(need_speaker) || exit
    set_variables "$through"
    await_removed "$through" "$stack"
    # Newer clients want to be told whether to wait; older ones never do.
    [[ $(docker stack deploy --help) != *--detach* ]] || options+=(--detach=true)
    on "$through" stack deploy "${options[@]}" -c "$file" "${extra[@]}" "$stack" || fail 1 "docker refused the stack; above is why"
    warn_of_missing_images "$through" "$stack"
    [[ $wait == no ]] || await_running "$through" "$stack"
    tell_address "$through" "$stack"
}

# What the caller has set stays.
set_variables() {
    REDIS_IMAGE=$(redis_image "$1")
    export REDIS_IMAGE
    has_ipvs && return
    export PUBLISH_MODE=${PUBLISH_MODE:-host} ENDPOINT_MODE=${ENDPOINT_MODE:-dnsrr}
    export RNG_PORT=${RNG_PORT:-0} HASHER_PORT=${HASHER_PORT:-0} WEBUI_PORT=${WEBUI_PORT:-8000}
    # A new task cannot have a node's port before the old one has left it.
    [[ $PUBLISH_MODE != host ]] || export WEBUI_UPDATE_ORDER=${WEBUI_UPDATE_ORDER:-stop-first}
    say "this kernel has no IPVS, so no virtual IPs and no routing mesh: ENDPOINT_MODE=$ENDPOINT_MODE, PUBLISH_MODE=$PUBLISH_MODE:" \
        "a service's name gives the addresses of its tasks, ports are those of the task's node," \
        "RNG_PORT=$RNG_PORT, HASHER_PORT=$HASHER_PORT, WEBUI_PORT=$WEBUI_PORT (0: a free one for each task)"
}

# Networks of a removed stack go some seconds after it. Until then a new stack of that name would be attached to the old ones.
await_removed() {
    local through=$1 stack=$2
    [[ -z $(ask "$through" stack services -q "$stack") ]] || return 0
    all_gone "$stack" || say "waiting until the remains of the earlier stack '$stack' are gone"
    await 60 all_gone "$stack" || say "remains of an earlier stack '$stack' are still there; going on"
}

all_gone() {
    local node label=com.docker.stack.namespace=$1
    for node in $(running_nodes); do
        [[ -z $(ask "$node" network ls -q --filter "label=$label") && -z $(ask "$node" ps -q --filter "label=$label") ]] || return 1
    done
}

warn_of_missing_images() {
    local node image
    for image in $(ask "$1" stack services --format '{{.Image}}' "$2" | sort -u); do
        for node in $(running_nodes); do
            has_image "$node" "$image" >/dev/null || say "$node has no image $image: tasks cannot start there; 'lab images $image' copies it from m1"
        done
    done
}

await_running() {
    if await "$LAB_WAIT" converged "$1" "$2"; then
        say "all services of '$2' have the replicas they want"
    else
        on "$1" stack services --format 'table {{.Name}}\t{{.Replicas}}' "$2" >&2
        ask "$1" stack ps --no-trunc --format '{{.Name}} on {{.Node}}: {{.Error}}' "$2" | grep -v ': $' | sort | uniq -c | sort -rn | head -n 5 >&2 || true
        fail 1 "not all services of '$2' run after $LAB_WAIT s; 'lab docker $1 service ps SERVICE' says more"
    fi
}

# As many replicas as wanted, and no update under way. More, because a task on a node that was lost may still be counted.
converged() {
    local services
    services=$(ask "$1" stack services --format '{{.Replicas}}' "$2") || return 1
    awk '{ split($1, n, "/"); if (n[1] < n[2]) exit 1 }' <<<"$services" || return 1
    # shellcheck disable=SC2046 # a list of ids
    ! ask "$1" service inspect --format '{{with .UpdateStatus}}{{.State}}{{end}}' $(ask "$1" stack services -q "$2") | grep -q '^updating'
}

tell_address() {
    local mode port task node
    read -r mode port < <(ask "$1" service inspect "$2_webui" --format '{{range .Endpoint.Ports}}{{.PublishMode}} {{.PublishedPort}}{{"\n"}}{{end}}') || return 0
    [[ -n ${port:-} ]] || return 0
    if [[ $mode == ingress ]]; then
        echo "webui: http://$(address "$1"):$port/ (every node answers)"
        return
    fi
    task=$(ask "$1" service ps -q --filter desired-state=running "$2_webui" | head -n 1)
    node=$(ask "$1" service ps --filter desired-state=running --format '{{.Node}}' "$2_webui" | head -n 1)
    port=$(ask "$1" inspect "$task" --format '{{range .Status.PortStatus.Ports}}{{.PublishedPort}} {{end}}') || return 0
    # Once for IPv4 and once for IPv6.
    port=${port%% *}
    [[ -z $node || -z $port ]] || echo "webui: http://$(address "$node"):$port/ (it runs on $node)"
}
