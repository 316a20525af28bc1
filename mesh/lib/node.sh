# shellcheck shell=bash
# Guests: their network, their start and their end.

in_network() { nsenter --net="$NAMESPACE" "$@"; }

# Runs a command where the guests can be reached, with the first one's engine as Docker's.
with_engine() { # number of a guest, command
    local number=$1
    shift
    in_network env -u DOCKER_CONTEXT -u DOCKER_TLS_VERIFY -u DOCKER_CERT_PATH NO_PROXY='*' no_proxy='*' \
        DOCKER_HOST="tcp://$(address "$number"):2375" "$@"
}

# Bounded, because a guest that has died does not refuse connections.
docker_on() { # number of a guest, arguments of docker
    local number=$1
    shift
    with_engine "$number" timeout 120 docker "$@"
}

make_network() { # guests
    local number
    in_network ip link set lo up
    in_network ip link add mesh type bridge
    in_network ip address add "$HOST_ADDRESS/24" dev mesh
    in_network ip link set mesh up
    for ((number = 1; number <= $1; number++)); do
        in_network ip tuntap add "tap$number" mode tap
        in_network ip link set "tap$number" master mesh up
    done
}

# Runs within the guest's own mount namespace. Its memory is a file that must be on a tmpfs, and
# /dev/shm is small in many containers; this tmpfs goes away with the namespace.
# shellcheck disable=SC2016 # expanded in there
UML='set -eu
mount -t tmpfs -o "size=$((memory + 64))m" memory "$run/memory"
exec env LD_PRELOAD="$xstate" TMPDIR="$run/memory" linux.uml "mem=${memory}M" "umid=$name" "uml_dir=$run/memory" \
    "ubd0=$run/$name.cow,$root" root=/dev/ubda rw quiet con=null con0=null,fd:1 ssl=null \
    "vec0:transport=tap,ifname=$tap,depth=128,gro=1" init=/sbin/mesh-init "mesh_name=$name" "mesh_address=$address"'

# A guest is one process with children, in a process namespace of its own: they end with it.
boot() { # number
    local name=node$1
    rm -f "$RUN/$name.cow"
    memory=$MESH_MEMORY run=$RUN xstate=$XSTATE name=$name root=$ROOT_IMAGE tap=tap$1 address=$(address "$1") \
        setsid nsenter --net="$NAMESPACE" \
        unshare --mount --pid --fork --kill-child --mount-proc sh -c "$UML" </dev/null >"$RUN/$name.log" 2>&1 &
    echo $! >"$RUN/$name.pid"
    disown
}

# Whether its process is there, and not another one that has its number by now.
is_running() { # number
    local pid
    pid=$(cat "$RUN/node$1.pid" 2>/dev/null) && ip netns pids "$MESH_NAME" | grep -qx "$pid"
}

# Its log, because a kernel that panics stays there and says nothing to anybody else.
has_died() { # number
    ! is_running "$1" || grep -qaE 'Kernel panic|mesh: docker has ended' "$RUN/node$1.log"
}

answers() { with_engine "$1" timeout 5 docker version >/dev/null 2>&1; }

answers_or_has_died() { answers "$1" || has_died "$1"; }

halt() { # number
    local pid
    is_running "$1" || return 0
    pid=$(cat "$RUN/node$1.pid")
    kill -KILL "$pid"
    await 20 test ! -e "/proc/$pid" || say "process $pid does not end"
}

# Single slow boots have been seen, so there is a second try.
wait_until_up() { # number
    local try
    for try in first second; do
        await "$MESH_WAIT" answers_or_has_died "$1" || true
        answers "$1" && return
        say "node$1 did not come up at the $try try; its last words:"
        grep -av '^$' "$RUN/node$1.log" | tail -n 15 >&2 || true
        [[ $try == first ]] || break
        halt "$1"
        boot "$1"
    done
    fail 1 "node$1 does not come up within $MESH_WAIT s; MESH_WAIT gives it longer"
}

join_swarm() { # guests
    local token number
    docker_on 1 swarm init --advertise-addr "$(address 1)" >/dev/null
    token=$(docker_on 1 swarm join-token --quiet worker)
    for ((number = 2; number <= $1; number++)); do
        docker_on "$number" swarm join --token "$token" "$(address 1)":2377 >/dev/null
    done
}

guest_start() { # guests
    local count=${1:-1} number
    [[ $count =~ ^[1-9]$ ]] || fail 2 "start $count: the number of guests, 1 to 9"
    guest_make
    # Also the lock: of two that start at the same time, only one makes the namespace.
    ip netns add "$MESH_NAME" 2>/dev/null || fail 4 "the guests of $MESH_NAME run already; end them with: mesh/guest stop"
    trap 'guest_stop' EXIT
    rm -rf "$RUN"
    mkdir -p "$RUN/memory"
    make_network "$count"
    for ((number = 1; number <= count; number++)); do boot "$number"; done
    for ((number = 1; number <= count; number++)); do wait_until_up "$number"; done
    join_swarm "$count"
    trap - EXIT
}

numbers() { # of the guests there are
    local file
    for file in "$RUN"/node*.pid; do
        [[ ! -e $file ]] || basename "$file" .pid | sed s/node//
    done
}

need_guests() {
    [[ -e $NAMESPACE && -n $(numbers) ]] || fail 4 "no guest runs: mesh/guest start"
}

load_into() { # archive, numbers of guests
    local archive=$1 number pid pids=()
    shift
    for number; do
        docker_on "$number" load --quiet --input "$archive" >/dev/null &
        pids+=($!)
    done
    for pid in "${pids[@]}"; do wait "$pid" || fail 1 "$archive could not be loaded into every guest"; done
}

guest_load() { # archives made by docker save
    local archive
    (($# > 0)) || fail 2 "load: which archives?"
    need_guests
    for archive; do
        # shellcheck disable=SC2046 # numbers
        load_into "$archive" $(numbers)
    done
}

guest_share() { # images
    (($# > 0)) || fail 2 "share: which images?"
    need_guests
    docker_on 1 save --output "$RUN/images.tar" "$@"
    # shellcheck disable=SC2046 # numbers
    load_into "$RUN/images.tar" $(numbers | grep -vx 1)
    rm "$RUN/images.tar"
}

# Ends whatever is in the guests' network, commands of `mesh/guest run` too; succeeds when all is gone.
is_empty() {
    local processes
    processes=$(ip netns pids "$MESH_NAME")
    [[ -n $processes ]] || return 0
    # shellcheck disable=SC2086 # numbers
    kill -KILL $processes 2>/dev/null || true
    return 1
}

guest_stop() {
    if [[ -e $NAMESPACE ]]; then
        await 20 is_empty || say "these processes do not end: $(ip netns pids "$MESH_NAME" | xargs)"
        ip netns delete "$MESH_NAME"
    fi
    rm -rf "$RUN"
}
