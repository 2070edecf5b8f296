//! Measures how fast the app is on this machine, and compares it with its limits: `cargo bench`.
//!
//! With `taskset`, the server has two cores and its clients have the others.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::path::Path;
use std::process::Command;
use std::thread::{available_parallelism, scope};
use std::time::{Duration, Instant};

use argon2::password_hash::phc::PasswordHash;
use argon2::{Algorithm, Argon2, Params, PasswordHasher, Version};
use diesel::connection::SimpleConnection;
use diesel::prelude::*;
use rocket::tokio::io::{AsyncReadExt, AsyncWriteExt};
use rocket::tokio::{net, runtime, spawn};
use tempfile::TempDir;

#[allow(dead_code)]
#[path = "../tests/shared/server.rs"]
mod server;
use server::Server;

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
    let (plain, logged_in) = (get("/", ""), get("/dashboard", &cookie));
    let home = get("/", &cookie);
    let mut pages = [vec![], vec![], vec![], vec![]];
    for _ in 0..ROUNDS {
        let a = site.load(&plain, CONNECTIONS, 3, PAUSE_NONE);
        let b = site.load(&logged_in, CONNECTIONS, 3, PAUSE_NONE);
        let c = site.load(&home, CONNECTIONS, 3, PAUSE_NONE);
        let figures =
            [a.per_second, b.per_second, b.per_second / a.per_second, c.core_us - a.core_us];
        pages.iter_mut().zip(figures).for_each(|(list, figure)| list.push(figure));
    }
    let ratio = median(&pages[2]);
    row("`GET /`, logged out, per second", &pages[0], None);
    row("`GET /dashboard`, logged in, per second", &pages[1], Some(ratio));
    row("what the user adds to `GET /`, µs of one core", &pages[3], None);

    let mut logins = [vec![], vec![], vec![], vec![]];
    for _ in 0..ROUNDS {
        let alone = hashes_alone();
        let (login, page) = scope(|scope| {
            let login =
                scope.spawn(|| site.load(&post("/login", FORM), LOGINS_AT_ONCE, 4, PAUSE_NONE));
            let page = scope.spawn(|| site.load(&logged_in, 4, 4, PAUSE_OF_A_READER));
            (login.join().unwrap(), page.join().unwrap())
        });
        let figures = [alone, login.per_second, login.per_second / alone, page.slowest_of_100_ms];
        logins.iter_mut().zip(figures).for_each(|(list, figure)| list.push(figure));
    }
    row("Argon2id alone, per second", &logins[0], None);
    row("`POST /login` by 16 clients, per second", &logins[1], Some(median(&logins[2])));
    row(
        "`GET /dashboard` by others meanwhile, p99 in ms",
        &logins[3],
        Some(median(&logins[3]) / 25.0),
    );
    let memory = site.memory();
    row("peak memory, MB", &[memory], Some(memory / 150.0));

    for users in [100, 10_000, 1_000_000] {
        site.fill(users);
        let pages: Vec<_> = (0..ROUNDS)
            .map(|_| site.load(&logged_in, CONNECTIONS, 2, PAUSE_NONE).per_second)
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

/// The program on the two cores of the server, if there is `taskset`.
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

/// The hash rate of two threads, with the app's parameters.
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
    server: Server,
    dir: TempDir,
}

struct Load {
    per_second: f64,
    /// The time of one core that each request takes, in µs.
    core_us: f64,
    slowest_of_100_ms: f64,
}

impl Site {
    fn start() -> Site {
        let dir = tempfile::tempdir().unwrap();
        let mut program = on_two_cores(&server::binary());
        program
            .current_dir(dir.path())
            .env("ROCKET_CONFIG", Path::new(ROOT).join("Rocket.toml"))
            .env("ROCKET_PROFILE", "release")
            .env("ROCKET_DATA_DIR", dir.path().join("data"))
            .env("ROCKET_SECRET_KEY", "PiaTb6aJVl0ZBmN1tAdRAKz7bUh2Tup3ZFnBwQtVWMs=")
            .env("ROCKET_PORT", "0")
            .env("ROCKET_WORKERS", "2");
        Site { server: server::start(&mut program), dir }
    }

    fn register(&self) -> String {
        let mut stream = TcpStream::connect(("127.0.0.1", self.server.port)).unwrap();
        let request = post("/register", FORM).replace("keep-alive", "close");
        stream.write_all(request.as_bytes()).unwrap();
        let mut response = String::new();
        stream.read_to_string(&mut response).unwrap();
        let cookie = response.lines().find_map(|line| line.strip_prefix("set-cookie: login="));
        format!("Cookie: login={}\r\n", cookie.unwrap().split(';').next().unwrap())
    }

    /// Sends one request again and again, over some connections and for some seconds.
    fn load(&self, request: &str, connections: usize, seconds: u64, pause: Duration) -> Load {
        let clients = runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build();
        let begun = Instant::now();
        let end = begun + Duration::from_secs(seconds);
        let cpu_before = self.cpu_seconds();
        let mut times = clients.unwrap().block_on(async {
            let one = || spawn(repeat(self.server.port, request.as_bytes().to_vec(), end, pause));
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
            core_us: (self.cpu_seconds() - cpu_before) * 1e6 / times.len() as f64,
            slowest_of_100_ms: slowest_of_100.as_secs_f64() * 1000.0,
        }
    }

    /// The time that the server has spent on all cores.
    fn cpu_seconds(&self) -> f64 {
        let stat = std::fs::read_to_string(format!("/proc/{}/stat", self.server.id()));
        let stat = stat.unwrap_or_default();
        // In ticks of 10 ms, after the name in parentheses, which may contain spaces.
        let fields: Vec<_> = stat.rsplit(')').next().unwrap_or_default().split(' ').collect();
        let ticks = fields.iter().skip(12).take(2).filter_map(|field| field.parse::<f64>().ok());
        ticks.sum::<f64>() / 100.0
    }

    /// The server's peak memory, in MB.
    fn memory(&self) -> f64 {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.server.id()));
        let status = status.unwrap_or_default();
        let peak = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
        let kib = peak.and_then(|peak| peak.trim().split(' ').next()?.parse::<f64>().ok());
        kib.unwrap_or(f64::NAN) / 1024.0
    }

    /// Adds users and sessions until there are `count` of each.
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
                         (user_id, token_hash, user_agent, remembered, created_at, last_seen_at, expires_at, absolute_expires_at)
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

/// The time of each response. Panics at an error response.
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

fn is_whole(response: &[u8]) -> bool {
    let Some(end) = response.windows(4).position(|bytes| bytes == b"\r\n\r\n") else {
        return false;
    };
    let head = std::str::from_utf8(&response[..end]).unwrap_or_default();
    let length = head.lines().find_map(|line| line.strip_prefix("content-length: "));
    response.len() == end + 4 + length.and_then(|length| length.parse().ok()).unwrap_or(0)
}
