//! A Chromium with its own profile, driven by chromedriver.

use std::fs;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::thread::{sleep, spawn};
use std::time::{Duration, Instant};

use diesel::prelude::*;
use rocket::serde::json::{Value, json};
use rocket::tokio::runtime::Runtime;
use tempfile::TempDir;
use thirtyfour::prelude::*;
use thirtyfour::{ChromeCapabilities, LoggingPrefsLogLevel};

use crate::server::{self, Server};
use crate::templates::copy_templates;

pub const NAME: &str = "ada-lovelace";
pub const PASSWORD: &str = "a horse that staples batteries";
pub const FORM: &str = "username=ada-lovelace&password=a+horse+that+staples+batteries";
const FLAGS: &str = "--headless=new --no-sandbox --disable-gpu --disable-quic --no-first-run \
                     --disable-background-networking --disable-component-update --disable-sync";
const PATIENCE: Duration = Duration::from_secs(20);

/// The site with its own database, in which NAME is registered.
pub struct Site {
    pub server: Server,
    dir: TempDir,
}

impl Site {
    pub fn start() -> Site {
        let site = Site::start_empty();
        assert!(site.server.post("/register", "", FORM).starts_with("HTTP/1.1 303"));
        site
    }

    pub fn start_empty() -> Site {
        let dir = TempDir::new().unwrap();
        Site { server: server::start(&mut server::program(dir.path())), dir }
    }

    /// With a copy of the templates to break, and logins that are fresh for 1 second.
    pub fn of_trouble() -> Site {
        let dir = TempDir::new().unwrap();
        let templates = dir.path().join("templates");
        fs::create_dir(&templates).unwrap();
        copy_templates(&templates, |_| true);
        let mut program = server::program(dir.path());
        program.env("ROCKET_TEMPLATE_DIR", templates).env("ROCKET_LOGIN", "{fresh_for=1}");
        let site = Site { server: server::start(&mut program), dir };
        assert!(site.server.post("/register", "", FORM).starts_with("HTTP/1.1 303"));
        site
    }

    /// Moves a file away while `meanwhile` runs.
    pub fn breaks(&self, file: &str, meanwhile: impl FnOnce()) {
        let (file, away) = (self.dir.path().join(file), self.dir.path().join("away"));
        fs::rename(&file, &away).unwrap();
        meanwhile();
        fs::rename(&away, &file).unwrap();
    }

    pub fn deactivate(&self) {
        let file = self.dir.path().join("data/app.sqlite");
        let mut file = diesel::SqliteConnection::establish(file.to_str().unwrap()).unwrap();
        diesel::sql_query("UPDATE users SET is_active = FALSE").execute(&mut file).unwrap();
    }

    pub fn browser(&self) -> Browser {
        Browser::new(self.server.port, json!({}))
    }

    /// A browser in which NAME is logged in.
    pub fn logged_in(&self) -> Browser {
        let browser = self.browser();
        browser.open("/login");
        browser.log_in();
        browser
    }

    /// A browser with a slow connection: each response is delayed by `latency`.
    pub fn browser_far_away(&self, latency: Duration) -> Browser {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let (port, site) = (listener.local_addr().unwrap().port(), self.server.port);
        spawn(move || {
            for browser in listener.incoming().flatten() {
                let server = TcpStream::connect(("127.0.0.1", site)).unwrap();
                let ways = [(&browser, &server, Duration::ZERO), (&server, &browser, latency)];
                for (from, to, latency) in ways {
                    let (from, mut to) = (from.try_clone().unwrap(), to.try_clone().unwrap());
                    spawn(move || carry(from, &mut to, latency));
                }
            }
        });
        Browser::new(port, json!({}))
    }

    pub fn browser_without_javascript(&self) -> Browser {
        let off = json!({ "profile.managed_default_content_settings.javascript": 2 });
        Browser::new(self.server.port, off)
    }

    /// Logs in on another device, and returns whether that succeeded.
    pub fn lets_in(&self, form: &str) -> bool {
        self.server.post("/login", "", form).starts_with("HTTP/1.1 303")
    }
}

