//! Many idle and slow connections.

use std::io::Write;
use std::net::TcpStream;
use std::thread::scope;
use std::time::{Duration, Instant};

use crate::server::*;

#[test]
#[ignore = "takes 30 seconds"]
fn stays_responsive_with_10_000_idle_and_slow_connections() {
    // Each connection needs one open file in this process and one in the server.
    let files = rlimit::increase_nofile_limit(u64::MAX).unwrap();
    assert!(files > 10_100, "the limit is {files} open files, so raise `ulimit -Hn`");
    let dir = tempfile::tempdir().unwrap();
    let server = start(&mut program(dir.path()));
    let cookie = cookie(&server.post("/register", "", ADA));
    let partial_requests = [
        "",
        "GET / HTTP/1.1\r\nHost: local",
        "POST /login HTTP/1.1\r\nHost: localhost\r\nContent-Length: 9000\r\n\r\nusername=",
    ];
    // Connects in parallel, because TCP retries a connection only after 1 second if the server's
    // backlog is full.
    let connections: Vec<TcpStream> = scope(|scope| {
        let connect = |n: usize| {
            let mut stream = TcpStream::connect(("127.0.0.1", server.port)).unwrap();
            stream.write_all(partial_requests[n % partial_requests.len()].as_bytes()).unwrap();
            stream
        };
        let groups =
            (0..50).map(|_| scope.spawn(move || (0..200).map(connect).collect::<Vec<_>>()));
        let groups: Vec<_> = groups.collect();
        groups.into_iter().flat_map(|group| group.join().unwrap()).collect()
    });
    assert_eq!(connections.len(), 10_000);
    for _ in 0..20 {
        let started = Instant::now();
        assert!(server.get("/dashboard", &cookie).contains("Welcome, ada!"));
        assert!(started.elapsed() < Duration::from_secs(1), "{:?}", started.elapsed());
    }
    drop(connections);
}
