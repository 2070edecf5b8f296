//! Measures the app's performance on this machine, and compares the figures with their limits. Run
//! this benchmark with `cargo bench`.
//!
//! If `taskset` is installed, the server runs on only two cores.

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

#[path = "../tests/shared/server.rs"]
mod server;
use server::Server;

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

const ROUNDS: usize = 5;
const CONNECTIONS: usize = 32;
const CONCURRENT_LOGINS: usize = 16;
const NO_PAUSE: Duration = Duration::ZERO;
const READING_PAUSE: Duration = Duration::from_millis(20);
const FORM: &str = "username=ada&password=a+horse+that+staples+batteries";
const ROOT: &str = env!("CARGO_MANIFEST_DIR");

fn main() {
    if std::env::args().any(|argument| argument == "hash") {
        return println!("{}", hash_rate());
    }
    let cores = available_parallelism().unwrap().get();
    println!(
        "{cores} cores, of which the server has 2. Medians of {ROUNDS} rounds, and their range.\n"
    );
    println!("| what | figure | range | of its limit |");
    println!("| --- | --- | --- | --- |");
    let site = Site::start();
    let cookie = site.register();
    let (get_home, get_dashboard) = (get("/", ""), get("/dashboard", &cookie));
    let get_home_logged_in = get("/", &cookie);
    let mut pages = [vec![], vec![], vec![], vec![]];
    for _ in 0..ROUNDS {
        let anonymous_home = site.load(&get_home, CONNECTIONS, 3, NO_PAUSE);
        let dashboard = site.load(&get_dashboard, CONNECTIONS, 3, NO_PAUSE);
        let logged_in_home = site.load(&get_home_logged_in, CONNECTIONS, 3, NO_PAUSE);
        let figures = [
            anonymous_home.per_second,
            dashboard.per_second,
            dashboard.per_second / anonymous_home.per_second,
            logged_in_home.cpu_us - anonymous_home.cpu_us,
        ];
        pages.iter_mut().zip(figures).for_each(|(list, figure)| list.push(figure));
    }
    let ratio = median(&pages[2]);
    print_row("`GET /`, logged out, per second", &pages[0], None);
    print_row("`GET /dashboard`, logged in, per second", &pages[1], Some(ratio));
    print_row("CPU time that the logged-in user adds to `GET /`, µs", &pages[3], None);

    let mut logins = [vec![], vec![], vec![], vec![]];
    for _ in 0..ROUNDS {
        let hash_rate = server_hash_rate();
        let (login, page) = scope(|scope| {
            let login =
                scope.spawn(|| site.load(&post("/login", FORM), CONCURRENT_LOGINS, 4, NO_PAUSE));
            let page = scope.spawn(|| site.load(&get_dashboard, 4, 4, READING_PAUSE));
            (login.join().unwrap(), page.join().unwrap())
        });
        let figures = [hash_rate, login.per_second, login.per_second / hash_rate, page.p99_ms];
        logins.iter_mut().zip(figures).for_each(|(list, figure)| list.push(figure));
    }
    print_row("Argon2id alone, per second", &logins[0], None);
    print_row("`POST /login` by 16 clients, per second", &logins[1], Some(median(&logins[2])));
    print_row(
        "`GET /dashboard` during these logins, p99 in ms",
        &logins[3],
        Some(median(&logins[3]) / 25.0),
    );
    let memory = site.peak_memory();
    print_row("peak memory, MiB", &[memory], Some(memory / 150.0));

    for users in [100, 10_000, 1_000_000] {
        site.fill_database(users);
        let pages: Vec<_> = (0..ROUNDS)
            .map(|_| site.load(&get_dashboard, CONNECTIONS, 2, NO_PAUSE).per_second)
            .collect();
        print_row(&format!("`GET /dashboard` with {users} users and sessions"), &pages, None);
        let logins: Vec<_> =
            (0..ROUNDS).map(|_| site.load(&post("/login", FORM), 1, 1, NO_PAUSE).p99_ms).collect();
        print_row(
            &format!("`POST /login` with {users} users and sessions, p99 in ms"),
            &logins,
            None,
        );
    }
}

fn print_row(label: &str, figures: &[f64], limit_ratio: Option<f64>) {
    let digits = if median(figures) < 100.0 { 1 } else { 0 };
    let min = figures.iter().copied().fold(f64::MAX, f64::min);
    let max = figures.iter().copied().fold(f64::MIN, f64::max);
    let limit_ratio = limit_ratio.map_or(String::new(), |ratio| format!("{ratio:.2}"));
    println!(
        "| {label} | {:.digits$} | {min:.digits$}–{max:.digits$} | {limit_ratio} |",
        median(figures)
    );
}

fn median(figures: &[f64]) -> f64 {
    let mut figures = figures.to_vec();
    figures.sort_by(f64::total_cmp);
    figures[figures.len() / 2]
}

/// Returns a command that runs a program on the server's two cores. Without `taskset`, the program
/// runs on all cores.
fn on_2_cores(program: &Path) -> Command {
    let has_taskset = Command::new("taskset").arg("--version").output().is_ok();
    if !has_taskset {
        return Command::new(program);
    }
    let mut command = Command::new("taskset");
    command.args(["-c", "0,1"]).arg(program);
    command
}

