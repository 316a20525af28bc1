//! What a Redis answers, byte for byte: each case runs against the embedded server and against a
//! real `redis-server`, so that neither the cases nor the server can drift from Redis.

#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a test fails by panicking, also outside of the functions marked as tests"
)]

mod cases;
mod support;

/// Makes two tests of each case: one for each server, started by these functions of `support`.
macro_rules! contract {
    ($on_embedded:ident, $on_real:ident, $($module:ident: [$($case:ident),* $(,)?]),* $(,)?) => {
        mod embedded_server {
            $(mod $module {$(
                #[test]
                fn $case() {
                    crate::support::$on_embedded(crate::cases::$module::$case);
                }
            )*})*
        }
        mod real_server {
            $(mod $module {$(
                #[test]
                fn $case() {
                    crate::support::$on_real(crate::cases::$module::$case);
                }
            )*})*
        }
    };
}

contract! {
    on_embedded, on_real,
    cli: [hashes, info, monitor, ping, scan, strings_and_types],
    clients: [multiplexed, pipelines_and_transactions, resp2, resp3],
    connection: [
        auth, client_names, client_list, databases, echo, hello, ping, quit, reset, select,
    ],
    counters: [counting, limits, many_at_once],
    errors: [arity, http, unknown_commands, wrong_type],
    expiry: [conditions, expired_keys_are_gone, invalid_times, kept_and_cleared, time_left],
    hashes: [binary, counting, deleting, reading, writing],
    keys: [database, deleting, inspecting, matching, types],
    monitor: [databases, order_and_quoting, until_reset],
    protocol: [
        claimed_lengths, empty_requests, garbage, half_closed, inline_requests, limits,
        random_bytes, split_anywhere,
    ],
    resp3: [downgrade, maps_and_nulls, scans_and_times],
    scan: [hash_fields, options, while_keys_change],
    server: [command_and_config, info, saving, time],
    strings: [append, binary, many, set_options, set_with_get, setting],
    traffic: [client_that_reads_late, large_values, long_pipeline, thousand_clients],
    transactions: [discard, errors_on_queueing, errors_on_running, isolation, nesting, watch],
}

/// Servers whose password is `geheim`.
mod guarded {
    contract! {
        on_guarded_embedded, on_guarded_real,
        password: [nothing_before_it, short_requests_before_it, with_hello],
    }
}

/// Servers that take three clients.
mod crowded {
    contract! {
        on_crowded_embedded, on_crowded_real,
        limits: [one_client_too_many],
    }
}

/// Servers on a Unix socket.
mod on_a_path {
    contract! {
        on_embedded_path, on_real_path,
        unix: [cli, client_list_and_monitor, client_library],
    }
}
