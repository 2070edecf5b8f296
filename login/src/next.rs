//! The `next` parameter: the page to show after a login.

use std::fmt::{self, Display};

use rocket::Request;
use rocket::form::{self, FromFormField, ValueField};
use rocket::http::impl_from_uri_param_identity;
use rocket::http::uri::fmt::{Formatter, Query, UriDisplay};
use rocket::http::uri::{Origin, Reference};
use rocket::http::{Method, RawStr};
use rocket::response::Redirect;
use rocket::route::Route;
use rocket::serde::{Serialize, Serializer};

/// A safe redirect target: a path on this site, with or without a query string.
///
/// Use `Option<Next>` as the type of a form field or query parameter. An unsafe value is then
/// `None`, which prevents open redirects. Flask-Login leaves this check to the app (see its
/// [issue 211](https://github.com/maxcountryman/flask-login/issues/211)).
///
/// ```
/// use rocket::response::Redirect;
/// use rocket_login::Next;
///
/// fn after_login(next: Option<Next>) -> Redirect {
///     next.map_or_else(|| Redirect::to("/dashboard"), Redirect::from)
/// }
///
/// assert!(Next::parse("/account?tab=2").is_some());
/// assert!(Next::parse("//evil.example").is_none());
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Next(Origin<'static>);

impl Next {
    /// Parses `text`. Returns `None` if `text` is not a path, if a browser might treat `text` as
    /// another site, if the path has `.` or `..` segments, or if `text` is longer than 2,048 bytes.
    pub fn parse(text: &str) -> Option<Next> {
        // Browsers treat `//host` and `/\host` as another site, remove tabs and newlines, and
        // resolve dot segments. Checks for `//host` and dot segments, because `Origin` accepts
        // both.
        let origin = Origin::parse_owned(text.to_owned()).ok()?;
        let printable = text.bytes().all(|byte| byte.is_ascii_graphic());
        let path = origin.path();
        let dotted = path.split('/').any(|segment| {
            // Browsers treat `%2e` as a dot.
            let segment = segment.as_str().to_ascii_lowercase().replace("%2e", ".");
            matches!(segment.as_str(), "." | "..")
        });
        (printable && text.len() <= MAX_LENGTH && !dotted && !path.starts_with("//"))
            .then_some(Next(origin))
    }

    /// Returns the page to show after the login that `request` needs.
    ///
    /// For `GET` and `HEAD`, this is the requested page. For other methods, this is the page at the
    /// same path or, if there is none, the page at the closest parent path that has a page.
    fn after(request: &Request<'_>) -> Option<Next> {
        if matches!(request.method(), Method::Get | Method::Head) {
            return Next::parse(&request.uri().to_string());
        }
        let mut path = request.uri().path().as_str();
        if path.len() > MAX_LENGTH {
            return None;
        }
        loop {
            if request.rocket().routes().any(|route| shows(route, path)) {
                return Next::parse(path);
            }
            path = match path.rsplit_once('/')? {
                ("", "") => return None,
                ("", _) => "/",
                (above, _) => above,
            };
        }
    }
}

/// Returns `view` with a `next` parameter that leads back to the requested page after the login:
/// Flask-Login's `login_url`. The result keeps the query string of `view`.
///
/// ```
/// # use rocket::Request;
/// use rocket::response::Redirect;
/// use rocket_login::login_url;
///
/// fn unauthorized(request: &Request<'_>) -> Redirect {
///     Redirect::to(login_url(request, "/staff/login"))
/// }
/// ```
pub fn login_url(request: &Request<'_>, view: impl ToString) -> String {
    let view = view.to_string();
    let Some(Next(next)) = Next::after(request) else { return view };
    let separator = if view.contains('?') { '&' } else { '?' };
    let next = next.to_string();
    // Keeps slashes, because a slash needs no encoding in a query string.
    let next = RawStr::new(&next).percent_encode().as_str().replace("%2F", "/");
    format!("{view}{separator}next={next}")
}

/// The maximum length of `next` in bytes. The length is limited, because `next` becomes part of a
/// header.
const MAX_LENGTH: usize = 2048;

/// Returns whether `route` serves a page at `path`. Ignores catch-all routes, such as file servers,
/// because the file might not exist.
fn shows(route: &Route, path: &str) -> bool {
    let mut wanted = path.split('/').filter(|segment| !segment.is_empty());
    let mut offered = route.uri.path().split('/').filter(|segment| !segment.is_empty());
    route.method == Method::Get
        && offered.all(|segment| {
            wanted.next().is_some_and(|name| {
                segment == name || segment.starts_with('<') && !segment.ends_with("..>")
            })
        })
        && wanted.next().is_none()
}

impl<'v> FromFormField<'v> for Next {
    fn from_value(field: ValueField<'v>) -> form::Result<'v, Self> {
        Next::parse(field.value)
            .ok_or_else(|| form::Error::validation("not a path on this site").into())
    }
}

impl Display for Next {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// Supports `uri!(login_form(next = …))`.
impl UriDisplay<Query> for Next {
    fn fmt(&self, f: &mut Formatter<'_, Query>) -> fmt::Result {
        f.write_value(self.0.to_string())
    }
}

impl_from_uri_param_identity!([Query] Next);

impl From<Next> for Redirect {
    fn from(next: Next) -> Redirect {
        Redirect::to(Reference::from(next.0))
    }
}

impl Serialize for Next {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(&self.0)
    }
}
