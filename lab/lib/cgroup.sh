# shellcheck shell=bash
# Control groups. All processes of a node, its engine and its containers, are below /LAB_NAME/NODE: that is how they are found.

CGROUPS=/sys/fs/cgroup

cgroups_usable() { [[ -e $CGROUPS/cgroup.controllers || -e $CGROUPS/devices/cgroup.procs ]]; }

# All mounted hierarchies: one in version 2, one per controller in version 1.
hierarchies() {
    local folder
    if [[ -e $CGROUPS/cgroup.controllers ]]; then
        echo "$CGROUPS"
        return
    fi
    for folder in "$CGROUPS"/*/; do
        [[ -L ${folder%/} || ! -e ${folder}cgroup.procs ]] || echo "${folder%/}"
    done
}

# The hierarchy in which engines are put. containers are in each of them.
hierarchy() {
    local choice
    for choice in "$CGROUPS" "$CGROUPS/memory" "$CGROUPS/devices"; do
        [[ ! -e $choice/cgroup.procs ]] || { echo "$choice"; return; }
    done
}

# The engine is beside its containers' groups, because version 2 has processes in leaves only.
engine_group() { echo "$(hierarchy)/$LAB_NAME/$1/engine"; }

# processes [NODE]: ids of all processes of a node or of the lab.
processes() {
    find "$(hierarchy)/$LAB_NAME${1:+/$1}" -name cgroup.procs -exec cat {} + 2>/dev/null || true
}

engine_processes() { cat "$(engine_group "$1")/cgroup.procs" 2>/dev/null || true; }

# The first process of a node, from which its namespaces can be entered.
first_process() {
    local pid
    for pid in $(engine_processes "$1"); do
        [[ $(grep ^NSpid: "/proc/$pid/status" 2>/dev/null) != *$'\t1' ]] || { echo "$pid"; return; }
    done
}

# kill_processes [NODE]: none is left when it returns.
kill_processes() {
    thaw "${1:-}"
    await 20 all_killed "${1:-}" || fail 1 "processes of '$LAB_NAME' do not end: $(processes "${1:-}" | paste -sd ' ')"
}

all_killed() {
    local pids
    pids=$(processes "$1")
    [[ -n $pids ]] || return 0
    # shellcheck disable=SC2086 # a list of numbers
    kill -KILL $pids 2>/dev/null || true
    return 1
}

# In version 1 a paused container does not even die.
thaw() {
    local state
    for state in $(find "$CGROUPS/freezer/$LAB_NAME${1:+/$1}" -name freezer.state 2>/dev/null || true); do
        echo THAWED >"$state" 2>/dev/null || true
    done
}

# remove_groups [NODE]
remove_groups() { await 10 groups_removed "${1:-}" || fail 1 "control groups of '$LAB_NAME' cannot be removed: $(groups_left "${1:-}")"; }

groups_removed() {
    local folder
    for folder in $(groups_left "$1"); do
        find "$folder" -depth -type d -exec rmdir {} + 2>/dev/null || true
    done
    [[ -z $(groups_left "$1") ]]
}

groups_left() {
    local folder
    for folder in $(hierarchies); do
        folder=$folder/$LAB_NAME${1:+/$1}
        [[ ! -d $folder ]] || echo "$folder"
    done
}
