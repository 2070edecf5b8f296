//! The app as installed by `deploy/`.

use std::fs;
use std::io::{BufRead, BufReader, Write};
use std::net::{TcpListener, TcpStream};
use std::path::Path;
use std::process::{Child, Command, Output, Stdio};
use std::sync::atomic::{AtomicU16, AtomicUsize, Ordering};
use std::sync::{Arc, mpsc};
use std::thread::{scope, sleep, spawn};
use std::time::{Duration, Instant};

use tempfile::TempDir;

use crate::server::*;
use crate::tls::{Certificate, assert_secure_cookie_and_hsts};

const KEY: &str = "PiaTb6aJVl0ZBmN1tAdRAKz7bUh2Tup3ZFnBwQtVWMs=";

/// Installs the app below `dir`, and returns the command of its systemd unit. Installs the app
/// twice, because an update repeats the installation.
pub fn install(dir: &Path) -> Command {
    for _ in 0..2 {
        let mut script = Command::new("sh");
        script.arg(format!("{ROOT}/deploy/install.sh")).arg(binary()).env("DESTDIR", dir);
        assert!(script.status().unwrap().success());
    }
    let unit = fs::read_to_string(dir.join("etc/systemd/system/app.service")).unwrap();
    let setting = |name: &str| {
        let line = unit.lines().find_map(|line| line.strip_prefix(name)).unwrap();
        dir.join(line.trim_start_matches(['=', '/']))
    };
    let mut command = Command::new(setting("ExecStart"));
    command.env_clear().current_dir(setting("WorkingDirectory"));
    for line in unit.lines().filter_map(|line| line.strip_prefix("Environment=")) {
        let (name, value) = line.trim_matches('"').split_once('=').unwrap();
        command.env(name, value);
    }
    command.env("ROCKET_SECRET_KEY", KEY).env("ROCKET_PORT", "0");
    command.env("ROCKET_DATA_DIR", dir.join("var/lib/app"));
    command.stdout(Stdio::piped()).stderr(Stdio::piped());
    command
}

#[test]
fn everyone_can_read_the_installed_files_even_if_only_the_owner_can_read_the_clone() {
    use std::os::unix::fs::PermissionsExt;
    let dir = TempDir::new().unwrap();
    let clone = dir.path().join("clone");
    fs::create_dir(&clone).unwrap();
    let copy = format!(
        "cp -R deploy templates static Rocket.toml '{0}' && chmod -R go= '{0}'",
        clone.display()
    );
    assert!(Command::new("sh").args(["-ec", &copy]).current_dir(ROOT).status().unwrap().success());
    let mut script = Command::new("sh");
    script.arg(clone.join("deploy/install.sh")).arg(binary()).env("DESTDIR", dir.path());
    assert!(script.status().unwrap().success());
    for file in ["app", "Rocket.toml", "templates/home.html.tera", "nginx-errors/unavailable.html"]
    {
        let mode =
            fs::metadata(dir.path().join("opt/app").join(file)).unwrap().permissions().mode();
        assert_eq!(mode & 0o044, 0o044, "{file}");
    }
}

