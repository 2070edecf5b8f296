//! The signature, guard, file and line of each handler, read from the source code.

use std::sync::LazyLock;

use include_dir::{Dir, include_dir};
use rocket::Route;
use serde::Serialize;

static SOURCES: Dir = include_dir!("$CARGO_MANIFEST_DIR/src/routes");

static HANDLERS: LazyLock<Vec<HandlerInfo>> = LazyLock::new(|| {
    let files = SOURCES.files().filter_map(|file| {
        Some((format!("src/routes/{}", file.path().display()), file.contents_utf8()?))
    });
    let plan = ("src/demo/flight_plan.rs".to_owned(), include_str!("flight_plan.rs"));
    files.chain([plan]).flat_map(|(path, source)| handlers(&path, source)).collect()
});

/// Guards that let every request through.
const OPEN_GUARDS: &[&str] = &[
    "&CookieJar",
    "&State",
    "Client",
    "CurrentUser",
    "DeviceCookie",
    "EmptyCookies",
    "Events",
    "Login",
];

/// A handler of a page.
#[derive(Serialize)]
pub struct HandlerInfo {
    /// The method and the path, such as `GET /login?<next>`.
    #[serde(skip)]
    route: String,
    file: String,
    line: usize,
    /// The signature up to the guard, with the attribute.
    before: String,
    /// The type of the guard that can reject a request. Empty if every request passes.
    guard: String,
    /// The signature after the guard.
    after: String,
}

/// Returns the handler of a route, or `None` if the route is not in `src/routes`.
pub fn find(route: &Route) -> Option<&'static HandlerInfo> {
    let route = format!("{} {}", route.method, route.uri);
    HANDLERS.iter().find(|handler| handler.route == route)
}

fn handlers(path: &str, source: &'static str) -> Vec<HandlerInfo> {
    let mut handlers = Vec::new();
    let lines: Vec<_> = source.lines().collect();
    for (index, line) in lines.iter().enumerate() {
        let Some((method, rest)) = line.strip_prefix("#[").and_then(|line| line.split_once("(\""))
        else {
            continue;
        };
        let uri = rest.split('"').next().unwrap_or_default();
        let rest = &lines[index..];
        let end = rest.iter().position(|line| line.ends_with('{')).unwrap_or_default();
        let signature = rest[..=end].join("\n").trim_end_matches(" {").to_owned();
        let (before, guard, after) = split_at_guard(&signature);
        handlers.push(HandlerInfo {
            route: format!("{} {uri}", method.to_uppercase()),
            file: path.to_owned(),
            line: index + 1,
            before: before.to_owned(),
            guard: guard.to_owned(),
            after: after.to_owned(),
        });
    }
    handlers
}

/// Splits a signature before and after the first guard that can reject a request.
fn split_at_guard(signature: &str) -> (&str, &str, &str) {
    let is_from_path = |name: &str| {
        let attribute = signature.lines().next().unwrap_or_default();
        attribute.contains(&format!("<{name}>"))
    };
    let (start, end) = (signature.find("fn "), signature.find(") ->"));
    let arguments = start.zip(end).map_or("", |(start, end)| &signature[start..end]);
    let arguments = arguments.split_once('(').map_or("", |(_, arguments)| arguments);
    for argument in arguments.split(',') {
        let Some((name, kind)) = argument.split_once(':') else { continue };
        let (name, kind) = (name.trim(), kind.trim());
        let is_open = OPEN_GUARDS.iter().any(|open| kind.split('<').next() == Some(open));
        if !is_open && !is_from_path(name) {
            let at = kind.as_ptr() as usize - signature.as_ptr() as usize;
            return (&signature[..at], kind, &signature[at + kind.len()..]);
        }
    }
    (signature, "", "")
}
