# shellcheck shell=bash
# What can be set, names derived from it, and what this machine must have.
# shellcheck disable=SC2034 # used in the other parts

read_settings() {
    MESH_NAME=${MESH_NAME:-dcmesh}
    MESH_DIR=$(realpath -m "${MESH_DIR:-$MESH_HOME/../target/mesh}")
    MESH_MEMORY=${MESH_MEMORY:-2048}
    MESH_WAIT=${MESH_WAIT:-120}
    [[ $MESH_NAME =~ ^[a-z][a-z0-9]{0,9}$ ]] || fail 2 "MESH_NAME=$MESH_NAME: a letter, then up to 9 letters or digits"
    [[ $MESH_MEMORY =~ ^[1-9][0-9]{2,5}$ ]] || fail 2 "MESH_MEMORY=$MESH_MEMORY: megabytes of each guest, 3 to 6 digits"
    [[ $MESH_WAIT =~ ^[1-9][0-9]{0,4}$ ]] || fail 2 "MESH_WAIT=$MESH_WAIT: seconds, 1 or more"
    ROOT_IMAGE=$MESH_DIR/root.img # the file system all guests begin with
    PROBE_IMAGE=$MESH_DIR/probe.tar # a container image with bash in it
    XSTATE=$MESH_DIR/xstate.so
    RUN=$MESH_DIR/run-$MESH_NAME # of the guests that run; removed with them
    NAMESPACE=/run/netns/$MESH_NAME
}

# The network of the guests exists in a namespace of its own, so it can be the same on any machine.
HOST_ADDRESS=192.168.231.1
address() { echo "192.168.231.$((10 + $1))"; } # number of a guest

need_programs() {
    local pair missing=()
    ((EUID == 0)) || fail 3 "only root can make network namespaces and a file system with devices: use sudo"
    for pair in linux.uml:user-mode-linux mmdebstrap:mmdebstrap mkfs.ext4:e2fsprogs cc:gcc docker:docker.io ip:iproute2 \
        nsenter:util-linux; do
        command -v "${pair%%:*}" >/dev/null || missing+=("${pair#*:}")
    done
    ((${#missing[@]} == 0)) || fail 3 "missing: ${missing[*]}; install them: apt-get install --no-install-recommends ${missing[*]}"
    [[ -c /dev/net/tun ]] || fail 3 "there is no /dev/net/tun: the kernel needs its module tun (modprobe tun)"
}
