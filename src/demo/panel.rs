//! The panel "What just happened".

use std::collections::BTreeSet;
use std::time::Duration;

use rocket::http::Status;
use rocket::{Request, Response};
use serde::Serialize;
use sha2::{Digest, Sha256};

use super::HandlerStatus;
use super::flight_plan::{self, STEPS};
use super::handlers::{self, HandlerInfo};
use super::session::SentCookie;
use super::visitor::{Redirects, Visitor};
use crate::trace::{Step, Trace};
use crate::web::context::ContextProcessor;

/// The maximum length of a line, in characters.
const MAX_LINE: usize = 300;

/// Adds `demo` to the context of every template.
pub const CONTEXT: ContextProcessor = ContextProcessor(|page, request| {
    let mut exchanges = Redirects::take(request);
    exchanges.push(Exchange::new(request, page.status));
    let done = Visitor::of(request).map_or_else(BTreeSet::new, |visitor| visitor.done);
    let demo = Demo {
        exchanges,
        session: SentCookie::of(request),
        done_count: STEPS.iter().filter(|step| done.contains(**step)).count(),
        next_step: STEPS.iter().position(|step| !done.contains(step)).map(|index| index + 1),
        done,
        has_copy: flight_plan::has_copy(request),
    };
    page.with("demo", demo)
});

/// The context of the demo's templates.
#[derive(Serialize)]
struct Demo<'r> {
    /// The redirects that led to this page, and the page.
    exchanges: Vec<Exchange>,
    session: Option<&'r SentCookie>,
    /// What the visitor has done.
    done: BTreeSet<&'static str>,
    /// The number of steps of the flight plan that the visitor has done.
    done_count: usize,
    /// The number of the first step that is not done.
    next_step: Option<usize>,
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
    /// A hash of the full location, which is not kept, because it might contain a secret.
    #[serde(skip)]
    pub location_hash: [u8; 32],
    handler: Option<&'static HandlerInfo>,
    /// One of the constants of `HandlerStatus`.
    handler_status: u8,
    /// Where a form or a cross-site request came from, as the browser says.
    site: String,
    actions: Vec<Action>,
    queries: Vec<Query>,
    logs: Vec<String>,
    /// The `Set-Cookie` headers of a redirect, without values.
    cookies: Vec<String>,
}

#[derive(Serialize)]
struct Action {
    name: &'static str,
    result: &'static str,
    /// Such as `0.12 ms`.
    time: Option<String>,
}

#[derive(Serialize)]
struct Query {
    sql: String,
    time: String,
    failed: bool,
}

impl Exchange {
    /// Returns the exchange of a page that is being rendered.
    pub fn new(request: &Request<'_>, status: Status) -> Exchange {
        let site = request.headers().get_one("Sec-Fetch-Site").unwrap_or_default();
        let is_worth_showing =
            request.method().supports_payload() || matches!(site, "cross-site" | "same-site");
        let mut exchange = Exchange {
            method: request.method().as_str(),
            path: redact_query(&request.uri().to_string()),
            status: status.code,
            location: String::new(),
            location_hash: [0; 32],
            handler: request.route().and_then(handlers::find),
            handler_status: match Trace::of(request) {
                Some(trace) if trace.is_current() => HandlerStatus::RAN,
                _ => HandlerStatus::of(request).get(),
            },
            site: if is_worth_showing { shorten(site) } else { String::new() },
            actions: Vec::new(),
            queries: Vec::new(),
            logs: Vec::new(),
            cookies: Vec::new(),
        };
        for step in Trace::of(request).map_or_else(Vec::new, Trace::steps) {
            match step {
                Step::Action(name, result, time) => {
                    exchange.actions.push(Action { name, result, time: time.map(milliseconds) });
                }
                Step::Query(sql, time, failed) => {
                    let sql = shorten(&shorten_query(&sql));
                    exchange.queries.push(Query { sql, time: milliseconds(time), failed });
                }
                Step::Log(line) => exchange.logs.push(shorten(&line)),
            }
        }
        exchange
    }

    /// Returns the exchange of a redirect.
    pub fn from_redirect(request: &Request<'_>, response: &Response<'_>) -> Exchange {
        let headers = response.headers();
        let location = headers.get_one("Location").unwrap_or_default();
        Exchange {
            location: redact_query(location),
            location_hash: hash(location),
            cookies: headers.get("Set-Cookie").map(without_value).collect(),
            ..Exchange::new(request, response.status())
        }
    }
}

pub fn hash(location: &str) -> [u8; 32] {
    Sha256::digest(location).into()
}

/// Returns a path without its query string, except for the path in `next`. Other parts might contain a
/// secret by mistake.
fn redact_query(uri: &str) -> String {
    let (path, query) = uri.split_once('?').unwrap_or((uri, ""));
    let Some(next) = query.split('&').find_map(|field| field.strip_prefix("next=")) else {
        return shorten(path);
    };
    let is_path = next.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"/._-".contains(&byte));
    shorten(&format!("{path}?next={}", if is_path { next } else { "…" }))
}

/// Returns a `Set-Cookie` header without the value of the cookie.
fn without_value(header: &str) -> String {
    let (cookie, attributes) = header.split_once("; ").unwrap_or((header, ""));
    let name = cookie.split('=').next().unwrap_or_default();
    let is_removal = attributes.contains("Max-Age=0;") || attributes.ends_with("Max-Age=0");
    if is_removal { format!("removes {name}") } else { format!("{name}=…; {attributes}") }
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

fn milliseconds(time: Duration) -> String {
    format!("{:.2} ms", time.as_secs_f64() * 1000.0)
}

fn shorten(text: &str) -> String {
    match text.char_indices().nth(MAX_LINE) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text.to_owned(),
    }
}
