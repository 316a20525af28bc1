# shellcheck shell=bash
# Messages, waiting and time. Knows nothing of guests.

ME=${0##*/}

say() { printf 'mesh/%s: %s\n' "$ME" "$*" >&2; }

fail() { # code, sentence
    local code=$1
    shift
    say "$*"
    exit "$code"
}

# Tries the command until it succeeds; fails when the time is up. A try cannot hang: callers bound it.
await() { # seconds, command
    local deadline=$((SECONDS + $1))
    shift
    until "$@"; do
        ((SECONDS < deadline)) || return 1
        sleep 0.5
    done
}

# Runs the command and says how long it took.
timed() { # what, command
    local what=$1 begin=$SECONDS
    shift
    "$@"
    say "$what: $((SECONDS - begin)) s"
}
