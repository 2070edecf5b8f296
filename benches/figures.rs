//! How fast the app is on this machine, beside what nothing here could be faster than: `cargo bench`.
//!
//! The server has two cores and its clients the others, where `taskset` can arrange that.

use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::thread::{available_parallelism, scope, sleep};
use std::time::{Duration, Instant};

use argon2::password_hash::phc::PasswordHash;
use argon2::{Algorithm, Argon2, Params, PasswordHasher, Version};
use diesel::connection::SimpleConnection;
use diesel::prelude::*;
use rocket::tokio::io::{AsyncReadExt, AsyncWriteExt};
use rocket::tokio::{net, runtime, spawn};
use tempfile::TempDir;

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

const ROUNDS: usize = 5;
const CONNECTIONS: usize = 32;
const LOGINS_AT_ONCE: usize = 16;
const PAUSE_NONE: Duration = Duration::ZERO;
const PAUSE_OF_A_READER: Duration = Duration::from_millis(20);
const FORM: &str = "username=ada&password=a+horse+that+staples+batteries";
const ROOT: &str = env!("CARGO_MANIFEST_DIR");

fn main() {
    if std::env::args().any(|argument| argument == "hash") {
        return println!("{}", hashes_per_second());
    }
    let cores = available_parallelism().unwrap().get();
    println!(
        "{cores} cores, of which the server has 2. Medians of {ROUNDS} rounds, and their range.\n"
    );
    println!("| what | figure | range | of its limit |");
    println!("| --- | --- | --- | --- |");
    let site = Site::start();
    let cookie = site.register();
    let (plain, signed_in) = (get("/", ""), get("/dashboard", &cookie));
    let mut pages = [vec![], vec![], vec![]];
    for _ in 0..ROUNDS {
        let a = site.load(&plain, CONNECTIONS, 3, PAUSE_NONE).per_second;
        let b = site.load(&signed_in, CONNECTIONS, 3, PAUSE_NONE).per_second;
        pages.iter_mut().zip([a, b, b / a]).for_each(|(list, figure)| list.push(figure));
    }
    let ratio = median(&pages[2]);
    row("`GET /`, signed out, a second", &pages[0], None);
    row("`GET /dashboard`, signed in, a second", &pages[1], Some(ratio));

    let mut logins = [vec![], vec![], vec![], vec![]];
    for _ in 0..ROUNDS {
        let alone = hashes_alone();
        let (login, page) = scope(|scope| {
            let login =
                scope.spawn(|| site.load(&post("/login", FORM), LOGINS_AT_ONCE, 4, PAUSE_NONE));
            let page = scope.spawn(|| site.load(&signed_in, 4, 4, PAUSE_OF_A_READER));
            (login.join().unwrap(), page.join().unwrap())
        });
        let figures = [alone, login.per_second, login.per_second / alone, page.slowest_of_100_ms];
        logins.iter_mut().zip(figures).for_each(|(list, figure)| list.push(figure));
    }
    row("Argon2id alone, a second", &logins[0], None);
    row("`POST /login` by 16 without pause, a second", &logins[1], Some(median(&logins[2])));
    row("`GET /dashboard` meanwhile, p99 in ms", &logins[3], Some(median(&logins[3]) / 25.0));
    let memory = site.memory();
    row("memory at its peak, MB", &[memory], Some(memory / 150.0));

    for users in [100, 10_000, 1_000_000] {
        site.fill(users);
        let pages: Vec<_> = (0..ROUNDS)
            .map(|_| site.load(&signed_in, CONNECTIONS, 2, PAUSE_NONE).per_second)
            .collect();
        row(&format!("`GET /dashboard` beside {users} users and sessions"), &pages, None);
        let logins: Vec<_> = (0..ROUNDS)
            .map(|_| site.load(&post("/login", FORM), 1, 1, PAUSE_NONE).slowest_of_100_ms)
            .collect();
        row(&format!("`POST /login` beside {users}, p99 in ms"), &logins, None);
    }
}

