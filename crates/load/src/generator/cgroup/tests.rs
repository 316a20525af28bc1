//! Control groups as files that were captured on machines of both versions.

use super::*;

/// `/proc/self/mountinfo` of a machine with version 1 and the hierarchy of version 2 beside it.
const HYBRID: &str = "\
32 31 0:29 / /sys/fs/cgroup/cpu rw,relatime - cgroup cgroup rw,cpu
33 31 0:30 / /sys/fs/cgroup/cpuacct rw,relatime - cgroup cgroup rw,cpuacct
41 31 0:38 / /sys/fs/cgroup/unified rw,relatime - cgroup2 cgroup2 rw
";
/// Of a container in a systemd session, version 2, without a namespace of its own.
const PART: &str = "\
25 30 0:22 / /proc rw,nosuid - proc proc rw
612 598 0:26 /system.slice/docker-1f.scope /sys/fs/cgroup ro,nosuid - cgroup2 cgroup rw,nsdelegate
";
/// The usual one of version 2.
const TWO: &str =
    "29 22 0:25 / /sys/fs/cgroup rw,nosuid shared:4 - cgroup2 cgroup2 rw,memory_recursiveprot\n";
/// Of version 1, its controllers mounted together at a path with a space.
const TOGETHER: &str =
    "36 31 0:31 / /mnt/c\\040g/cpu,cpuacct rw shared:9 - cgroup cgroup rw,cpu,cpuacct\n";

/// A root with these files in it.
fn root(files: &[(&str, &str)]) -> tempfile::TempDir {
    let root = tempfile::tempdir().unwrap();
    for (path, text) in files {
        let path = root.path().join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }
    root
}

const SECOND: Duration = Duration::from_secs(1);

#[test]
fn a_group_of_version_2_and_those_above_it_are_read() {
    let root = root(&[
        ("proc/self/cgroup", "0::/user.slice/run-7.scope\n"),
        ("proc/self/mountinfo", TWO),
        ("sys/fs/cgroup/user.slice/cpu.max", "150000 100000\n"),
        (
            "sys/fs/cgroup/user.slice/cpu.stat",
            "usage_usec 81\nnr_periods 9\nnr_throttled 4\nthrottled_usec 2000000\nnr_bursts 0\n",
        ),
        ("sys/fs/cgroup/user.slice/run-7.scope/cpu.max", "max 100000\n"),
        (
            "sys/fs/cgroup/user.slice/run-7.scope/cpu.stat",
            "usage_usec 8\nnr_periods 0\nnr_throttled 0\nthrottled_usec 0\n",
        ),
        ("sys/fs/cgroup/cpu.stat", "usage_usec 8\nuser_usec 4\nsystem_usec 4\n"),
    ]);
    let groups = Groups::of_this_process(root.path());
    assert!((groups.quota().unwrap().processors() - 1.5).abs() < 1e-9);
    let before = groups.counted();
    assert_eq!(before.0.len(), 3, "{groups:?}");
    let stat = root.path().join("sys/fs/cgroup/user.slice/cpu.stat");
    fs::write(stat, "nr_periods 30\nnr_throttled 11\nthrottled_usec 5500000\n").unwrap();
    let throttled = groups.throttled_since(&before).unwrap();
    assert_eq!(throttled, Throttled { times: 7, time: SECOND * 7 / 2 });
}

#[test]
fn version_1_is_read_where_both_are_mounted() {
    let root = root(&[
        ("proc/self/cgroup", "9:name=systemd:/\n2:cpuacct:/x\n1:cpu:/a/b\n0::/\n"),
        ("proc/self/mountinfo", HYBRID),
        ("sys/fs/cgroup/cpu/a/b/cpu.cfs_quota_us", "7000\n"),
        ("sys/fs/cgroup/cpu/a/b/cpu.cfs_period_us", "20000\n"),
        (
            "sys/fs/cgroup/cpu/a/b/cpu.stat",
            "nr_periods 5\nnr_throttled 3\nthrottled_time 41000000\nnr_bursts 0\nburst_time 0\n",
        ),
        ("sys/fs/cgroup/cpu/a/cpu.cfs_quota_us", "-1\n"),
        ("sys/fs/cgroup/cpu/a/cpu.cfs_period_us", "100000\n"),
    ]);
    let groups = Groups::of_this_process(root.path());
    let quota = groups.quota().unwrap();
    assert_eq!((quota.time, quota.period), (SECOND * 7 / 1_000, SECOND / 50));
    let counted = groups.counted();
    assert_eq!(counted.0[0], Some(Throttled { times: 3, time: SECOND * 41 / 1_000 }));
    assert_eq!(groups.throttled_since(&counted), Some(Throttled::default()));
}

#[test]
fn folders_follow_the_part_of_the_tree_that_is_mounted() {
    let folder = |cgroup, mountinfo| folders(cgroup, mountinfo).map(|(.., folder)| folder);
    let path = |text: &str| Some(PathBuf::from(text));
    let docker = "0::/system.slice/docker-1f.scope/inner\n";
    assert_eq!(folder(docker, PART), path("/sys/fs/cgroup/inner"));
    // Outside of the namespace, and of what is mounted.
    assert_eq!(folder("0::/../other\n", TWO), path("/sys/fs/cgroup"));
    assert_eq!(folder("0::/elsewhere\n", PART), path("/sys/fs/cgroup"));
    assert_eq!(folder("3:cpuacct,cpu:/z\n", TOGETHER), path("/mnt/c g/cpu,cpuacct/z"));
    assert_eq!(folder("", TWO), None);
    assert_eq!(folder("0::/\n", ""), None);
}

#[test]
fn without_a_quota_there_is_none() {
    assert_eq!(quota("max", "100000"), None);
    assert_eq!(quota("-1\n", "100000\n"), None);
    assert_eq!(quota("1", "0"), None);
    assert_eq!(throttled("usage_usec 1\n", Version::Two), None);
    assert_eq!(Groups::of_this_process(root(&[]).path()), Groups::default());
}

#[test]
fn what_is_hidden_from_this_process_is_read_where_an_ancestor_sees_it() {
    let hidden = "77 62 0:24 / /sys rw - sysfs sysfs rw\n";
    let root = root(&[
        ("proc/self/cgroup", "1:cpu:/hidden\n0::/\n"),
        ("proc/self/mountinfo", hidden),
        ("proc/self/status", "Name:\tbench\nPid:\t9\nPPid:\t8\n"),
        ("proc/8/mountinfo", hidden),
        ("proc/8/status", "Name:\tip\nPid:\t8\nPPid:\t5\n"),
        ("proc/5/mountinfo", HYBRID),
        ("proc/5/root/sys/fs/cgroup/cpu/hidden/cpu.cfs_quota_us", "30000\n"),
        ("proc/5/root/sys/fs/cgroup/cpu/hidden/cpu.cfs_period_us", "50000\n"),
    ]);
    let quota = Groups::of_this_process(root.path()).quota().unwrap();
    assert!((quota.processors() - 0.6).abs() < 1e-9);
}
