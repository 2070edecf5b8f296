//! Restarts of one of two instances behind nginx, by `deploy/restart.sh`.

use std::fs;
use std::io::{self, BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::thread::{scope, sleep};
use std::time::Duration;

use rustls::{ClientConnection, StreamOwned};
use tempfile::TempDir;

use crate::deploy::{free_port, install, start_nginx};
use crate::postgres_server::Postgres;
use crate::server::*;
use crate::tls::Certificate;

/// Two instances, started by a script in place of `systemctl restart`.
struct Instances {
    dir: PathBuf,
    ports: [u16; 2],
}

impl Instances {
    fn start(dir: &Path, postgres: &Postgres) -> Instances {
        let mut command = install(dir);
        command.env("DATABASE_URL", postgres.url());
        let variables = command.get_envs().filter_map(|(name, value)| Some((name, value?)));
        let variables = variables
            .map(|(name, value)| format!("export {}='{}'\n", name.display(), value.display()));
        // A stopped program has no `exe`, even if nothing has waited for it yet.
        let script = format!(
            "set -eu\n{}cd {dir}/opt/app\nexport ROCKET_PORT=${{1#app@}}\nfile={dir}/$ROCKET_PORT.pid\n\
             if [ -e $file ]; then\n    pid=$(cat $file)\n    kill $pid || true\n    while [ -e /proc/$pid/exe ]; do sleep 0.02; done\nfi\n\
             if [ -e {dir}/broken-$ROCKET_PORT ]; then exit; fi\n\
             ./app >>{dir}/$ROCKET_PORT.log 2>&1 &\necho $! >$file\n",
            variables.collect::<String>(),
            dir = dir.display()
        );
        fs::write(dir.join("restart-one.sh"), script).unwrap();
        fs::create_dir_all(dir.join("run")).unwrap();
        let instances = Instances { dir: dir.to_owned(), ports: [free_port(), free_port()] };
        // Also starts instances that are not running.
        let output = instances.restart("30");
        assert!(output.status.success(), "{output:?}");
        instances
    }

    /// Runs `deploy/restart.sh`.
    fn restart(&self, timeout: &str) -> Output {
        let mut script = Command::new("sh");
        script
            .arg(format!("{ROOT}/deploy/restart.sh"))
            .args(self.ports.map(|port| port.to_string()));
        let one = format!("sh {}/restart-one.sh", self.dir.display());
        script.env("DESTDIR", &self.dir).env("RESTART", one).env("TRIES", timeout).output().unwrap()
    }

    fn pids(&self) -> [String; 2] {
        self.ports.map(|port| fs::read_to_string(self.dir.join(format!("{port}.pid"))).unwrap())
    }

    fn is_down(&self, port: u16) -> bool {
        self.dir.join(format!("run/app-{port}.down")).exists()
    }
}

impl Drop for Instances {
    fn drop(&mut self) {
        for port in self.ports {
            if let Ok(pid) = fs::read_to_string(self.dir.join(format!("{port}.pid"))) {
                let _ = Command::new("kill").args(["-KILL", pid.trim()]).output();
            }
        }
    }
}

/// A client that keeps its connection open.
struct Client(BufReader<StreamOwned<ClientConnection, TcpStream>>);

impl Client {
    fn connect(certificate: &Certificate, port: u16) -> Client {
        Client(BufReader::new(certificate.connect(port)))
    }

    /// Sends a request, and returns the head and the body of the response.
    fn send(&mut self, request: &str) -> io::Result<(String, String)> {
        self.0.get_mut().write_all(request.as_bytes())?;
        let mut head = String::new();
        while !head.ends_with("\r\n\r\n") {
            if self.0.read_line(&mut head)? == 0 {
                return Err(io::ErrorKind::UnexpectedEof.into());
            }
        }
        let length = head.lines().find_map(|line| line.strip_prefix("Content-Length: "));
        let mut body = vec![0; length.unwrap_or("0").parse().unwrap()];
        self.0.read_exact(&mut body)?;
        Ok((head, String::from_utf8(body).unwrap()))
    }
}

/// The form of the user who logs in repeatedly. A user can have only 100 sessions, so it is not ada.
const GRACE: &str = "username=grace&password=a+horse+that+staples+batteries";

/// Returns the requests of 12 clients, each with the expected status.
fn requests(cookie: &str) -> Vec<(String, &'static str)> {
    let post = |path: &str, form: &str| {
        let length = form.len();
        format!(
            "POST {path} HTTP/1.1\r\nContent-Type: application/x-www-form-urlencoded\r\n\
             Content-Length: {length}\r\nHost: localhost\r\nX-Client: 198.51.100.ADDRESS\r\n\r\n{form}"
        )
    };
    let get = |path: &str| {
        format!(
            "GET {path} HTTP/1.1\r\nHost: localhost\r\n{cookie}X-Client: 198.51.100.ADDRESS\r\n\r\n"
        )
    };
    let kinds = [
        (get("/dashboard"), "200"),
        (get("/static/style.css"), "200"),
        (post("/logout", ""), "303"),
        (post("/logout", ""), "303"),
        (post("/logout", ""), "303"),
        (post("/login", GRACE), "303"),
    ];
    kinds.iter().cycle().take(12).cloned().collect()
}

#[test]
#[ignore = "needs nginx and PostgreSQL"]
fn a_restart_of_one_instance_after_the_other_causes_no_error() {
    let postgres = Postgres::start();
    let dir = TempDir::new().unwrap();
    let instances = Instances::start(dir.path(), &postgres);
    let certificate = Certificate::new(dir.path());
    let nginx = start_nginx(dir.path(), &instances.ports, &certificate);
    let response = certificate.register(nginx.https, "");
    let cookie =
        response.lines().find_map(|line| line.strip_prefix("set-cookie: __Host-login=")).unwrap();
    let cookie = format!("Cookie: __Host-login={}\r\n", cookie.split(';').next().unwrap());
    let form = GRACE.len();
    let register = format!(
        "POST /register HTTP/1.1\r\nContent-Type: application/x-www-form-urlencoded\r\n\
         Content-Length: {form}\r\nHost: localhost\r\nConnection: close\r\n\r\n{GRACE}"
    );
    assert!(certificate.send(nginx.https, &register).starts_with("HTTP/1.1 303"));
    let before = instances.pids();

    let (done, served, errors) =
        (AtomicBool::new(false), AtomicUsize::new(0), Mutex::new(Vec::new()));
    scope(|scope| {
        for (request, expected) in requests(&cookie) {
            let (done, served, errors, certificate) = (&done, &served, &errors, &certificate);
            scope.spawn(move || {
                let mut client = Client::connect(certificate, nginx.https);
                for number in 0.. {
                    if done.load(Ordering::Relaxed) {
                        break;
                    }
                    // Many addresses, because of the limits of nginx.
                    let request = request.replace("ADDRESS", &(number % 256).to_string());
                    let result = client.send(&request);
                    let is_closed =
                        !matches!(&result, Ok((head, _)) if !head.contains("Connection: close"));
                    match result {
                        Ok((head, _)) if head.starts_with(&format!("HTTP/1.1 {expected}")) => {
                            served.fetch_add(1, Ordering::Relaxed);
                        }
                        other => errors.lock().unwrap().push(format!("{request}{other:?}")),
                    }
                    if is_closed {
                        client = Client::connect(certificate, nginx.https);
                    }
                }
            });
        }
        sleep(Duration::from_millis(500));
        let output = instances.restart("30");
        sleep(Duration::from_millis(500));
        done.store(true, Ordering::Relaxed);
        assert!(output.status.success(), "{output:?}");
    });
    let errors = errors.into_inner().unwrap();
    let served = served.into_inner();
    assert!(errors.is_empty(), "{} errors, {served} served, such as {}", errors.len(), errors[0]);
    assert!(served > 300, "{served}");
    for (before, after) in before.iter().zip(instances.pids()) {
        assert_ne!(*before, after);
    }
    assert!(!instances.ports.iter().any(|port| instances.is_down(*port)));
}

#[test]
#[ignore = "needs nginx and PostgreSQL"]
fn the_other_instance_serves_all_requests_if_an_update_fails() {
    let postgres = Postgres::start();
    let dir = TempDir::new().unwrap();
    let instances = Instances::start(dir.path(), &postgres);
    let certificate = Certificate::new(dir.path());
    let nginx = start_nginx(dir.path(), &instances.ports, &certificate);
    let [first, second] = instances.ports;
    let pids = instances.pids();
    let get = "GET / HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n";
    let assert_served = || {
        for _ in 0..10 {
            assert!(certificate.send(nginx.https, get).starts_with("HTTP/1.1 200"));
        }
    };

    let broken = dir.path().join(format!("broken-{second}"));
    fs::write(&broken, "").unwrap();
    let fail = || {
        let output = instances.restart("2");
        assert!(!output.status.success());
        let message = String::from_utf8(output.stderr).unwrap();
        assert!(message.contains(&format!("app@{second} is not healthy")), "{message}");
        assert!(instances.is_down(second) && !instances.is_down(first));
        assert_served();
    };
    fail();
    let updated = instances.pids()[0].clone();
    assert_ne!(updated, pids[0]);
    // A second attempt does not restart the only instance that works.
    fail();
    assert_eq!(instances.pids()[0], updated);

    fs::remove_file(broken).unwrap();
    let output = instances.restart("30");
    assert!(output.status.success(), "{output:?}");
    assert!(!instances.is_down(first) && !instances.is_down(second));
    assert_ne!(instances.pids()[0], updated);
    assert_served();
}
