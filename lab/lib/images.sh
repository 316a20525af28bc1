# shellcheck shell=bash
# lab images: each engine has images of its own, and there need be no registry; so they are copied.

registry() { echo "${REGISTRY:-127.0.0.1:5000/dockercoins}"; }

app_images() {
    local name
    for name in rng hasher worker webui bench; do echo "$(registry)/$name:${TAG:-latest}"; done
}

has_image() { ask "$1" image inspect --format '{{.Id}}' "$2"; }

# redis_image [NODE]: what stack.yml is to use. On a machine without a registry that is the one 'make redis-image' makes.
redis_image() {
    local own
    own=$(registry)/redis:${TAG:-latest}
    if [[ -n ${REDIS_IMAGE:-} ]]; then
        echo "$REDIS_IMAGE"
    elif ! has_image "$1" redis:7-alpine >/dev/null && has_image "$1" "$own" >/dev/null; then
        echo "$own"
    else
        echo redis:7-alpine
    fi
}

lab_images() {
    local from='' host='' images=()
    while (($# > 0)); do
        case $1 in
            --from) need_value "$1" "${2:-}" && from=$2 && shift 2 ;;
            --from-host) need_value "$1" "${2:-}" && host=$2 && shift 2 ;;
            -*) fail 2 "lab images has no option '$1'; lab --help lists them" ;;
            *) images+=("$1") && shift ;;
        esac
    done
    need_lab
    # shellcheck disable=SC2046 # node names
    if [[ -n $from ]]; then
        load_archive "$from" $(nodes)
    elif [[ -n $host ]]; then
        ((${#images[@]} > 0)) || mapfile -t images < <(app_images && redis_image m1)
        archive_of docker -H "$host" "${images[@]}"
        load_archive "$ARCHIVE" $(nodes)
    else
        copy_from_m1 "${images[@]}"
    fi
}

copy_from_m1() {
    local images=("$@")
    ((${#images[@]} > 0)) || mapfile -t images < <(app_images && redis_image m1)
    need_images "${images[@]}"
    local targets=() node
    for node in $(nodes); do
        has_all "$node" "${images[@]}" || targets+=("$node")
    done
    ((${#targets[@]} > 0)) || { say "every node has these images already"; return; }
    archive_of on m1 "${images[@]}"
    load_archive "$ARCHIVE" "${targets[@]}"
}

# has_all NODE IMAGE...: in the version of m1.
has_all() {
    local node=$1 image
    shift
    for image in "$@"; do [[ $(has_image "$node" "$image") == "$(has_image m1 "$image")" ]] || return 1; done
}

need_images() {
    local image missing=()
    answers m1 || fail 1 "m1 does not answer; 'lab heal m1' starts it"
    for image in "$@"; do has_image m1 "$image" >/dev/null || missing+=("$image"); done
    ((${#missing[@]} == 0)) || fail 1 "m1 has no image ${missing[*]}. To make or get it there: $(remedies "${missing[@]}")"
}

remedies() {
    local image
    for image in "$@"; do
        case $image in
            */redis:*) echo "eval \"\$(lab env)\" && make redis-image" ;;
            "$(registry)"/*) echo "eval \"\$(lab env)\" && make images" ;;
            *redis*) echo "lab images --from-host HOST $image from an engine that has it, or 'make redis-image'" ;;
            *) echo "lab images --from-host HOST $image, or lab docker m1 build" ;;
        esac
    done | sort -u | paste -sd ';' | sed 's/;/; or: /g'
}

# archive_of DOCKER... IMAGE...: saves to the file ARCHIVE, which goes when the command ends.
archive_of() {
    local docker=("$1" "$2")
    shift 2
    [[ ${docker[1]} != -H ]] || { docker+=("$1") && shift; }
    ARCHIVE=$(mktemp "${TMPDIR:-/tmp}/$LAB_NAME-images.XXXXXX")
    # shellcheck disable=SC2064 # the name as it is now
    trap "rm -f '$ARCHIVE'" EXIT
    "${docker[@]}" save "$@" >"$ARCHIVE" || fail 1 "these images could not be saved: $*"
}

# load_archive FILE NODE...
load_archive() {
    local node up=()
    ARCHIVE=$1
    [[ -r $ARCHIVE ]] || fail 2 "there is no file $ARCHIVE"
    shift
    for node in "$@"; do
        if answers "$node"; then up+=("$node"); else say "$node does not answer and gets no images; after 'lab heal $node' run this again"; fi
    done
    ((${#up[@]} > 0)) || fail 1 "no node answers"
    in_parallel load "${up[@]}"
    say "images loaded: ${up[*]}"
}

load() { on "$1" load --quiet --input "$ARCHIVE" >/dev/null || fail 1 "$1 could not load the images"; }
