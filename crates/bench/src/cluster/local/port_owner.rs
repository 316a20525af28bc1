//! Who listens on a port: asked only to make "address in use" an answer. Linux keeps sockets in
//! `/proc/net/tcp` and each process's in `/proc/<pid>/fd`; what other users run stays unknown.

use std::fs;

const LISTENING: &str = "0A";

/// `redis-server (pid 4711)`, when it can be known.
pub(super) fn of(port: u16) -> Option<String> {
    let tables = ["/proc/net/tcp", "/proc/net/tcp6"];
    let texts = tables.iter().filter_map(|table| fs::read_to_string(table).ok());
    let inode = texts.into_iter().find_map(|text| listening_inode(&text, port))?;
    let pid = process_with(&format!("socket:[{inode}]"))?;
    let name = fs::read_to_string(format!("/proc/{pid}/comm")).unwrap_or_default();
    Some(format!("{} (pid {pid})", name.trim()))
}

/// The socket's number in a table of `/proc/net/tcp`: columns are slot, local address, remote
/// address, state, queues, timer, retransmits, user, timeout, inode.
fn listening_inode(table: &str, port: u16) -> Option<String> {
    let suffix = format!(":{port:04X}");
    table.lines().skip(1).find_map(|line| {
        let columns: Vec<_> = line.split_whitespace().collect();
        let [local, state, inode] = [1, 3, 9].map(|column| columns.get(column).copied());
        (local?.ends_with(&suffix) && state? == LISTENING).then(|| inode.map(str::to_owned))?
    })
}

fn process_with(socket: &str) -> Option<u32> {
    let pids = fs::read_dir("/proc").ok()?.flatten();
    let mut pids = pids.filter_map(|entry| entry.file_name().to_str()?.parse::<u32>().ok());
    pids.find(|pid| {
        let files = fs::read_dir(format!("/proc/{pid}/fd")).into_iter().flatten().flatten();
        let mut targets = files.filter_map(|file| fs::read_link(file.path()).ok());
        targets.any(|target| target.as_os_str() == socket)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn this_process_owns_the_port_it_listens_on() {
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        let owner = of(port).unwrap();
        assert!(owner.contains(&format!("(pid {})", std::process::id())), "{owner}");
        drop(listener);
        assert_eq!(of(port), None);
    }
}