#[test]
fn the_installed_app_runs_with_the_settings_in_its_unit() {
    let dir = TempDir::new().unwrap();
    let mut server = start(&mut install(dir.path()));
    assert!(server.get("/dashboard", "").contains("location: /login?next=/dashboard"));
    assert!(server.get("/login", "").contains("Remember me on this device"));
    assert!(server.get("/static/style.css", "").starts_with("HTTP/1.1 200"));
    assert_secure_cookie_and_hsts(&server.post("/register", "X-Real-IP: 203.0.113.9\r\n", ADA));
    let output = server.stop();
    assert!(output.contains(r#""address":"203.0.113.9","event":"registered""#), "{output}");
    assert!(dir.path().join("var/lib/app/app.sqlite").exists());
}

/// Installs the units below `dir`, and runs `systemd-analyze` on one of them.
fn systemd_analyze(dir: &Path, level: &str, arguments: &[&str], unit: &str) -> Output {
    install(dir);
    let units = dir.join("etc/systemd/system");
    for file in ["app.service", "app@.service"] {
        let text = fs::read_to_string(units.join(file)).unwrap();
        let opt = format!("{}/opt", dir.display());
        fs::write(units.join(file), text.replace("/opt", &opt)).unwrap();
    }
    let mut command = Command::new("systemd-analyze");
    command.env("SYSTEMD_LOG_LEVEL", level).args(arguments).arg(units.join(unit)).output().unwrap()
}

#[test]
#[ignore = "needs systemd-analyze"]
fn systemd_accepts_the_units() {
    let dir = TempDir::new().unwrap();
    for unit in ["app.service", "app@8001.service"] {
        let output = systemd_analyze(dir.path(), "info", &["verify", "--man=no"], unit);
        assert!(output.status.success() && output.stderr.is_empty(), "{output:?}");
    }
}

#[test]
#[ignore = "needs systemd-analyze"]
fn an_instance_listens_on_the_port_in_the_name_of_its_unit() {
    let dir = TempDir::new().unwrap();
    // With this level, systemd prints the unit.
    let verify = ["verify", "--man=no"];
    let output = systemd_analyze(dir.path(), "debug", &verify, "app@8001.service");
    let output = String::from_utf8_lossy(&output.stdout);
    for variable in ["ROCKET_PORT=8001", "ROCKET_IP_HEADER=X-Real-IP"] {
        assert!(output.contains(&format!("Environment: {variable}\n")), "{output}");
    }
}

#[test]
#[ignore = "needs systemd-analyze"]
fn systemd_restarts_the_app_without_a_limit_and_exposes_little_to_it() {
    let dir = TempDir::new().unwrap();
    let unit = fs::read_to_string(format!("{ROOT}/deploy/app.service")).unwrap();
    for line in ["StartLimitIntervalSec=0", "Restart=always", "RestartSec=1"] {
        assert!(unit.lines().any(|other| other == line), "{line}");
    }
    // The threshold is in tenths: 1.5 of 10.
    let arguments = ["security", "--offline=true", "--no-pager", "--threshold=15"];
    for unit in ["app.service", "app@8001.service"] {
        let output = systemd_analyze(dir.path(), "info", &arguments, unit);
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stdout));
    }
}

pub struct Nginx {
    process: Child,
    pub http: u16,
    pub https: u16,
}

impl Drop for Nginx {
    fn drop(&mut self) {
        let _ = Command::new("kill").arg(self.process.id().to_string()).status();
        let _ = self.process.wait();
    }
}

/// Returns a port on which nothing listens. Avoids the ephemeral ports, because other tests might receive those.
pub fn free_port() -> u16 {
    static NEXT: AtomicU16 = AtomicU16::new(0);
    loop {
        // Two test processes begin at different ports.
        let offset = (std::process::id() % 200) as u16 * 100;
        let port = 10_000 + offset + NEXT.fetch_add(1, Ordering::Relaxed);
        if TcpListener::bind(("127.0.0.1", port)).is_ok() {
            return port;
        }
    }
}

