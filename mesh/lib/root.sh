# shellcheck shell=bash
# The root file system of the guests: this machine's own release of Debian with Docker, made once.

PACKAGES=docker.io,iproute2,iptables,kmod,mount

# The sources of apt on this machine, reduced to its own release of Debian.
sources() {
    local codename
    codename=$(. /etc/os-release && echo "${VERSION_CODENAME:-}")
    # shellcheck disable=SC2016 # apt replaces these
    apt-get indextargets --format '$(ORIGIN) $(COMPONENT) $(RELEASE) $(REPO_URI)' 'Created-By: Packages' \
        | awk -v name="$codename" '$1 == "Debian" && $2 == "main" && index($3, name) == 1 { print "deb", $4, $3, "main" }' \
        | sort -u
}

# Changes whenever something that goes into the root file system does.
stamp() {
    { sources; echo "$PACKAGES"; cat "$MESH_HOME/init" "$MESH_HOME/xstate.c" "$MESH_HOME/lib/root.sh"; } | sha256sum
}

is_made() {
    [[ -e $ROOT_IMAGE && -e $PROBE_IMAGE && -e $XSTATE && $(cat "$MESH_DIR/stamp" 2>/dev/null) == "$(stamp)" ]]
}

debian() { # folder
    local list
    list=$(sources)
    [[ -n $list ]] || fail 3 "apt knows no packages of this machine's Debian: run apt-get update; other systems than Debian will not do"
    # shellcheck disable=SC2016 # $1 is mmdebstrap's
    nice mmdebstrap --quiet --variant=essential --include="$PACKAGES" \
        --dpkgopt='path-exclude=/usr/share/doc/*' --dpkgopt='path-exclude=/usr/share/man/*' \
        --dpkgopt='path-exclude=/usr/share/locale/*' \
        --customize-hook='chroot "$1" update-alternatives --quiet --set iptables /usr/sbin/iptables-legacy' \
        "$(. /etc/os-release && echo "$VERSION_CODENAME")" "$1" - <<<"$list"
    install -m 755 "$MESH_HOME/init" "$1/sbin/mesh-init"
    mkdir -p "$1/lib/modules"
    # Nothing listens there, so that look-ups fail at once. With any other server Docker waits for an
    # answer from a registry before it takes the image it has.
    echo 'nameserver 127.0.0.1' >"$1/etc/resolv.conf"
    echo '127.0.0.1 localhost' >"$1/etc/hosts"
}

# bash alone, to make requests from within an overlay network with.
probe() { # root folder, archive
    local folder=$1.probe library
    install -D "$1/bin/bash" "$folder/bin/bash"
    chroot "$1" ldd /bin/bash | grep -o '/[^ ]*' | while read -r library; do
        install -D "$1$library" "$folder$library"
    done
    tar --create --file "$2" --directory "$folder" .
}

guest_make() {
    local work
    if is_made; then
        return
    fi
    say "making the root file system in $MESH_DIR"
    mkdir -p "$MESH_DIR"
    work=$(mktemp -d "$MESH_DIR/making.XXXXXX")
    # shellcheck disable=SC2064 # this folder, not a later one
    trap "rm -rf '$work'" EXIT
    timed "root file system" debian "$work/root"
    probe "$work/root" "$work/probe.tar"
    cc -O2 -Wall -shared -fPIC -o "$work/xstate.so" "$MESH_HOME/xstate.c"
    # Sparse: what a guest writes goes to a file of its own.
    mkfs.ext4 -q -d "$work/root" -E lazy_itable_init=1 "$work/root.img" 8G >/dev/null
    mv "$work/root.img" "$ROOT_IMAGE"
    mv "$work/probe.tar" "$PROBE_IMAGE"
    mv "$work/xstate.so" "$XSTATE"
    stamp >"$MESH_DIR/stamp"
    rm -rf "$work"
    trap - EXIT
}
