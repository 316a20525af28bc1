# shellcheck shell=bash
# What the caller may set, checked once; the names, roles, and addresses that follow from it; the lock.

read_settings() {
    LAB_NAME=${LAB_NAME:-dclab}
    LAB_DIR=${LAB_DIR:-/var/lib/$LAB_NAME}
    LAB_WAIT=${LAB_WAIT:-120}
    [[ $LAB_NAME =~ ^[a-z][a-z0-9]{0,9}$ ]] ||
        fail 2 "LAB_NAME is '$LAB_NAME', but must be a small letter and then up to 9 small letters or digits"
    [[ $LAB_WAIT =~ ^[1-9][0-9]{0,4}$ ]] || fail 2 "LAB_WAIT is '$LAB_WAIT', but must be a number of seconds"
    LAB_DIR=$(realpath -m -- "$LAB_DIR")
    check_folder
    MANAGERS=0 WORKERS=0 SUBNET=${LAB_SUBNET:-10.213.0.0/24}
    read_lab
    [[ $SUBNET =~ ^(([0-9]{1,3}\.){3})0/24$ ]] ||
        fail 2 "LAB_SUBNET is '$SUBNET', but must be a /24 such as 10.213.0.0/24"
    PREFIX=${BASH_REMATCH[1]}
    # shellcheck disable=SC2034 # for network.sh
    LEG=$LAB_NAME-host
}

# A node has its own /run and /etc, and a unix socket's path has 107 bytes at most.
check_folder() {
    case $LAB_DIR/ in
        // | /run/* | /var/run/* | /etc/* | /proc/* | /sys/* | /dev/*)
            fail 2 "LAB_DIR is '$LAB_DIR': choose a folder outside of /run, /etc, /proc, /sys, and /dev" ;;
    esac
    ((${#LAB_DIR} <= 80)) || fail 2 "LAB_DIR is '$LAB_DIR': choose a path of at most 80 characters"
}

# The lab's own record of its sizes. Its presence also says that LAB_DIR is ours to remove.
read_lab() {
    local key value
    [[ -f $LAB_DIR/lab.conf ]] || return 0
    while IFS='=' read -r key value; do
        case $key in
            managers) MANAGERS=$value ;;
            workers) WORKERS=$value ;;
            subnet) SUBNET=$value ;;
        esac
    done <"$LAB_DIR/lab.conf"
    [[ -z ${LAB_SUBNET:-} || $LAB_SUBNET == "$SUBNET" ]] ||
        fail 4 "the lab '$LAB_NAME' has the network $SUBNET, not $LAB_SUBNET; 'lab down' first, or another LAB_NAME and LAB_DIR"
}

write_lab() {
    printf 'managers=%s\nworkers=%s\nsubnet=%s\n' "$MANAGERS" "$WORKERS" "$SUBNET" >"$LAB_DIR/lab.conf.new"
    mv "$LAB_DIR/lab.conf.new" "$LAB_DIR/lab.conf"
}

managers() { local n; for ((n = 1; n <= MANAGERS; n++)); do echo "m$n"; done; }
workers() { local n; for ((n = 1; n <= WORKERS; n++)); do echo "w$n"; done; }
nodes() { managers; workers; }
role() { case $1 in m*) echo manager ;; *) echo worker ;; esac; }

address() {
    case $1 in
        m[0-9]*) echo "$PREFIX$((10 + ${1#m}))" ;;
        w[0-9]*) echo "$PREFIX$((30 + ${1#w}))" ;;
        machine) echo "${PREFIX}254" ;;
    esac
}

need_root() { ((EUID == 0)) || fail 3 "this command needs root: it makes namespaces and starts engines (sudo lab ...)"; }

need_lab() { ((MANAGERS > 0)) || fail 1 "there is no lab '$LAB_NAME' in $LAB_DIR; 'lab up' makes one"; }

# need_node NODE: it belongs to this lab.
need_node() {
    need_lab
    grep -qxF -- "${1:-}" <(nodes) ||
        fail 2 "there is no node '${1:-}'; the nodes are $(nodes | paste -sd ' ')"
}

# One command at a time changes the lab. The file goes with the lab, so look whether what was locked is still there.
take_lock() {
    local file=/run/lock/$LAB_NAME.lock
    mkdir -p /run/lock
    while :; do
        exec 9>>"$file"
        flock -n 9 || wait_for_lock
        # Only then do both names mean the same file.
        [[ /proc/self/fd/9 -ef $file ]] && break
    done
    MANAGERS=0 WORKERS=0
    read_lab
}

wait_for_lock() {
    say "another lab command runs on '$LAB_NAME': waiting for it"
    flock -w 60 9 || fail 4 "another lab command still runs on '$LAB_NAME'; try again when it is done"
}

# alone FUNCTION ARGUMENT...: under the lock. The work is done in a process group of its own, so that an interruption can end all
# of it; this shell only waits, since bash does not run a trap reliably while it does something else.
alone() {
    local code=0
    need_root
    take_lock
    trap interrupted INT TERM HUP
    set -m
    (
        set +m
        trap - INT TERM HUP
        "$@"
    ) </dev/null &
    set +m
    wait "$!" || code=$?
    drop_lock_file
    exit "$code"
}

interrupted() {
    trap '' INT TERM HUP
    if [[ -n ${!:-} ]]; then
        kill -TERM -- "-$!" 2>/dev/null || true
        wait "$!" || true
    fi
    drop_lock_file
    say "interrupted; 'lab up' goes on from here, 'lab down' removes everything"
    exit 130
}

# Where there is no lab, nothing of it shall be left.
drop_lock_file() { [[ -f $LAB_DIR/lab.conf ]] || rm -f "/run/lock/$LAB_NAME.lock"; }
