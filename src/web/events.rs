//! The event log: one JSON line for each event, such as a login, a logout or a failed login.

use std::net::IpAddr;
use std::sync::Arc;

use rocket::Request;
use rocket::request::{FromRequest, Outcome};
use rocket_login::Clock;
use serde::Serialize;

use crate::accounts::{AttemptKind, CredentialsError, Error, FailureReason, User};
use crate::log_writer::LogWriter;
use crate::trace::{self, Trace};

/// An event. An event does not contain passwords, tokens or cookies. Usernames from forms are left out
/// too, because users sometimes enter passwords there by mistake (OWASP Logging Cheat Sheet).
#[derive(Debug, Serialize)]
#[serde(tag = "event", rename_all = "snake_case")]
pub enum Event {
    Registered { user: i64 },
    LoggedIn { user: i64 },
    AuthenticationFailed { kind: AttemptKind, user: Option<i64>, reason: FailureReason },
    LoginThrottled { kind: AttemptKind, retry_after: i64 },
    RegistrationThrottled { retry_after: i64 },
    PasswordChangeThrottled { user: i64, retry_after: i64 },
    LoggedOut { user: Option<i64> },
    Reauthenticated { user: i64 },
    PasswordChanged { user: i64 },
    SessionsRevoked { user: i64, count: usize },
    UserAgentMismatch { user: i64 },
    CrossSiteBlocked,
}

impl Event {
    /// Converts an event of `rocket_login`. Returns `None` for events that are not logged.
    pub fn from_login(event: &rocket_login::Event<'_, User>) -> Option<Event> {
        match event {
            rocket_login::Event::LoggedIn(user) => Some(Event::LoggedIn { user: user.id }),
            rocket_login::Event::LoggedOut(user) => {
                Some(Event::LoggedOut { user: user.map(|user| user.id) })
            }
            rocket_login::Event::Confirmed(user) => Some(Event::Reauthenticated { user: user.id }),
            rocket_login::Event::SessionProtected(user) => {
                Some(Event::UserAgentMismatch { user: user.id })
            }
            _ => None,
        }
    }
}

/// Writes events as JSON lines.
#[derive(Clone)]
pub struct EventLog {
    clock: Clock,
    write: Arc<dyn Fn(&str) + Send + Sync>,
}

impl EventLog {
    /// Creates a log that passes each line to `write`.
    pub fn new(clock: Clock, write: impl Fn(&str) + Send + Sync + 'static) -> EventLog {
        EventLog { clock, write: Arc::new(write) }
    }

    /// Creates a log that writes to standard error, but does not wait if nobody reads it.
    pub fn to_stderr(clock: Clock) -> EventLog {
        let time = clock.clone();
        let describe_dropped = move |count| {
            let time = time.now();
            format!(r#"{{"time":{time},"address":null,"event":"events_dropped","count":{count}}}"#)
        };
        let writer = LogWriter::new(std::io::stderr(), describe_dropped);
        EventLog::new(clock, move |line| writer.write(line.to_owned()))
    }
}

/// A request guard with the event log and the client's address. The guard never fails.
pub struct Events<'r> {
    log: Option<&'r EventLog>,
    /// The client's address. Behind a proxy, `ip_header` must be set in Rocket.toml.
    pub address: Option<IpAddr>,
    trace: Option<&'r Trace>,
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
        Events {
            log: request.rocket().state(),
            address: request.client_ip(),
            trace: Trace::of(request),
        }
    }

    pub fn record(&self, event: Event) {
        let Some(log) = self.log else { return };
        let line = Line { time: log.clock.now(), address: self.address, event };
        if let Ok(line) = rocket::serde::json::to_string(&line) {
            (log.write)(&line);
            trace::log(self.trace, &line);
        }
    }

    /// Records why credentials were not accepted. Internal errors go to Rocket's log instead.
    pub fn record_failure(&self, kind: AttemptKind, error: &CredentialsError) {
        match *error {
            CredentialsError::Failed { user, reason } => {
                self.record(Event::AuthenticationFailed { kind, user, reason });
            }
            CredentialsError::NotVerified(ref error) => {
                self.record_throttled(error, |retry_after| Event::LoginThrottled {
                    kind,
                    retry_after,
                });
            }
        }
    }

    /// Records `event` with the time to wait if `error` is that there were too many attempts.
    pub fn record_throttled(&self, error: &Error, event: impl FnOnce(i64) -> Event) {
        if let Error::Throttled { retry_after } = *error {
            self.record(event(retry_after));
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
