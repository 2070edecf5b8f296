//! The record of who came and went: one line of JSON for each event, for the operator.

use std::io::Write;
use std::net::IpAddr;
use std::sync::Arc;

use rocket::Request;
use rocket::request::{FromRequest, Outcome};
use rocket_login::Clock;
use serde::Serialize;

use crate::guesses::Door;
use crate::users::User;

/// What happened. Nothing in here is a secret: no password, token or cookie, and no name that was
/// typed, since people type passwords there.
#[derive(Debug, Serialize)]
#[serde(tag = "event", rename_all = "snake_case")]
pub enum Event {
    Registered { user: i64 },
    LoggedIn { user: i64 },
    LoginRefused { user: i64, why: Why },
    PasswordRefused { door: Door, user: Option<i64>, why: Why },
    LoggedOut { user: Option<i64> },
    Slowed { seconds: i64 },
    Reauthenticated { user: i64 },
    PasswordChanged { user: i64 },
    SessionsEnded { user: i64, count: usize },
    OtherBrowserRefused,
    CrossSiteRefused,
}

impl Event {
    /// What is worth a line of what the login module tells. A stranger at a door is not.
    pub fn of_login(event: &rocket_login::Event<'_, User>) -> Option<Event> {
        match event {
            rocket_login::Event::LoggedIn(user) => Some(Event::LoggedIn { user: user.id }),
            rocket_login::Event::LoggedOut(user) => {
                Some(Event::LoggedOut { user: user.map(|user| user.id) })
            }
            rocket_login::Event::Confirmed(user) => Some(Event::Reauthenticated { user: user.id }),
            rocket_login::Event::SessionProtected(_) => Some(Event::OtherBrowserRefused),
            _ => None,
        }
    }
}

/// Why somebody was refused. The visitor hears the same in all cases.
#[derive(Debug, Clone, Copy, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Why {
    UnknownName,
    WrongPassword,
    Inactive,
    /// While it was being checked.
    PasswordChanged,
}

/// Where the lines go.
#[derive(Clone)]
pub struct EventLog {
    clock: Clock,
    write: Arc<dyn Fn(&str) + Send + Sync>,
}

impl EventLog {
    /// A log that hands each line to `write`.
    pub fn new(clock: Clock, write: impl Fn(&str) + Send + Sync + 'static) -> EventLog {
        EventLog { clock, write: Arc::new(write) }
    }

    /// Standard error. A line that can't be written is lost, the request is not.
    pub fn to_stderr(clock: Clock) -> EventLog {
        EventLog::new(clock, |line| {
            let _ = writeln!(std::io::stderr(), "{line}");
        })
    }
}

/// The log, and where the request came from. A guard that lets everybody in.
pub struct Events<'r> {
    log: Option<&'r EventLog>,
    /// The visitor's address, or that of the proxy in front of them; see `ip_header` in Rocket.toml.
    pub address: Option<IpAddr>,
}

#[derive(Serialize)]
struct Line {
    time: i64,
    address: Option<IpAddr>,
    #[serde(flatten)]
    event: Event,
}

impl<'r> Events<'r> {
    pub fn of(request: &'r Request<'_>) -> Events<'r> {
        Events { log: request.rocket().state(), address: request.client_ip() }
    }

    pub fn record(&self, event: Event) {
        let Some(log) = self.log else { return };
        let line = Line { time: log.clock.now(), address: self.address, event };
        if let Ok(line) = rocket::serde::json::to_string(&line) {
            (log.write)(&line);
        }
    }
}

#[rocket::async_trait]
impl<'r> FromRequest<'r> for Events<'r> {
    type Error = std::convert::Infallible;

    async fn from_request(request: &'r Request<'_>) -> Outcome<Self, Self::Error> {
        Outcome::Success(Events::of(request))
    }
}