/// Measures the hash rate on the server's cores.
fn server_hash_rate() -> f64 {
    let this_program = std::env::current_exe().unwrap();
    let output = on_2_cores(&this_program).arg("hash").output().unwrap();
    String::from_utf8(output.stdout).unwrap().trim().parse().unwrap()
}

/// Measures the hash rate of two threads, with the app's Argon2 parameters.
fn hash_rate() -> f64 {
    let started = Instant::now();
    let count = || {
        let params = Params::new(19 * 1024, 2, 1, None).unwrap();
        let argon2 = Argon2::new(Algorithm::Argon2id, Version::V0x13, params);
        let mut count = 0;
        while started.elapsed() < Duration::from_secs(2) {
            let _: PasswordHash = argon2.hash_password(b"a horse that staples batteries").unwrap();
            count += 1;
        }
        count
    };
    let count: u32 = scope(|scope| {
        [scope.spawn(count), scope.spawn(count)]
            .into_iter()
            .map(|thread| thread.join().unwrap())
            .sum()
    });
    f64::from(count) / started.elapsed().as_secs_f64()
}

struct Site {
    server: Server,
    dir: TempDir,
}

/// The figures of one load test.
struct Load {
    per_second: f64,
    /// The server's CPU time for each request, in microseconds.
    cpu_us: f64,
    /// The response time that 99% of the requests do not exceed, in milliseconds.
    p99_ms: f64,
}

impl Site {
    fn start() -> Site {
        let dir = tempfile::tempdir().unwrap();
        let mut program = on_2_cores(&server::binary());
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

    /// Sends a request repeatedly for `seconds` seconds, over `connections` connections at the same
    /// time. Each connection waits for `pause` after a response.
    fn load(&self, request: &str, connections: usize, seconds: u64, pause: Duration) -> Load {
        let runtime = runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build();
        let started = Instant::now();
        let end = started + Duration::from_secs(seconds);
        let cpu_before = self.cpu_seconds();
        let mut times = runtime.unwrap().block_on(async {
            let start_client =
                || spawn(repeat(self.server.port, request.as_bytes().to_vec(), end, pause));
            let clients: Vec<_> = (0..connections).map(|_| start_client()).collect();
            let mut times = Vec::new();
            for client in clients {
                times.extend(client.await.unwrap());
            }
            times
        });
        times.sort();
        let p99 = times[times.len() * 99 / 100];
        Load {
            per_second: times.len() as f64 / started.elapsed().as_secs_f64(),
            cpu_us: (self.cpu_seconds() - cpu_before) * 1e6 / times.len() as f64,
            p99_ms: p99.as_secs_f64() * 1000.0,
        }
    }

    /// Returns the CPU time that the server has used on all cores, in seconds.
    fn cpu_seconds(&self) -> f64 {
        let stat = std::fs::read_to_string(format!("/proc/{}/stat", self.server.id()));
        let stat = stat.unwrap_or_default();
        // Reads only the fields after the process name, because the name can contain spaces. The
        // times are in ticks of 10 ms.
        let fields: Vec<_> = stat.rsplit(')').next().unwrap_or_default().split(' ').collect();
        let ticks = fields.iter().skip(12).take(2).filter_map(|field| field.parse::<f64>().ok());
        ticks.sum::<f64>() / 100.0
    }

    /// Returns the server's peak memory, in MiB.
    fn peak_memory(&self) -> f64 {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.server.id()));
        let status = status.unwrap_or_default();
        let peak = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
        let kib = peak.and_then(|peak| peak.trim().split(' ').next()?.parse::<f64>().ok());
        kib.unwrap_or(f64::NAN) / 1024.0
    }

    /// Inserts users and sessions until the database has `count` of each.
    fn fill_database(&self, count: u32) {
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

/// Sends a request repeatedly until `end`, and returns the response times. Panics if a response is
/// an error.
async fn repeat(port: u16, request: Vec<u8>, end: Instant, pause: Duration) -> Vec<Duration> {
    let mut stream = net::TcpStream::connect(("127.0.0.1", port)).await.unwrap();
    stream.set_nodelay(true).unwrap();
    let (mut times, mut buffer) = (Vec::new(), vec![0; 64 * 1024]);
    while Instant::now() < end {
        let started = Instant::now();
        stream.write_all(&request).await.unwrap();
        let mut length = 0;
        while !is_complete(&buffer[..length]) {
            let more = stream.read(&mut buffer[length..]).await.unwrap();
            assert!(more > 0, "{}", String::from_utf8_lossy(&buffer[..length]));
            length += more;
        }
        let is_success = buffer.starts_with(b"HTTP/1.1 200") || buffer.starts_with(b"HTTP/1.1 303");
        assert!(is_success, "{}", String::from_utf8_lossy(&buffer[..length]));
        times.push(started.elapsed());
        if !pause.is_zero() {
            rocket::tokio::time::sleep(pause).await;
        }
    }
    times
}

fn is_complete(response: &[u8]) -> bool {
    let Some(end) = response.windows(4).position(|bytes| bytes == b"\r\n\r\n") else {
        return false;
    };
    let head = std::str::from_utf8(&response[..end]).unwrap_or_default();
    let length = head.lines().find_map(|line| line.strip_prefix("content-length: "));
    response.len() == end + 4 + length.and_then(|length| length.parse().ok()).unwrap_or(0)
}
