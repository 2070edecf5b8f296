//! Many idle connections.

use std::io::Write;
use std::net::TcpStream;
use std::thread::scope;
use std::time::{Duration, Instant};

use crate::server::*;

#[test]
#[ignore = "takes half a minute: .ci/run runs it"]
fn stays_responsive_beside_10_000_idle_and_slow_connections() {
    // Each connection has 2 open files: one here and one in the program.
    let files = rlimit::increase_nofile_limit(u64::MAX).unwrap();
    assert!(files > 10_100, "this system allows {files} open files: raise `ulimit -Hn`");
    let dir = tempfile::tempdir().unwrap();
    let server = start(&mut program(dir.path()));
    let cookie = cookie(&server.post("/register", "", ADA));
    let slow = [
        "",
        "GET / HTTP/1.1\r\nHost: local",
        "POST /login HTTP/1.1\r\nHost: localhost\r\nContent-Length: 9000\r\n\r\nusername=",
    ];
    // In parallel, because TCP retries only after a second if the server's backlog is full.
    let crowd: Vec<TcpStream> = scope(|scope| {
        let come = |n: usize| {
            let mut stream = TcpStream::connect(("127.0.0.1", server.port)).unwrap();
            stream.write_all(slow[n % slow.len()].as_bytes()).unwrap();
            stream
        };
        let groups = (0..50).map(|_| scope.spawn(move || (0..200).map(come).collect::<Vec<_>>()));
        let groups: Vec<_> = groups.collect();
        groups.into_iter().flat_map(|group| group.join().unwrap()).collect()
    });
    assert_eq!(crowd.len(), 10_000);
    for _ in 0..20 {
        let begun = Instant::now();
        assert!(server.get("/dashboard", &cookie).contains("Welcome, ada!"));
        assert!(begun.elapsed() < Duration::from_secs(1), "{:?}", begun.elapsed());
    }
    drop(crowd);
}
