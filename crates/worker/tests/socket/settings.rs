//! Wrong settings: the start is refused by the name of the flag, and of the variable if that is
//! where the value came from.

use crate::Worker;

#[tokio::test]
async fn a_wrong_flag_stops_the_start_by_its_name() {
    for (flag, value) in [
        ("--rng", "http://rng/"),
        ("--hasher", "hasher:http"),
        ("--redis", "http://redis"),
        ("--policy", "fair"),
        ("--virtual-workers", "0"),
        ("--virtual-workers", "100001"),
        ("--think-time", "-1s"),
        ("--bytes", "33554433"),
        ("--flush-interval", "0"),
        ("--report-ttl", "soon"),
        ("--connect-timeout", "0"),
        ("--request-timeout", "0"),
        ("--redis-timeout", "0"),
        ("--health-port", "65536"),
        ("--replica", "two words"),
        ("--fast", "1"),
    ] {
        let ended = Worker::fail(&[&format!("{flag}={value}")], &[]).await;
        assert_eq!(ended.code, Some(2), "{flag}: {}", ended.log);
        assert!(ended.log.contains(flag), "{flag}: {}", ended.log);
    }
}

#[tokio::test]
async fn a_wrong_variable_stops_the_start_by_its_name() {
    for (flag, variable, value) in [
        ("--rng", "WORKER_RNG", "a b"),
        ("--redis", "WORKER_REDIS", "redis:port"),
        ("--policy", "WORKER_POLICY", "fair"),
        ("--virtual-workers", "WORKER_VIRTUAL_WORKERS", "many"),
        ("--think-time", "WORKER_THINK_TIME", "soon"),
        ("--flush-interval", "WORKER_FLUSH_INTERVAL", "0"),
        ("--health-port", "WORKER_HEALTH_PORT", "tcp://10.0.0.1:80"),
    ] {
        let ended = Worker::fail(&[], &[(variable, value)]).await;
        assert_eq!(ended.code, Some(2), "{variable}: {}", ended.log);
        for part in [flag, variable, value] {
            assert!(ended.log.contains(part), "{variable}: {}", ended.log);
        }
    }
}

#[tokio::test]
async fn a_password_that_is_missing_or_given_twice_stops_the_start_and_is_not_shown() {
    let file = "--redis-password-file=/nowhere/password";
    let variable = ("WORKER_REDIS_PASSWORD", "s3same");
    for (flag, variables, part) in [
        (file, &[][..], "/nowhere/password"),
        (file, &[variable], "give it once"),
        ("--redis=redis://:s3same@redis", &[variable], "give it once"),
        ("--redis=ada:s3same@redis", &[], "'***@redis'"),
    ] {
        let ended = Worker::fail(&[flag], variables).await;
        assert_eq!(ended.code, Some(2), "{flag}: {}", ended.log);
        assert!(ended.log.contains(part) && !ended.log.contains("s3same"), "{}", ended.log);
    }
}
