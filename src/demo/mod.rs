//! The demo, which shows on each page what the app did for the request.
//!
//! This module is allowed to use all others. Only `lib.rs` uses this module.

mod flight_plan;
mod handlers;
mod panel;
mod session;
mod visitor;

use rocket::fairing::{self, Fairing, Info};
use rocket::http::Status;
use rocket::route::{Handler, Outcome};
use rocket::{Build, Data, Request, Response, Rocket, Route, async_trait};

use rocket_login::Clock;

use crate::trace::{Step, Trace, Tracing};

/// Attaches the login manager and mounts the routes, so that their steps are traced. Adds the panel and
/// the flight plan.
pub fn attach(
    rocket: Rocket<Build>,
    manager: impl Fairing,
    routes: Vec<Route>,
    clock: Clock,
) -> Rocket<Build> {
    rocket
        .manage(Tracing)
        .manage(panel::CONTEXT)
        .manage(visitor::Redirects::new(clock))
        .attach(Traced(manager))
        .attach(session::fairing())
        .attach(visitor::fairing())
        .mount("/", traced(routes))
        .mount("/", traced(flight_plan::routes()))
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
        if let Outcome::Error(Status::Unauthorized) = outcome {
            trace.add(Step::Check(panel::GUARD, "rejected the request".to_owned(), None));
        }
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
