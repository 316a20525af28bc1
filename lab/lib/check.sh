# shellcheck shell=bash
# What a lab needs of this machine. Everything that is missing is named at once, with what helps.

# program and Debian package
NEEDS='
dockerd docker.io
docker docker.io
containerd containerd
runc runc
ip iproute2
iptables iptables
nsenter util-linux
unshare util-linux
mount mount
flock util-linux
openssl openssl
perl perl-base
timeout coreutils
find findutils
'

check_machine() {
    local missing=() program package
    while read -r program package; do
        [[ -z $program ]] || command -v "$program" >/dev/null ||
            missing+=("$program is not installed: apt-get install $package")
    done <<<"$NEEDS"
    cgroups_usable ||
        missing+=("no control groups are mounted in /sys/fs/cgroup: apt-get install cgroupfs-mount && cgroupfs-mount")
    ((${#missing[@]} > 0)) || check_kernel
    ((${#missing[@]} == 0)) || {
        printf 'lab: %s\n' "${missing[@]}" >&2
        exit 3
    }
}

# Adds to 'missing' of check_machine. Tried out, because modules may be built in, loaded, or loadable.
check_kernel() {
    local trial=$LAB_NAME-trial$BASHPID
    modprobe -qa overlay br_netfilter ip_vs 2>/dev/null || true
    if ! ip netns add "$trial"; then
        missing+=("network namespaces cannot be made here: in a container, run it with --privileged")
        return
    fi
    ip -n "$trial" link add trial0 type bridge ||
        missing+=("the kernel cannot make bridges: it needs the module bridge")
    ip -n "$trial" link add trial1 type veth peer name trial2 ||
        missing+=("the kernel cannot make veth links: it needs the module veth")
    ip -n "$trial" link add trial3 type vxlan id 1 dstport 4789 ||
        missing+=("the kernel cannot make vxlan links, which overlay networks need: it needs the module vxlan")
    nsenter --net="/run/netns/$trial" iptables -t nat -nL >/dev/null ||
        missing+=("iptables does not work here: the kernel needs nf_tables or ip_tables, and nf_nat")
    ip netns delete "$trial"
}

has_ipvs() { [[ -e /proc/net/ip_vs ]]; }

# The subnet must not be in use by anyone but this lab.
check_subnet() {
    local taken
    taken=$(ip -4 route show root "$SUBNET" | grep -v " dev $LEG " || true)
    [[ -z $taken ]] || fail 4 "$SUBNET is in use on this machine (${taken%%$'\n'*}); choose another with LAB_SUBNET"
}

# LAB_DIR must be ours, new, or empty, because 'lab down' removes it.
check_dir() {
    [[ ! -e $LAB_DIR || -f $LAB_DIR/lab.conf || -f $LAB_DIR/lab.conf.new ]] || [[ -d $LAB_DIR && -z $(ls -A "$LAB_DIR") ]] ||
        fail 4 "$LAB_DIR exists and is not a lab; choose another folder with LAB_DIR"
}

# The kernel has one table of neighbours for all network namespaces, and so for all containers of all nodes: with its usual
# limit of 1024 about a hundred containers lose each other.
NEIGHBOURS=(gc_thresh1:4096 gc_thresh2:16384 gc_thresh3:32768)

raise_neighbour_limits() {
    local pair file raised=no
    for pair in "${NEIGHBOURS[@]}"; do
        file=/proc/sys/net/ipv4/neigh/default/${pair%%:*}
        (($(<"$file") < ${pair#*:})) || continue
        echo "${pair#*:}" 2>/dev/null >"$file" || { say "cannot raise $file: about a hundred containers will be the most"; return; }
        raised=yes
    done
    [[ $raised == no ]] || say "the kernel's limits of neighbours (net.ipv4.neigh.default.gc_thresh*) are raised, until the machine restarts"
}
