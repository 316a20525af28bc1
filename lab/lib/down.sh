# shellcheck shell=bash
# lab down: removes everything that carries the lab's name, whether or not its records are there, and looks whether it is gone.

lab_down() {
    (($# == 0)) || fail 2 "lab down takes no argument"
    kill_processes
    remove_network
    remove_groups
    remove_dir
    local left
    left=$(leftovers)
    [[ -z $left ]] || fail 1 "something is left: ${left//$'\n'/, }"
    say "nothing of '$LAB_NAME' is left"
}

# Only a folder that a lab wrote. The record goes last, so that an interrupted removal can go on.
remove_dir() {
    [[ -f $LAB_DIR/lab.conf || -f $LAB_DIR/lab.conf.new ]] || return 0
    find "$LAB_DIR" -xdev -mindepth 1 -depth ! -path "$LAB_DIR/lab.conf" -delete
    rm -f "$LAB_DIR/lab.conf"
    rmdir "$LAB_DIR"
}

leftovers() {
    processes | sed 's/^/process /'
    netns_left | sed 's/^/namespace /'
    leg_left | sed 's/^/interface /'
    groups_left '' | sed 's/^/control group /'
    grep -o " $LAB_DIR/[^ ]*" /proc/self/mountinfo | sed 's/^/mount/' || true
    [[ ! -f $LAB_DIR/lab.conf ]] || echo "folder $LAB_DIR"
}