/// Starts nginx with Debian's configuration and `deploy/nginx.conf`, in front of the app at `ports`. A header
/// `X-Client` replaces the address of the client.
pub fn start_nginx(dir: &Path, ports: &[u16], certificate: &Certificate) -> Nginx {
    let (http, https) = (free_port(), free_port());
    for name in ["log", "run", "sites"] {
        fs::create_dir_all(dir.join(name)).unwrap();
    }
    let dir = dir.to_str().unwrap();
    let replace = |text: String, replacements: &[(&str, &str)]| {
        replacements.iter().fold(text, |text, (from, to)| {
            assert!(text.contains(from), "{from}");
            text.replace(from, to)
        })
    };
    let site = fs::read_to_string(format!("{ROOT}/deploy/nginx.conf")).unwrap();
    let server = site.lines().find(|line| line.contains("server 127.0.0.1:8000")).unwrap();
    let server = server.to_owned();
    let servers = ports.iter().map(|port| server.replace("8000", &port.to_string()) + "\n");
    let mut site = replace(
        site,
        &[
            ("listen 80;", &format!("listen 127.0.0.1:{http};")),
            ("listen [::]:80;", &format!("listen [::1]:{http};")),
            ("listen 443 ssl;", &format!("listen 127.0.0.1:{https} ssl;")),
            ("listen [::]:443 ssl;", &format!("listen [::1]:{https} ssl;")),
            ("/etc/ssl/site.example.pem", certificate.certs.to_str().unwrap()),
            ("/etc/ssl/site.example.key", certificate.key.to_str().unwrap()),
            ("/var/log/nginx/", &format!("{dir}/log/")),
            ("/run/", &format!("{dir}/run/")),
            ("/opt/", &format!("{dir}/opt/")),
            (&server, &servers.collect::<String>()),
        ],
    );
    if let [first, second] = ports {
        site = site.replace("8001", &first.to_string()).replace("8002", &second.to_string());
    }
    fs::write(format!("{dir}/sites/app"), site).unwrap();
    let config = fs::read_to_string("/etc/nginx/nginx.conf").expect("Debian's nginx is missing");
    let config = replace(
        config,
        &[
            // The worker processes can then read the files of this test.
            ("user www-data;", "user root;"),
            ("/run/nginx.pid", &format!("{dir}/pid")),
            ("/var/log/nginx/", &format!("{dir}/log/")),
            (
                "include /etc/nginx/conf.d/*.conf;",
                "real_ip_header X-Client; set_real_ip_from 127.0.0.1;",
            ),
            ("/etc/nginx/sites-enabled/", &format!("{dir}/sites/")),
        ],
    );
    let file = format!("{dir}/nginx.conf");
    fs::write(&file, config).unwrap();
    let mut nginx = Command::new("nginx");
    nginx.args([
        "-g",
        "daemon off;",
        "-c",
        &file,
        "-e",
        &format!("{dir}/log/start.log"),
        "-p",
        dir,
    ]);
    let nginx = Nginx { process: nginx.spawn().unwrap(), http, https };
    let is_up = |_: &u32| {
        sleep(Duration::from_millis(50));
        TcpStream::connect(("127.0.0.1", https)).is_ok()
    };
    let log = || fs::read_to_string(format!("{dir}/log/start.log"));
    assert!((0..400).find(is_up).is_some(), "nginx did not start: {:?}", log());
    nginx
}

