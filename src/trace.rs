//! The trace of a request: what the app checked, queried and logged for it, in order.
//!
//! Requests are traced only if [`TracingEnabled`] is in Rocket's managed state.

use std::future::Future;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use diesel::connection::{Connection, Instrumentation, InstrumentationEvent};
use rocket::Request;
use rocket::tokio::task_local;

task_local! {
    /// The trace of the request for which the current code runs.
    static CURRENT: Trace;
}

/// The maximum number of steps of a trace. Further steps are not recorded.
const MAX_STEPS: usize = 50;

/// Managed state that enables tracing.
pub struct TracingEnabled;

/// The trace of a request. Clones share the steps.
#[derive(Clone, Default)]
pub struct Trace(Arc<Mutex<Vec<Step>>>);

/// A step of a trace. A step contains no password, token or key.
#[derive(Clone)]
pub enum Step {
    /// A check or an action, its result, and how long it took if that was measured.
    Action(&'static str, &'static str, Option<Duration>),
    /// A query without its bound values, how long it took, and whether it failed.
    Query(String, Duration, bool),
    /// A line of the event log.
    Log(String),
}

impl Trace {
    /// Returns the trace of a request, or `None` if requests are not traced.
    pub fn of<'r>(request: &'r Request<'_>) -> Option<&'r Trace> {
        let is_traced = request.rocket().state::<TracingEnabled>().is_some();
        is_traced.then(|| request.local_cache(Trace::default))
    }

    /// Runs `work`, and records its steps in this trace.
    pub async fn scope<T>(&self, work: impl Future<Output = T>) -> T {
        CURRENT.scope(self.clone(), work).await
    }

    /// Adds a step.
    pub fn add(&self, step: Step) {
        let mut steps = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        match steps.len() {
            ..MAX_STEPS => steps.push(step),
            MAX_STEPS => steps.push(Step::Action("Further steps", "were not recorded", None)),
            _ => {}
        }
    }

    /// Returns whether the current code runs for this request in [`scope`](Trace::scope).
    pub fn is_current(&self) -> bool {
        CURRENT.try_with(|current| Arc::ptr_eq(&current.0, &self.0)).unwrap_or_default()
    }

    /// Returns the steps so far.
    pub fn steps(&self) -> Vec<Step> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

/// Adds a step to the current trace, if any.
fn add(step: impl FnOnce() -> Step) {
    let _ = CURRENT.try_with(|trace| trace.add(step()));
}

/// Records a check or a change.
pub fn step(name: &'static str, result: &'static str) {
    add(|| Step::Action(name, result, None));
}

/// Records whether a check passed. Errors are left out, because pages must not show them.
pub fn check<T, E>(name: &'static str, result: &Result<T, E>) {
    step(name, if result.is_ok() { "passed" } else { "not passed" });
}

/// Records a line of the event log.
pub fn log(trace: Option<&Trace>, line: &str) {
    if let Some(trace) = trace {
        trace.add(Step::Log(line.to_owned()));
    }
}

/// Wraps work for another thread, so that its steps are recorded in the current trace.
pub fn in_current<T>(work: impl FnOnce() -> T + Send) -> impl FnOnce() -> T + Send {
    let trace = CURRENT.try_with(Trace::clone).ok();
    move || match trace {
        Some(trace) => CURRENT.sync_scope(trace, work),
        None => work(),
    }
}

/// Wraps work for another thread, and records how long it takes.
pub fn timed<T>(
    name: &'static str,
    result: &'static str,
    work: impl FnOnce() -> T + Send,
) -> impl FnOnce() -> T + Send {
    in_current(move || {
        let start = Instant::now();
        let value = work();
        add(|| Step::Action(name, result, Some(start.elapsed())));
        value
    })
}

/// Records the next queries of a connection if the current request is traced.
pub fn instrument(connection: &mut impl Connection) {
    if CURRENT.try_with(|_| ()).is_ok() {
        connection.set_instrumentation(QueryTimer::default());
    }
}

/// Records queries and their times. Ignores queries of requests that are not traced.
#[derive(Default)]
struct QueryTimer(Option<Instant>);

impl Instrumentation for QueryTimer {
    fn on_connection_event(&mut self, event: InstrumentationEvent<'_>) {
        match event {
            InstrumentationEvent::StartQuery { .. } => {
                self.0 = CURRENT.try_with(|_| Instant::now()).ok();
            }
            InstrumentationEvent::FinishQuery { query, error, .. } => {
                if let Some(start) = self.0.take() {
                    let time = start.elapsed();
                    let text = query.to_string();
                    // Diesel appends the bound values, which include usernames and password hashes.
                    let sql = text.split(" -- binds").next().unwrap_or_default().to_owned();
                    add(|| Step::Query(sql, time, error.is_some()));
                }
            }
            _ => {}
        }
    }
}
