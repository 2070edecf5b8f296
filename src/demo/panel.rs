//! The panel "What just happened".

use std::time::Duration;

use rocket::Request;
use rocket::http::Status;
use serde::Serialize;

use super::flight_plan;
use super::handlers::{self, HandlerInfo};
use super::session::Opened;
use super::visitor::{Redirects, Visitor};
use crate::trace::{Step, Trace};
use crate::web::page::ContextProcessor;

/// The step of a guard that rejects the request.
pub const GUARD: &str = "Guard";

/// The maximum length of a line, in characters.
const MAX_LINE: usize = 300;

/// Adds `demo` to the context of every template.
pub const CONTEXT: ContextProcessor = ContextProcessor(|page, request| {
    let mut exchanges = Redirects::take(request);
    exchanges.push(Exchange::new(request, page.status, String::new()));
    let visitor = Visitor::of(request);
    let demo = Demo {
        exchanges,
        session: Opened::of(request),
        done: visitor.map_or_else(Vec::new, |visitor| visitor.done.into_iter().collect()),
        has_copy: flight_plan::has_copy(request),
    };
    page.with("demo", demo)
});

/// The context of the demo's templates.
#[derive(Serialize)]
struct Demo<'r> {
    /// The redirects that led to this page, and the page.
    exchanges: Vec<Exchange>,
    session: Option<&'r Opened>,
    /// The steps of the flight plan that the visitor has done.
    done: Vec<&'static str>,
    /// Whether the browser has a copy of a session cookie.
    has_copy: bool,
}

/// A request and its response.
#[derive(Serialize)]
pub struct Exchange {
    method: &'static str,
    path: String,
    status: u16,
    /// Where the response redirects to. Empty for a page.
    pub location: String,
    handler: Option<&'static HandlerInfo>,
    /// Whether a guard rejected the request.
    is_rejected: bool,
    /// Where a form or a cross-site request came from, as the browser says.
    site: String,
    steps: Vec<Line>,
}

/// A step, as the panel shows it.
#[derive(Serialize)]
struct Line {
    kind: &'static str,
    text: String,
    result: String,
    /// Such as `0.12 ms`.
    time: Option<String>,
}

impl Exchange {
    pub fn new(request: &Request<'_>, status: Status, location: String) -> Exchange {
        let uri = request.uri();
        // Other query strings might contain a secret by mistake.
        let query = uri.query().filter(|query| query.starts_with("next="));
        let query = query.map_or_else(String::new, |query| format!("?{query}"));
        let (rejections, steps): (Vec<_>, Vec<_>) = Trace::of(request)
            .map_or_else(Vec::new, Trace::steps)
            .into_iter()
            .partition(|step| matches!(step, Step::Check(GUARD, ..)));
        let site = request.headers().get_one("Sec-Fetch-Site").unwrap_or_default();
        let is_worth_showing =
            request.method().supports_payload() || matches!(site, "cross-site" | "same-site");
        Exchange {
            method: request.method().as_str(),
            path: shorten(&format!("{}{query}", uri.path())),
            status: status.code,
            location: shorten(&location),
            handler: request.route().and_then(handlers::find),
            site: if is_worth_showing { shorten(site) } else { String::new() },
            is_rejected: !rejections.is_empty(),
            steps: steps.into_iter().map(Line::from).collect(),
        }
    }
}

impl From<Step> for Line {
    fn from(step: Step) -> Line {
        let (kind, text, result, time) = match step {
            Step::Check(name, result, time) => ("check", name.to_owned(), result, time),
            Step::Query(sql, time) => ("query", shorten_query(&sql), String::new(), Some(time)),
            Step::Log(line) => ("log", without_colors(&line), String::new(), None),
        };
        Line { kind, text: shorten(&text), result, time: time.map(milliseconds) }
    }
}

/// Removes the quotation marks around names, and all columns after the second of a long list.
fn shorten_query(sql: &str) -> String {
    let sql = sql.replace(['`', '"'], "");
    let select = sql.strip_prefix("SELECT ").and_then(|rest| rest.split_once(" FROM "));
    let columns: Vec<_> = select.map_or("", |(columns, _)| columns).split(", ").collect();
    match (select, columns.as_slice()) {
        (Some((_, rest)), [first, second, _, _, ..]) => {
            format!("SELECT {first}, {second}, … FROM {rest}")
        }
        _ => sql,
    }
}

/// Removes the escape sequences with which Rocket colors its log in a terminal.
fn without_colors(line: &str) -> String {
    let mut parts = line.split("\u{1b}[");
    let mut text = parts.next().unwrap_or_default().to_owned();
    parts.for_each(|part| text += part.split_once('m').map_or(part, |(_, rest)| rest));
    text
}

fn milliseconds(time: Duration) -> String {
    format!("{:.2} ms", time.as_secs_f64() * 1000.0)
}

fn shorten(text: &str) -> String {
    match text.char_indices().nth(MAX_LINE) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text.to_owned(),
    }
}