/// Serves a page on another site, and returns its port.
pub fn another_site(html: String) -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    let response = move |mut stream: TcpStream| {
        // If the request is not read, the connection is reset.
        let request = BufReader::new(&stream).lines().map_while(Result::ok);
        request.take_while(|line| !line.is_empty()).for_each(drop);
        let head = "HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nConnection: close\r\n\r\n";
        let _ = write!(stream, "{head}{html}");
    };
    // One thread each, because Chromium also opens connections that it does not use yet.
    spawn(move || {
        for stream in listener.incoming().flatten() {
            let response = response.clone();
            spawn(move || response(stream));
        }
    });
    port
}

fn carry(mut from: TcpStream, to: &mut TcpStream, latency: Duration) {
    let mut bytes = [0; 64 * 1024];
    while let Ok(length @ 1..) = from.read(&mut bytes) {
        sleep(latency);
        if to.write_all(&bytes[..length]).is_err() {
            break;
        }
    }
    let _ = to.shutdown(Shutdown::Both);
}

/// Stopped with all the browsers that it has started.
struct Chromedriver(Child);

impl Drop for Chromedriver {
    fn drop(&mut self) {
        let group = format!("kill -KILL -{}", self.0.id());
        let _ = Command::new("sh").args(["-c", &group]).status();
        let _ = self.0.wait();
    }
}

pub struct Browser {
    driver: WebDriver,
    runtime: Runtime,
    url: String,
    wanted: ChromeCapabilities,
    pub site: String,
    pub by_keyboard: bool,
    // Dropped in this order.
    _keep: (Chromedriver, TempDir),
}

impl Drop for Browser {
    fn drop(&mut self) {
        let _ = self.runtime.block_on(self.driver.clone().quit());
    }
}

impl Browser {
    fn new(port: u16, preferences: Value) -> Browser {
        let profile = TempDir::new().unwrap();
        let mut command = Command::new("chromedriver");
        command.arg("--port=0").env("HOME", profile.path()).process_group(0);
        command.stdout(Stdio::piped()).stderr(Stdio::null());
        let child = command.spawn().expect("chromedriver is missing: .ci/run installs it");
        let mut chromedriver = Chromedriver(child);
        let mut lines =
            BufReader::new(chromedriver.0.stdout.as_mut().unwrap()).lines().map_while(Result::ok);
        let started = lines.find(|line| line.contains("started successfully on port"));
        let started = started.expect("chromedriver says where it is");
        let port_of_driver = started.trim_end_matches('.').rsplit(' ').next().unwrap();
        let url = format!("http://127.0.0.1:{port_of_driver}");

        let mut wanted = ChromeCapabilities::new();
        for flag in FLAGS.split(' ') {
            wanted.add_arg(flag).unwrap();
        }
        let data = profile.path().join("chromium");
        wanted.add_arg(&format!("--user-data-dir={}", data.display())).unwrap();
        wanted.add_experimental_option("prefs", preferences).unwrap();
        wanted.set_browser_log_level(LoggingPrefsLogLevel::All).unwrap();
        let runtime = Runtime::new().unwrap();
        let driver = runtime.block_on(WebDriver::new(&url, wanted.clone())).unwrap();
        let site = format!("http://localhost:{port}");
        let by_keyboard = false;
        let keep = (chromedriver, profile);
        Browser { driver, runtime, url, wanted, site, by_keyboard, _keep: keep }
    }

    /// Restarts the browser with the same profile.
    pub fn restart(&mut self) {
        self.run(self.driver.clone().quit());
        self.driver = self.run(WebDriver::new(&self.url, self.wanted.clone()));
    }

    /// Opens a path of this site, or a URL of another.
    #[track_caller]
    pub fn open(&self, path: &str) {
        let site = if path.starts_with('/') { &self.site } else { "" };
        self.run(self.driver.goto(format!("{site}{path}")));
    }

    /// Opens a path again and again until the page contains `text`.
    #[track_caller]
    pub fn open_until(&self, path: &str, text: &str) {
        let url = format!("{}{path}", self.site);
        self.until(&format!("{text:?}"), async || {
            self.driver.goto(&url).await.is_ok() && self.visible().await.contains(text)
        });
    }

    #[track_caller]
    pub fn back(&self) {
        self.run(self.driver.back());
    }

    /// Clicks the link with this text.
    #[track_caller]
    pub fn follow(&self, link: &str) {
        self.use_on(&format!("//a[normalize-space()='{link}']"), Key::Enter);
    }

