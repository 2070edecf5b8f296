//! A server in the background, for tests and the benchmark.

use std::io::{self, BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Output, Stdio};
use std::sync::Mutex;
use std::thread::{JoinHandle, spawn};
use std::time::Duration;

pub const ROOT: &str = env!("CARGO_MANIFEST_DIR");

/// The program: next to this test's folder, and named after the package.
pub fn binary() -> PathBuf {
    let test = std::env::current_exe().unwrap();
    test.parent().unwrap().with_file_name(env!("CARGO_PKG_NAME"))
}

/// A command that runs the program in `dir`, without this test's environment.
pub fn program(dir: &Path) -> Command {
    prepare(Command::new(binary()), dir)
}

/// The same, run by a shell script as `$0`.
pub fn scripted(dir: &Path, script: &str) -> Command {
    let mut shell = Command::new("/bin/sh");
    shell.args(["-c", script]).arg(binary());
    prepare(shell, dir)
}

fn prepare(mut command: Command, dir: &Path) -> Command {
    command
        .env_clear()
        .env("ROCKET_CONFIG", format!("{ROOT}/Rocket.toml"))
        .env("ROCKET_DATA_DIR", dir.join("data"))
        .env("ROCKET_PORT", "0")
        .env("ROCKET_CLI_COLORS", "false")
        .current_dir(dir)
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    command
}

/// A program that serves, until this is dropped.
pub struct Server {
    child: Child,
    pub port: u16,
    /// The output until it was ready.
    pub launch: String,
    printed: Mutex<Vec<JoinHandle<String>>>,
}

impl Drop for Server {
    fn drop(&mut self) {
        // A shell or `cargo run` has the program as its child.
        #[cfg(unix)]
        let _ = Command::new("kill").args(["-KILL", "--", &format!("-{}", self.id())]).status();
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Starts a program and waits until it is ready.
pub fn start(command: &mut Command) -> Server {
    #[cfg(unix)]
    std::os::unix::process::CommandExt::process_group(command, 0);
    let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let mut stderr = child.stderr.take().unwrap();
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines().map(Result::unwrap);
    let mut launch = String::new();
    let keep = |line: &String| launch += &format!("{line}\n");
    let launched = lines.by_ref().inspect(keep).find(|line| line.contains("launched from"));
    let errors = spawn(move || {
        let mut text = Vec::new();
        stderr.read_to_end(&mut text).unwrap();
        String::from_utf8_lossy(&text).into_owned()
    });
    let Some(launched) = launched else { panic!("no launch: {launch} {}", errors.join().unwrap()) };
    let rest = spawn(move || lines.fold(String::new(), |log, line| log + line.as_str() + "\n"));
    let port = launched.rsplit(':').next().unwrap().trim().parse().unwrap();
    Server { child, port, launch, printed: Mutex::new(vec![rest, errors]) }
}

pub fn error_of(command: &mut Command) -> String {
    let Output { status, stderr, .. } = command.output().unwrap();
    assert!(!status.success());
    String::from_utf8(stderr).unwrap()
}

impl Server {
    /// Sends a signal, such as `TERM`.
    pub fn signal(&self, name: &str) {
        let pid = self.child.id().to_string();
        assert!(Command::new("kill").args(["-s", name, &pid]).status().unwrap().success());
    }

    /// Waits until the program exits.
    pub fn wait(&mut self) -> ExitStatus {
        self.child.wait().unwrap()
    }

    pub fn id(&self) -> u32 {
        self.child.id()
    }

    /// Stops the program, and returns its output since the launch.
    pub fn stop(&mut self) -> String {
        let _ = self.child.kill();
        let printed = std::mem::take(&mut *self.printed.lock().unwrap());
        printed.into_iter().map(|thread| thread.join().unwrap()).collect()
    }

    /// Sends bytes, and reads until the server closes or sends nothing for `patience`.
    pub fn say(&self, bytes: &[u8], patience: Duration) -> String {
        self.try_to_say(bytes, patience).unwrap()
    }

    fn try_to_say(&self, bytes: &[u8], patience: Duration) -> io::Result<String> {
        let mut stream = TcpStream::connect(("127.0.0.1", self.port))?;
        stream.set_read_timeout(Some(patience))?;
        // A server that has read enough closes the connection.
        let _ = stream.write_all(bytes);
        let mut response = Vec::new();
        // It may also reset it.
        let _ = stream.read_to_end(&mut response);
        Ok(String::from_utf8_lossy(&response).into_owned())
    }

    pub fn get(&self, path: &str, headers: &str) -> String {
        let request =
            format!("GET {path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n{headers}\r\n");
        self.say(request.as_bytes(), Duration::from_secs(20))
    }

    pub fn post(&self, path: &str, headers: &str, form: &str) -> String {
        self.try_to_post(path, headers, form).unwrap()
    }

    /// Sends a form to a server that may be gone.
    pub fn try_to_post(&self, path: &str, headers: &str, form: &str) -> io::Result<String> {
        let length = form.len();
        let request = format!(
            "POST {path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n{headers}\
             Content-Type: application/x-www-form-urlencoded\r\nContent-Length: {length}\r\n\r\n{form}"
        );
        self.try_to_say(request.as_bytes(), Duration::from_secs(20))
    }
}

/// The session cookie of a response, as a request header.
pub fn cookie(response: &str) -> String {
    let set = response.lines().find(|line| line.starts_with("set-cookie: login="));
    let pair = set.unwrap_or_else(|| panic!("no session cookie in {response}"));
    format!("Cookie: {}\r\n", pair["set-cookie: ".len()..].split(';').next().unwrap())
}

pub const ADA: &str = "username=ada&password=a+horse+that+staples+batteries";