fn row(what: &str, figures: &[f64], of_limit: Option<f64>) {
    let digits = if median(figures) < 100.0 { 1 } else { 0 };
    let least = figures.iter().copied().fold(f64::MAX, f64::min);
    let most = figures.iter().copied().fold(f64::MIN, f64::max);
    let of_limit = of_limit.map_or(String::new(), |ratio| format!("{ratio:.2}"));
    println!(
        "| {what} | {:.digits$} | {least:.digits$}–{most:.digits$} | {of_limit} |",
        median(figures)
    );
}

fn median(figures: &[f64]) -> f64 {
    let mut figures = figures.to_vec();
    figures.sort_by(f64::total_cmp);
    figures[figures.len() / 2]
}

/// On the two cores of the server, where that can be arranged.
fn on_two_cores(program: &Path) -> Command {
    let has_taskset = Command::new("taskset").arg("--version").output().is_ok();
    if !has_taskset {
        return Command::new(program);
    }
    let mut command = Command::new("taskset");
    command.args(["-c", "0,1"]).arg(program);
    command
}

fn hashes_alone() -> f64 {
    let this = std::env::current_exe().unwrap();
    let output = on_two_cores(&this).arg("hash").output().unwrap();
    String::from_utf8(output.stdout).unwrap().trim().parse().unwrap()
}

/// The same hash as the app makes, in two threads that do nothing else.
fn hashes_per_second() -> f64 {
    let begun = Instant::now();
    let count = || {
        let params = Params::new(19 * 1024, 2, 1, None).unwrap();
        let argon2 = Argon2::new(Algorithm::Argon2id, Version::V0x13, params);
        let mut count = 0;
        while begun.elapsed() < Duration::from_secs(2) {
            let _: PasswordHash = argon2.hash_password(b"a horse that staples batteries").unwrap();
            count += 1;
        }
        count
    };
    let count: u32 = scope(|scope| {
        [scope.spawn(count), scope.spawn(count)].into_iter().map(|one| one.join().unwrap()).sum()
    });
    f64::from(count) / begun.elapsed().as_secs_f64()
}

struct Site {
    server: Child,
    port: u16,
    dir: TempDir,
}

impl Drop for Site {
    fn drop(&mut self) {
        let _ = self.server.kill();
        let _ = self.server.wait();
    }
}

struct Load {
    per_second: f64,
    slowest_of_100_ms: f64,
}

/// By the package's name, whatever that is: beside the folder that this one is in.
fn binary() -> PathBuf {
    let this = std::env::current_exe().unwrap();
    this.parent().unwrap().with_file_name(env!("CARGO_PKG_NAME"))
}

impl Site {
    fn start() -> Site {
        let dir = tempfile::tempdir().unwrap();
        let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        let server = on_two_cores(&binary())
            .current_dir(dir.path())
            .env("ROCKET_CONFIG", Path::new(ROOT).join("Rocket.toml"))
            .env("ROCKET_PROFILE", "release")
            .env("ROCKET_DATA_DIR", dir.path().join("data"))
            .env("ROCKET_SECRET_KEY", "PiaTb6aJVl0ZBmN1tAdRAKz7bUh2Tup3ZFnBwQtVWMs=")
            .env("ROCKET_PORT", port.to_string())
            .env("ROCKET_WORKERS", "2")
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        while TcpStream::connect(("127.0.0.1", port)).is_err() {
            sleep(Duration::from_millis(20));
        }
        Site { server, port, dir }
    }

