//! The demo, which shows on each page what the app did for the request.
//!
//! Only `lib.rs` uses this module.

mod flight_plan;
mod handlers;
mod panel;
mod session;
mod visitor;

use std::sync::atomic::{AtomicU8, Ordering};

use rocket::fairing::{self, Fairing, Info};
use rocket::http::Status;
use rocket::route::{Handler, Outcome};
use rocket::{Build, Data, Request, Response, Rocket, Route, async_trait};
use rocket_login::Clock;

use crate::trace::{Trace, TracingEnabled};

/// Attaches the login manager and mounts the routes, so that their steps are traced. Adds the panel and
/// the flight plan.
pub fn attach(
    rocket: Rocket<Build>,
    manager: impl Fairing,
    routes: Vec<Route>,
    clock: Clock,
) -> Rocket<Build> {
    rocket
        .manage(TracingEnabled)
        .attach(panel::CONTEXT)
        .manage(visitor::Redirects::new(clock))
        .attach(Traced(manager))
        .attach(session::fairing())
        .attach(visitor::fairing())
        .mount("/", traced(routes))
        .mount("/", traced(flight_plan::routes()))
}

/// Whether the handler of a request ran.
#[derive(Default)]
struct HandlerStatus(AtomicU8);

impl HandlerStatus {
    /// No handler ran, or the handler or one of its guards failed with a status other than 401.
    const UNKNOWN: u8 = 0;
    const RAN: u8 = 1;
    /// A login guard rejected the request.
    const UNAUTHORIZED: u8 = 2;

    fn of<'r>(request: &'r Request<'_>) -> &'r HandlerStatus {
        request.local_cache(HandlerStatus::default)
    }

    fn set(&self, status: u8) {
        self.0.store(status, Ordering::Relaxed);
    }

    fn get(&self) -> u8 {
        self.0.load(Ordering::Relaxed)
    }
}

/// A handler or a fairing whose steps are recorded in the trace of the request.
#[derive(Clone)]
struct Traced<T>(T);

fn traced(mut routes: Vec<Route>) -> Vec<Route> {
    for route in &mut routes {
        route.handler = Box::new(Traced(route.handler.clone()));
    }
    routes
}

#[async_trait]
impl Handler for Traced<Box<dyn Handler>> {
    async fn handle<'r>(&self, request: &'r Request<'_>, data: Data<'r>) -> Outcome<'r> {
        let work = self.0.handle(request, data);
        let Some(trace) = Trace::of(request) else { return work.await };
        let outcome = trace.scope(work).await;
        HandlerStatus::of(request).set(match &outcome {
            Outcome::Success(_) => HandlerStatus::RAN,
            Outcome::Error(Status::Unauthorized) => HandlerStatus::UNAUTHORIZED,
            _ => HandlerStatus::UNKNOWN,
        });
        outcome
    }
}

#[async_trait]
impl<F: Fairing> Fairing for Traced<F> {
    fn info(&self) -> Info {
        self.0.info()
    }

    async fn on_ignite(&self, rocket: Rocket<Build>) -> fairing::Result {
        self.0.on_ignite(rocket).await
    }

    async fn on_request(&self, request: &mut Request<'_>, data: &mut Data<'_>) {
        match Trace::of(request).cloned() {
            Some(trace) => trace.scope(self.0.on_request(request, data)).await,
            None => self.0.on_request(request, data).await,
        }
    }

    async fn on_response<'r>(&self, request: &'r Request<'_>, response: &mut Response<'r>) {
        self.0.on_response(request, response).await;
    }
}
