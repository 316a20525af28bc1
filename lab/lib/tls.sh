# shellcheck shell=bash
# Certificates: one authority for the lab, one client, one server certificate for each engine. The engines' ports accept nothing else.

DAYS=3650

make_client_certificate() {
    local dir=$LAB_DIR/tls
    [[ ! -s $dir/cert.pem ]] || return 0
    mkdir -p "$dir"
    openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days "$DAYS" -subj "/CN=$LAB_NAME authority" \
        -keyout "$dir/ca-key.pem" -out "$dir/ca.pem" 2>/dev/null
    sign client "$dir/key.pem" "$dir/cert.pem" 'extendedKeyUsage=clientAuth'
    # As with an engine's socket: who is in the group docker may use it.
    if getent group docker >/dev/null; then
        chgrp docker "$dir/key.pem"
        chmod 640 "$dir/key.pem"
    fi
}

make_server_certificate() {
    local node=$1 dir=$LAB_DIR/$1
    [[ ! -s $dir/cert.pem ]] || return 0
    cp "$LAB_DIR/tls/ca.pem" "$dir/ca.pem"
    sign "$node" "$dir/key.pem" "$dir/cert.pem" "subjectAltName=DNS:$node,IP:$(address "$node")
extendedKeyUsage=serverAuth"
}

# sign NAME KEY CERTIFICATE EXTENSIONS
sign() {
    local tls=$LAB_DIR/tls
    openssl req -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -subj "/CN=$1" -keyout "$2" -out "$3.request" 2>/dev/null
    openssl x509 -req -in "$3.request" -CA "$tls/ca.pem" -CAkey "$tls/ca-key.pem" -set_serial "0x$(openssl rand -hex 16)" \
        -days "$DAYS" -extfile <(printf '%s\n' "$4") -out "$3.new" 2>/dev/null
    # The certificate's presence says that all of it is done.
    mv "$3.new" "$3"
    rm "$3.request"
}