    fn register(&self) -> String {
        let mut stream = TcpStream::connect(("127.0.0.1", self.port)).unwrap();
        let request = post("/register", FORM).replace("keep-alive", "close");
        stream.write_all(request.as_bytes()).unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).unwrap();
        let cookie = answer.lines().find_map(|line| line.strip_prefix("set-cookie: login="));
        format!("Cookie: login={}\r\n", cookie.unwrap().split(';').next().unwrap())
    }

    /// Sends the same request over so many connections for so many seconds.
    fn load(&self, request: &str, connections: usize, seconds: u64, pause: Duration) -> Load {
        let clients = runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build();
        let begun = Instant::now();
        let end = begun + Duration::from_secs(seconds);
        let mut times = clients.unwrap().block_on(async {
            let one = || spawn(repeat(self.port, request.as_bytes().to_vec(), end, pause));
            let all: Vec<_> = (0..connections).map(|_| one()).collect();
            let mut times = Vec::new();
            for one in all {
                times.extend(one.await.unwrap());
            }
            times
        });
        times.sort();
        let slowest_of_100 = times[times.len() * 99 / 100];
        Load {
            per_second: times.len() as f64 / begun.elapsed().as_secs_f64(),
            slowest_of_100_ms: slowest_of_100.as_secs_f64() * 1000.0,
        }
    }

    /// The most memory that the server has had, in MB.
    fn memory(&self) -> f64 {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.server.id()));
        let status = status.unwrap_or_default();
        let peak = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
        let kib = peak.and_then(|peak| peak.trim().split(' ').next()?.parse::<f64>().ok());
        kib.unwrap_or(f64::NAN) / 1024.0
    }

    /// Adds users and sessions until there are so many of each.
    fn fill(&self, count: u32) {
        let path = self.dir.path().join("data/app.sqlite");
        let mut database = SqliteConnection::establish(path.to_str().unwrap()).unwrap();
        let numbers = format!(
            "WITH RECURSIVE numbers(n) AS (
                 SELECT (SELECT max(id) FROM users) + 1 UNION ALL SELECT n + 1 FROM numbers WHERE n < {count}
             )"
        );
        database
            .batch_execute(&format!(
                "PRAGMA busy_timeout = 10000;
                 {numbers} INSERT INTO users (id, username, password_hash)
                     SELECT n, 'user-' || n, 'none' FROM numbers;
                 INSERT INTO sessions
                         (user_id, token_hash, user_agent, remembered, begun_at, last_seen_at, expires_at, ends_at)
                     SELECT id, randomblob(32), '', TRUE, 0, 0, 9999999999, 9999999999 FROM users
                     WHERE id NOT IN (SELECT user_id FROM sessions);
                 ANALYZE; PRAGMA wal_checkpoint(TRUNCATE);"
            ))
            .unwrap();
    }
}

fn get(path: &str, headers: &str) -> String {
    format!("GET {path} HTTP/1.1\r\nHost: localhost\r\nConnection: keep-alive\r\n{headers}\r\n")
}

fn post(path: &str, form: &str) -> String {
    let length = form.len();
    format!(
        "POST {path} HTTP/1.1\r\nHost: localhost\r\nConnection: keep-alive\r\n\
         Content-Type: application/x-www-form-urlencoded\r\nContent-Length: {length}\r\n\r\n{form}"
    )
}

/// How long each answer took. An answer that is not as it should be ends the measurement.
async fn repeat(port: u16, request: Vec<u8>, end: Instant, pause: Duration) -> Vec<Duration> {
    let mut stream = net::TcpStream::connect(("127.0.0.1", port)).await.unwrap();
    stream.set_nodelay(true).unwrap();
    let (mut times, mut buffer) = (Vec::new(), vec![0; 64 * 1024]);
    while Instant::now() < end {
        let begun = Instant::now();
        stream.write_all(&request).await.unwrap();
        let mut length = 0;
        while !is_whole(&buffer[..length]) {
            let more = stream.read(&mut buffer[length..]).await.unwrap();
            assert!(more > 0, "{}", String::from_utf8_lossy(&buffer[..length]));
            length += more;
        }
        let is_good = buffer.starts_with(b"HTTP/1.1 200") || buffer.starts_with(b"HTTP/1.1 303");
        assert!(is_good, "{}", String::from_utf8_lossy(&buffer[..length]));
        times.push(begun.elapsed());
        if !pause.is_zero() {
            rocket::tokio::time::sleep(pause).await;
        }
    }
    times
}

fn is_whole(answer: &[u8]) -> bool {
    let Some(end) = answer.windows(4).position(|bytes| bytes == b"\r\n\r\n") else { return false };
    let head = std::str::from_utf8(&answer[..end]).unwrap_or_default();
    let length = head.lines().find_map(|line| line.strip_prefix("content-length: "));
    answer.len() == end + 4 + length.and_then(|length| length.parse().ok()).unwrap_or(0)
}