    /// Clicks the button with this text.
    #[track_caller]
    pub fn press(&self, button: &str) {
        self.use_on(&format!("//button[normalize-space()='{button}']"), Key::Enter);
    }

    /// Double-clicks the button with this text.
    #[track_caller]
    pub fn double_click(&self, button: &str) {
        let click = format!(
            "const button = [...document.querySelectorAll('button')].find(
                 (button) => button.textContent === '{button}');
             button.click();
             setTimeout(() => button.click(), 150);"
        );
        self.script(&click);
    }

    #[track_caller]
    pub fn tick(&self, field: &str) {
        self.use_on(&format!("//input[@name='{field}']"), " ");
    }

    #[track_caller]
    pub fn type_into(&self, field: &str, text: &str) {
        self.reach(&format!("//input[@name='{field}']"));
        self.keys(text);
    }

    #[track_caller]
    pub fn log_in(&self) {
        self.type_into("username", NAME);
        self.type_into("password", PASSWORD);
        self.press("Log in");
        self.assert_contains("Login successful.");
    }

    #[track_caller]
    fn use_on(&self, xpath: &str, key: impl Into<TypingData>) {
        self.reach(xpath);
        if self.by_keyboard {
            self.keys(key);
        }
    }

    /// Clicks an element, or presses Tab until it has the focus.
    #[track_caller]
    fn reach(&self, xpath: &str) {
        let mut element = None;
        self.until(&format!("{xpath} to appear"), async || {
            element = self.driver.find(By::XPath(xpath)).await.ok();
            element.is_some()
        });
        let element = element.unwrap();
        if !self.by_keyboard {
            return self.run(element.click());
        }
        for _ in 0..40 {
            if self.run(self.driver.active_element()) == element {
                return;
            }
            self.keys(Key::Tab);
        }
        panic!("Tab does not lead to {xpath}");
    }

    #[track_caller]
    fn keys(&self, keys: impl Into<TypingData>) {
        self.run(self.driver.action_chain().send_keys(keys).perform());
    }

    /// Waits until the page contains `text`.
    #[track_caller]
    pub fn assert_contains(&self, text: &str) {
        self.until(&format!("{text:?}"), async || self.visible().await.contains(text));
    }

    /// Waits until the URL has this path.
    #[track_caller]
    pub fn is_at(&self, path: &str) {
        let url = format!("{}{path}", self.site);
        self.until(&url, async || {
            self.driver.current_url().await.is_ok_and(|at| at.as_str() == url)
        });
    }

    #[track_caller]
    pub fn assert_lacks(&self, text: &str) {
        let page = self.run(self.driver.source());
        assert!(!page.contains(text), "{text:?} is in this page:\n{page}");
    }

    async fn visible(&self) -> String {
        match self.driver.find(By::Tag("body")).await {
            Ok(body) => body.text().await.unwrap_or_default(),
            Err(_) => String::new(),
        }
    }

    #[track_caller]
    fn until(&self, what: &str, mut is_so: impl AsyncFnMut() -> bool) {
        let begun = Instant::now();
        while !self.runtime.block_on(is_so()) {
            if begun.elapsed() > PATIENCE {
                let page = self.runtime.block_on(self.visible());
                panic!("waited for {what} in vain at this page:\n{page}");
            }
            sleep(Duration::from_millis(20));
        }
    }

    /// Runs a script, which the page's policy does not apply to, and returns its result.
    #[track_caller]
    pub fn script(&self, script: &str) -> Value {
        self.run(self.driver.execute(script, vec![])).json().clone()
    }

    #[track_caller]
    pub fn devtools(&self, method: &str, parameters: Value) {
        self.run(self.driver.cdp().send_raw(method, parameters));
    }

    #[track_caller]
    pub fn screenshot(&self, path: &Path) {
        self.run(self.driver.screenshot(path));
    }

    /// The lines that were added to the console since the last call.
    #[track_caller]
    pub fn console(&self) -> Vec<String> {
        let log = self.run(self.driver.browser_log());
        log.into_iter().map(|entry| format!("{}: {}", entry.level, entry.message)).collect()
    }

    #[track_caller]
    fn run<T>(&self, step: impl Future<Output = WebDriverResult<T>>) -> T {
        self.runtime.block_on(step).unwrap_or_else(|error| panic!("{error}"))
    }
}