#[test]
#[ignore = "needs nginx"]
fn serves_https_behind_nginx_and_logs_client_addresses() {
    let dir = TempDir::new().unwrap();
    let mut server = start(&mut install(dir.path()));
    let certificate = Certificate::new(dir.path());
    let nginx = start_nginx(dir.path(), &[server.port], &certificate);
    // The client's header has no effect, because nginx overwrites `X-Real-IP`.
    assert_secure_cookie_and_hsts(&certificate.register(nginx.https, "X-Real-IP: 203.0.113.9\r\n"));
    let output = server.stop();
    assert!(output.contains(r#""address":"127.0.0.1","event":"registered""#), "{output}");
}

#[test]
#[ignore = "needs nginx"]
fn nginx_closes_connections_that_send_only_part_of_a_request() {
    let dir = TempDir::new().unwrap();
    let server = start(&mut install(dir.path()));
    let certificate = Certificate::new(dir.path());
    let nginx = start_nginx(dir.path(), &[server.port], &certificate);
    let form = "POST /login HTTP/1.1\r\nHost: localhost\r\nContent-Length: 9000\r\n\r\nusername=";
    let started = Instant::now();
    scope(|scope| {
        for start in ["", "GET / HTTP/1.1\r\nHost: local", form] {
            let connect = || certificate.send(nginx.https, start);
            scope.spawn(connect);
        }
        scope.spawn(|| send(("127.0.0.1", nginx.http), "GET / HTTP/1.1\r\nHost: local"));
    });
    assert!(started.elapsed() < Duration::from_secs(30), "{:?}", started.elapsed());
}

/// Sends text over HTTP, and returns what the server sends until it closes the connection.
fn send(address: (&str, u16), text: &str) -> String {
    let mut stream = TcpStream::connect(address).unwrap();
    stream.write_all(text.as_bytes()).unwrap();
    std::io::read_to_string(stream).unwrap_or_default()
}

#[test]
#[ignore = "needs nginx"]
fn nginx_listens_on_ipv6() {
    let dir = TempDir::new().unwrap();
    let certificate = Certificate::new(dir.path());
    let nginx = start_nginx(dir.path(), &[1], &certificate);
    let get = "GET /login?next=/ HTTP/1.0\r\nHost: site.example\r\n\r\n";
    let redirect = send(("::1", nginx.http), get);
    assert!(redirect.contains("Location: https://site.example/login?next=/\r\n"), "{redirect}");
    let response = send(("::1", nginx.https), get);
    assert!(response.contains("The plain HTTP request was sent to HTTPS port"), "{response}");
}

/// A server that responds to all requests with the same text.
struct FakeApp {
    port: u16,
    connections: Arc<AtomicUsize>,
}

impl FakeApp {
    fn start(port: u16, response: &'static str) -> FakeApp {
        let listener = TcpListener::bind(("127.0.0.1", port)).unwrap();
        let port = listener.local_addr().unwrap().port();
        let connections = Arc::new(AtomicUsize::new(0));
        let count = connections.clone();
        spawn(move || {
            for mut stream in listener.incoming().map(Result::unwrap) {
                count.fetch_add(1, Ordering::Relaxed);
                spawn(move || {
                    let lines = BufReader::new(stream.try_clone().unwrap()).lines();
                    for _ in lines.map_while(Result::ok).filter(String::is_empty) {
                        let _ = stream.write_all(response.as_bytes());
                    }
                });
            }
        });
        FakeApp { port, connections }
    }
}

const OK: &str = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok";

/// Returns the text of `count` GET requests for one connection.
fn gets(count: usize, path: &str, headers: &str) -> String {
    let get = format!("GET {path} HTTP/1.1\r\nHost: localhost\r\n{headers}");
    format!("{get}\r\n").repeat(count - 1) + &format!("{get}Connection: close\r\n\r\n")
}

#[test]
#[ignore = "needs nginx"]
fn nginx_keeps_connections_to_the_app_open() {
    let dir = TempDir::new().unwrap();
    let certificate = Certificate::new(dir.path());
    let app = FakeApp::start(0, OK);
    let nginx = start_nginx(dir.path(), &[app.port], &certificate);
    let responses = certificate.send(nginx.https, &gets(100, "/", ""));
    assert_eq!(responses.matches("HTTP/1.1 200").count(), 100, "{responses}");
    assert_eq!(app.connections.load(Ordering::Relaxed), 1);
}

#[test]
#[ignore = "needs nginx"]
fn nginx_tries_instances_again_right_after_they_failed() {
    let dir = TempDir::new().unwrap();
    install(dir.path());
    let certificate = Certificate::new(dir.path());
    let ports = [free_port(), free_port()];
    let nginx = start_nginx(dir.path(), &ports, &certificate);
    let get = || certificate.send(nginx.https, &gets(1, "/", ""));
    for _ in 0..4 {
        assert!(get().starts_with("HTTP/1.1 502"));
    }
    let _apps = ports.map(|port| FakeApp::start(port, OK));
    for _ in 0..4 {
        assert!(get().starts_with("HTTP/1.1 200"));
    }
}

#[test]
#[ignore = "needs nginx"]
fn nginx_has_pages_for_its_own_errors_and_keeps_the_pages_of_the_app() {
    const OWN: &str = "HTTP/1.1 503 Service Unavailable\r\nContent-Length: 12\r\n\r\nfrom the app";
    let dir = TempDir::new().unwrap();
    install(dir.path());
    let certificate = Certificate::new(dir.path());
    let port = free_port();
    let nginx = start_nginx(dir.path(), &[port], &certificate);
    let post = "POST /reset?token=secret HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\
                Content-Length: 3\r\n\r\na=b";
    for request in [&*gets(1, "/reset?token=secret", ""), post] {
        let page = certificate.send(nginx.https, request);
        assert!(page.starts_with("HTTP/1.1 502"), "{page}");
        for part in ["<h1>Temporarily unavailable</h1>", "try again", "Retry-After: 10\r\n"] {
            assert!(page.contains(part), "{page}");
        }
        // The page loads nothing from the app, which is not running.
        assert!(!page.contains("http") && !page.contains("src="), "{page}");
    }
    FakeApp::start(port, OWN);
    let page = certificate.send(nginx.https, &gets(1, "/", ""));
    assert!(page.starts_with("HTTP/1.1 503") && page.ends_with("from the app"), "{page}");

    // The log has the path that was requested, and no file contains the query string.
    drop(nginx);
    let logs = fs::read_dir(dir.path().join("log")).unwrap().map(|file| file.unwrap().path());
    let logs: String = logs.map(|file| fs::read_to_string(file).unwrap()).collect();
    assert!(
        logs.contains(r#""GET /reset" 502"#) && logs.contains(r#""POST /reset" 502"#),
        "{logs}"
    );
    assert!(!logs.contains("secret"), "{logs}");
}

/// Returns how many responses have the status 200, and how many 429.
fn statuses(responses: &str) -> (usize, usize) {
    let count = |status| responses.matches(&format!("HTTP/1.1 {status}")).count();
    (count(200), count(429))
}

#[test]
#[ignore = "needs nginx"]
fn fifty_users_of_one_address_can_open_the_site_at_the_same_time() {
    let dir = TempDir::new().unwrap();
    let server = start(&mut install(dir.path()));
    let certificate = Certificate::new(dir.path());
    let nginx = start_nginx(dir.path(), &[server.port], &certificate);
    let open = || {
        let page = certificate.send(nginx.https, &gets(1, "/", ""));
        let files = ["/static/style.css", "/static/site.js"].repeat(2);
        files
            .iter()
            .fold(page, |all, path| all + &certificate.send(nginx.https, &gets(1, path, "")))
    };
    scope(|scope| {
        let users: Vec<_> = (0..50).map(|_| scope.spawn(open)).collect();
        for user in users {
            assert_eq!(statuses(&user.join().unwrap()), (5, 0));
        }
    });
}

#[test]
#[ignore = "needs nginx"]
fn nginx_limits_the_requests_of_an_ipv4_address_and_of_an_ipv6_network() {
    let dir = TempDir::new().unwrap();
    install(dir.path());
    let certificate = Certificate::new(dir.path());
    let app = FakeApp::start(0, OK);
    let nginx = start_nginx(dir.path(), &[app.port], &certificate);
    let get = |count, address: &str| {
        let header = format!("X-Client: {address}\r\n");
        certificate.send(nginx.https, &gets(count, "/", &header))
    };
    for (address, same, other) in [
        ("198.51.100.1", "198.51.100.1", "198.51.100.2"),
        // The third byte of the network is a line feed, and its last group is 0.
        ("2001:a00:0:0:1::1", "2001:a00::ffff:0:0:2", "2001:a00:0:1::1"),
        ("2001:db8::1:0:0:0:1", "2001:db8:0:1:a:b:c:d", "2001:db8::1"),
    ] {
        let started = Instant::now();
        let (served, limited) = statuses(&get(900, address));
        let most = 501 + 50 * (started.elapsed().as_secs() as usize + 1);
        assert!((501..=most).contains(&served), "{address}: {served}");
        assert_eq!(served + limited, 900, "{address}");
        let (served, limited) = statuses(&get(300, same));
        assert!(limited > served, "{same}: {limited}");
        assert_eq!(statuses(&get(300, other)), (300, 0), "{other}");
        let responses = get(300, address);
        let page = responses.split("HTTP/1.1 429").nth(1).unwrap();
        assert!(page.contains("Retry-After: 10\r\n"), "{page}");
        assert!(page.contains("<h1>Too many requests</h1>") && page.contains("again"), "{page}");
    }
}

#[test]
#[ignore = "needs nginx"]
fn nginx_limits_the_connections_of_an_address_even_without_the_error_pages() {
    let dir = TempDir::new().unwrap();
    let certificate = Certificate::new(dir.path());
    let app = FakeApp::start(0, OK);
    let nginx = start_nginx(dir.path(), &[app.port], &certificate);
    // A request whose body arrives slowly.
    let slow = "POST / HTTP/1.1\r\nHost: localhost\r\nContent-Length: 9000\r\n\r\n";
    let (sender, receiver) = mpsc::channel();
    scope(|scope| {
        for _ in 0..210 {
            let sender = sender.clone();
            let certificate = &certificate;
            let https = nginx.https;
            scope.spawn(move || sender.send(certificate.send(https, slow)));
        }
        for _ in 0..10 {
            let response = receiver.recv_timeout(Duration::from_secs(8)).unwrap();
            assert!(response.starts_with("HTTP/1.1 429"), "{response}");
        }
        let other = gets(1, "/", "X-Client: 198.51.100.2\r\n");
        assert!(certificate.send(nginx.https, &other).starts_with("HTTP/1.1 200"));
        let same = gets(1, "/", "");
        assert!(certificate.send(nginx.https, &same).starts_with("HTTP/1.1 429"));
    });
}
