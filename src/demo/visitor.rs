//! A visitor's progress in the flight plan, and the redirects that led to a page.

use std::collections::BTreeSet;
use std::num::NonZeroUsize;
use std::sync::{Mutex, PoisonError};

use lru::LruCache;
use rocket::Request;
use rocket::fairing::{AdHoc, Fairing};
use rocket::http::{Method, Status};
use rocket_login::{Clock, expects_json};

use super::flight_plan;
use super::panel::{Exchange, hash};
use super::session::{self, SentCookie};
use crate::trace::{Step, Trace};

/// The cookie with the visitor's random id and the steps that they have done, such as `3f…a.registered`.
const PROGRESS_COOKIE: &str = "demo";

/// What a visitor can have done: the steps of the flight plan, and what must come before some of them.
const PROGRESS: [&str; 8] = [
    "unauthorized",
    "registered",
    "logged_out",
    "logged_in_again",
    "sessions_revoked",
    "reauthenticated",
    "put_back",
    "copy_rejected",
];

/// How long a redirect is kept, in seconds.
const REDIRECT_LIFETIME: i64 = 5 * 60;

/// The maximum number of redirects before a page.
const MAX_REDIRECTS: usize = 4;

/// The maximum number of visitors whose redirects are kept. Each visitor's redirects take at most
/// 300 KB. The compiler checks this `unwrap`.
const MAX_VISITORS: NonZeroUsize = NonZeroUsize::new(100).unwrap();

/// The last redirects of each visitor.
pub struct Redirects {
    clock: Clock,
    /// The time of the last redirect and the redirects, keyed by the id of the visitor.
    by_visitor: Mutex<LruCache<String, (i64, Vec<Exchange>)>>,
}

impl Redirects {
    pub fn new(clock: Clock) -> Redirects {
        Redirects { clock, by_visitor: Mutex::new(LruCache::new(MAX_VISITORS)) }
    }

    /// Removes and returns the redirects that led to this request.
    pub fn take(request: &Request<'_>) -> Vec<Exchange> {
        let visitor = Visitor::of(request);
        let redirects = request.rocket().state::<Redirects>();
        let Some((visitor, redirects)) = visitor.zip(redirects) else { return Vec::new() };
        let now = redirects.clock.now();
        let mut redirects = redirects.by_visitor.lock().unwrap_or_else(PoisonError::into_inner);
        let is_target = redirects.peek(&visitor.id).is_some_and(|(at, exchanges)| {
            let last = exchanges.last().map(|exchange| exchange.location_hash);
            now - at < REDIRECT_LIFETIME && last == Some(hash(&request.uri().to_string()))
        });
        let taken = is_target.then(|| redirects.pop(&visitor.id)).flatten();
        taken.map_or_else(Vec::new, |(_, exchanges)| exchanges)
    }

    /// Appends a redirect to the chain of redirects that led to it.
    fn add(&self, id: &str, mut before: Vec<Exchange>, redirect: Exchange) {
        before.push(redirect);
        let excess = before.len().saturating_sub(MAX_REDIRECTS);
        before.drain(..excess);
        let mut redirects = self.by_visitor.lock().unwrap_or_else(PoisonError::into_inner);
        redirects.put(id.to_owned(), (self.clock.now(), before));
    }
}

/// A visitor of the demo.
pub struct Visitor {
    id: String,
    pub done: BTreeSet<&'static str>,
}

impl Visitor {
    /// Returns the visitor, or `None` before their first redirect.
    pub fn of(request: &Request<'_>) -> Option<Visitor> {
        let cookie = session::demo_cookie(request.rocket(), PROGRESS_COOKIE)?;
        let cookie = request.cookies().get(cookie.name())?;
        let mut parts = cookie.value().split('.');
        let id = parts
            .next()
            .filter(|id| id.len() == 32 && id.bytes().all(|byte| byte.is_ascii_hexdigit()))?
            .to_owned();
        let done =
            parts.filter_map(|done| PROGRESS.into_iter().find(|step| *step == done)).collect();
        Some(Visitor { id, done })
    }

    fn new() -> Option<Visitor> {
        let mut bytes = [0; 16];
        getrandom::fill(&mut bytes).ok()?;
        let id = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
        Some(Visitor { id, done: BTreeSet::new() })
    }

    /// Adds the steps of the flight plan that this redirect completes.
    fn record(&mut self, request: &Request<'_>, trace: &Trace, location: &str) {
        if location.starts_with("/login") {
            self.done.insert("unauthorized");
            if self.done.contains("put_back")
                && SentCookie::of(request).is_some_and(SentCookie::is_revoked)
            {
                self.done.insert("copy_rejected");
            }
        }
        if request.uri().path() == "/demo/put-back" && flight_plan::has_copy(request) {
            self.done.insert("put_back");
        }
        for step in trace.steps() {
            let Step::Log(line) = step else { continue };
            let is = |event: &str| line.contains(&format!(r#""event":"{event}""#));
            if is("logged_in") && request.uri().path() == "/login" && self.has("logged_out") {
                self.done.insert("logged_in_again");
            }
            let revoked_none = line.ends_with(r#""count":0}"#);
            let steps = ["registered", "logged_out", "sessions_revoked", "reauthenticated"];
            self.done.extend(steps.into_iter().filter(|step| is(step) && !revoked_none));
        }
    }

    fn has(&self, step: &str) -> bool {
        self.done.contains(step)
    }
}

/// Keeps each redirect until the next page, and the steps that it completes in a cookie.
pub fn fairing() -> impl Fairing {
    AdHoc::on_response("Visitor", |request, response| {
        Box::pin(async move {
            let redirects = request.rocket().state::<Redirects>();
            let (Some(trace), Some(redirects)) = (Trace::of(request), redirects) else { return };
            if response.status() != Status::SeeOther || expects_json(request) {
                return;
            }
            let Some(mut visitor) = Visitor::of(request).or_else(Visitor::new) else { return };
            let redirect = Exchange::from_redirect(request, response);
            visitor.record(request, trace, &redirect.location);
            let is_get = request.method() == Method::Get;
            let before = if is_get { Redirects::take(request) } else { Vec::new() };
            redirects.add(&visitor.id, before, redirect);
            let done: String = visitor.done.iter().map(|step| format!(".{step}")).collect();
            let Some(mut cookie) = session::demo_cookie(request.rocket(), PROGRESS_COOKIE) else {
                return;
            };
            cookie.set_value(visitor.id + &done);
            // Adds the header itself, because Rocket has already written its cookie jar to the response.
            response.adjoin_header(&cookie);
        })
    })
}
